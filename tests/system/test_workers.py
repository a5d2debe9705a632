"""Worker processes: results in order, errors as they are, no waiting for a killed one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from seqctx import CheckError, InputError
from seqctx.system.resource_limits import CallFailedError, call_limited
from seqctx.system.workers import call_in_workers

_state: list[str] = []  # of a worker


def begin(word: str) -> None:
    _state.append(word)


def work(item: tuple[str, Any]) -> Any:
    kind, value = item
    if kind == "signal":
        os.kill(os.getpid(), value)
    elif kind == "error":
        raise InputError(value)
    elif kind == "strange":
        return lambda: None
    time.sleep(0.01 * (value if kind == "slow" else 0))
    return (*_state, value, os.environ["SEQCTX_TEST"], os.getpid())


def calls(*items: tuple[str, Any], processes: int = 2) -> Iterator[Any]:
    return call_in_workers(
        (begin, "begun"), work, items, processes,
        what="all", name=lambda item: f"item {item[0]}", variables={"SEQCTX_TEST": "1"},
    )  # fmt: skip


def test_results_come_in_order_from_several_processes() -> None:
    found = list(calls(*(("slow", 9 - k) for k in range(10))))
    assert [value[:3] for value in found] == [("begun", 9 - k, "1") for k in range(10)]
    assert len({value[3] for value in found}) == 2
    assert not any(psutil.pid_exists(value[3]) for value in found)


def test_an_error_is_raised_as_it_is() -> None:
    with pytest.raises(InputError, match="^a line$"):
        list(calls(("slow", 1), ("error", "a line"), ("slow", 1)))


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGABRT"])
def test_a_worker_that_is_killed_is_one_line(number: str) -> None:
    began, items = time.monotonic(), [("slow", 1), ("signal", getattr(signal, number))]
    with pytest.raises(CheckError, match="^item signal: the worker process was") as error:
        list(calls(*items, ("slow", 1)))
    assert "\n" not in str(error.value)
    assert ("memory" in str(error.value)) == (number == "SIGKILL")
    assert time.monotonic() - began < 20


def test_ctrl_c_is_not_for_a_worker() -> None:
    assert len(list(calls(("signal", signal.SIGINT), ("slow", 1)))) == 2


def test_what_cannot_be_sent_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="pickle"):
        list(calls(("strange", 1), ("slow", 1)))


def test_the_workers_end_when_nobody_takes_the_rest() -> None:
    results = calls(*(("slow", 1) for _ in range(8)))
    pid = next(results)[3]
    results.close()  # type: ignore[attr-defined]
    assert not psutil.pid_exists(pid)


def limited(item: Any) -> Any:
    if item == "endless":
        while True:
            pass
    if item == "memory":
        return len(b"x" * 3_000_000_000)
    if item == "killed":
        os.kill(os.getpid(), signal.SIGSEGV)
    if item == "wrong":
        raise ValueError("wrong " * 1000)
    return item


@pytest.mark.parametrize(
    ("item", "fact"),
    [
        ("endless", "takes too long"),
        ("memory", "needs more than 100 MB"),
        ("killed", "ended the process"),
        ("wrong", "^wrong"),
    ],
)
def test_a_limited_call_ends(item: str, fact: str) -> None:
    began = time.monotonic()
    with pytest.raises(CallFailedError, match=fact) as error:
        list(call_limited(limited, ["good", item], seconds=1, memory=10**8))
    assert time.monotonic() - began < 10
    assert len(str(error.value)) <= 1000
    assert psutil.Process().children() == []


def test_a_limited_call_gives_its_results() -> None:
    items = ["x" * 1_000_000, 1, None]
    assert list(call_limited(limited, items, seconds=5, memory=10**8)) == items
