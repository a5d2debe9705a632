r"""What a file, a model, a server or a program plants commands neither the terminal nor a page.

Each test plants the same text in one place and runs the verbs that quote it. No raw character of
it may be printed or stand on a page, no markup of it may work, and an error stays one line.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, few_fast, seqctx
from tests.report.test_hostile_texts import checked
from tests.serve.odd_server import DONE, OddServer, delta, event, http, odd_server
from tests.train.conftest import faked, runnable  # noqa: F401

# A title, the clipboard, C1, an override; markup of rich and HTML, a formula; a line separator.
PLANTED = (
    "\x1b]0;x\x07\x1b]52;c;eA==\x07\x9b2J\u202e[red][link=http://x]y<script>$\\frac$\x7f\r\u2028."
)
SHOWN = (
    r"\x1b]0;x\x07\x1b]52;c;eA==\x07\x9b2J\u202e"
    r"[red][link=http://x]y<script>$\frac$\x7f\r\u2028."
)
FILE = "\x1b]0;x\x07\u202e[red]<script>$\\frac$"  # without a slash
ODD_FILE = os.fsdecode(os.fsencode(FILE) + b"\xff")  # a name that is no UTF-8
RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]"
    "|[\ud800-\udfff]"
)
SIGN = r"\x1b]0;x"


def run(
    *arguments: str | Path, cwd: Path, codes: tuple[int, ...] = (0, 1, 2, 3), **env: str
) -> str:
    """What a verb prints, on both streams, once it is known to hold no raw character."""
    answer = seqctx(*arguments, cwd=cwd, stdin=b"Hello?", **env)
    out = answer.stdout + answer.stderr
    assert answer.returncode in codes, out
    assert not RAW.search(out), ascii(out)
    assert "Traceback" not in out
    if "--json" in arguments and answer.stdout:
        json.loads(answer.stdout)
    return out


def keys_of(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """All places of a file: keys, and the items of its lists."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from keys_of(value, (*path, key))


def with_planted(data: Any, path: tuple[Any, ...], *, as_key: bool) -> Any:
    """A copy of a file's data with the text in place of one value, or of one key."""
    data = copy.deepcopy(data)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    if not as_key:
        inner[path[-1]] = PLANTED
    elif isinstance(inner, dict):
        inner[PLANTED] = inner.pop(path[-1])
    return data


GUEST = {
    "base_model": "base", "sequence_len": 512, "adapter": "lora", "lora_r": 8, "lora_alpha": 8,
    "lora_target_modules": ["q_proj"], "attn_implementation": "sdpa", "optimizer": "adamw_torch",
    "micro_batch_size": 1, "num_epochs": 1, "learning_rate": 1e-4, "lr_scheduler": "cosine",
    "chat_template": "tokenizer_default", "plugins": ["axolotl.integrations.liger.LigerPlugin"],
    "datasets": [{"path": "data.jsonl", "ds_type": "json", "type": "chat_template"}],
    "special_tokens": {"pad_token": "x"}, "output_dir": "outputs/c", "hub_model_id": "me/mine",
    "wandb_project": "p", "resume_from_checkpoint": "c",
    "vllm": {"max_model_len": 1024, "host": "127.0.0.1", "port": 8123, "api_key": "key",
             "served_model_name": "s", "quantization": "fp8", "dtype": "auto",
             "chat_template": "t.jinja"},
    "seqctx": {"gpu": "rtx-5090", "goal": "voice",
               "prepare": {"manuscripts": ["texts"], "strategy": "scenes", "prompts": "p.yaml"}},
}  # fmt: skip
PLACES = [*keys_of(GUEST)]
VERBS = (
    "check", "check --json", "check --suggest", "plan", "plan --json", "explain --config",
    "prepare --dry-run", "prepare", "train --dry-run", "serve --dry-run", "serve --status",
    "merge --dry-run", "chat",
)  # fmt: skip


@pytest.fixture
def guest(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, data and a manuscript, for the file `GUEST`."""
    monkeypatch.setenv("SEQCTX_AXOLOTL", "true")
    monkeypatch.setenv("SEQCTX_VLLM", "true")
    (tmp_path / "base").symlink_to(model_folder)
    (tmp_path / "data.jsonl").write_text('{"messages": []}\n')
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.md").write_text("# One\n\nIt rained.\n")
    return tmp_path


@pytest.mark.parametrize("verb", few_fast(VERBS, "check", "train --dry-run"))
def test_values_and_keys_of_a_file(guest: Path, verb: str) -> None:
    """Every value, then every key, of a file; given in the file, then with --set."""
    signs = 0
    for path in PLACES:
        for as_key in (False, True):
            data = with_planted(GUEST, path, as_key=as_key)
            (guest / "c.yaml").write_text(yaml.safe_dump(data))
            signs += SIGN in run(*verb.split(), "c.yaml", cwd=guest)
    assert signs or "status" in verb or verb == "chat"


@pytest.mark.parametrize("verb", ["check", "check --json", "plan", "train --dry-run", "chat"])
def test_what_set_gives(guest: Path, verb: str) -> None:
    (guest / "c.yaml").write_text(yaml.safe_dump(GUEST))
    quoted = json.dumps(PLANTED)
    for path in PLACES:
        dotted = ".".join(map(str, path))
        run(*verb.split(), "c.yaml", "--set", f"{dotted}={quoted}", cwd=guest)
        run(*verb.split(), "c.yaml", "--set", f"{dotted}{PLANTED}=1", cwd=guest)
        run(*verb.split(), "c.yaml", "--set", f"{dotted}={PLANTED}", cwd=guest)


@pytest.mark.parametrize(
    ("key", "shown"),
    [(r"\e]0;title\a\e[2Jx", r"\x1b]0;title\x07\x1b[2Jx"), (r"\ud800", "surrogate")],
)
def test_a_key_with_escapes_or_a_surrogate(key: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(f'base_model: Qwen/Qwen3-8B\n"{key}": 1\n')
    for verb in VERBS:
        out = run(*verb.split(), "c.yaml", cwd=tmp_path)
        assert shown in out or verb in ("serve --status", "chat") or "--json" in verb


@pytest.mark.parametrize("verb", VERBS)
def test_names_of_files(guest: Path, verb: str) -> None:
    """The file's own name, and the folders and files that it names."""
    (guest / f"{ODD_FILE}.yaml").write_text(yaml.safe_dump(GUEST))
    (guest / "texts" / f"{ODD_FILE}.md").write_text("# Two\n\nIt snowed.\n")
    out = run(*verb.split(), f"{ODD_FILE}.yaml", cwd=guest)
    run(*verb.split(), f"{ODD_FILE}-missing.yaml", cwd=guest, codes=(0, 1, 2))
    (guest / "texts" / f"{ODD_FILE}.md").unlink()
    data = {**GUEST, "base_model": FILE, "output_dir": f"outputs/{FILE}"}
    (guest / FILE).symlink_to(guest / "base")
    (guest / "c.yaml").write_text(yaml.safe_dump(data))
    out += run(*verb.split(), "c.yaml", cwd=guest)
    quotes = verb in ("check", "prepare", "train --dry-run", "serve --dry-run", "merge --dry-run")
    assert SIGN in out or not quotes


def story(novella: Path, text: str) -> str:
    """The novella with the text in its title, in each heading and in each paragraph."""
    lines = [
        f"{line} {text}" if line.startswith("#") else f"Mrs. {text} {line}" if line else ""
        for line in novella.read_text("utf-8").split("\n")
    ]
    return f"---\ntitle: {json.dumps(text)}\n---\n" + "\n".join(lines)


def test_titles_and_text_of_a_manuscript(guest: Path, novella: Path) -> None:
    text = PLANTED.replace("\r", "").replace("\u2028", "")
    (guest / "texts" / f"{FILE}.md").write_text(story(novella, text), "utf-8")
    data = copy.deepcopy(GUEST)
    data["base_model"] = FILE
    data["seqctx"] = {"gpu": "rtx-5090", "prepare": {"manuscripts": ["texts"]}}
    (guest / FILE).symlink_to(guest / "base")
    (guest / "c.yaml").write_text(yaml.safe_dump(data))
    assert SIGN in run("prepare", "c.yaml", cwd=guest, codes=(0,))
    page = (guest / "prepare/out/c/report.html").read_text("utf-8")
    assert r"[link=http://x]y<script>$\frac$" in checked(page) and SIGN in page
    run("plan", "c.yaml", "--options", "--html", "plan.html", cwd=guest, codes=(0, 1))
    assert SIGN in checked((guest / "plan.html").read_text("utf-8"))
    for verb in VERBS:
        run(*verb.split(), "c.yaml", cwd=guest)


def test_what_axolotl_prints_and_its_models_write(
    runnable: Path,  # noqa: F811
    faked: Any,  # noqa: F811
) -> None:
    faked(says=PLANTED, eval={"2": 2.5}, loss={"3": 0.0})
    out = run("train", "c.yaml", cwd=runnable, codes=(0,))
    assert "comparison page" in out
    (page,) = (runnable / "outputs/c/run").glob("*.html")
    shown = checked(page.read_text("utf-8"))
    assert shown.count(SHOWN) == 4  # the passage, two continuations, the author's text
    run("merge", "c.yaml", cwd=runnable)
    faked(says=PLANTED, fail_at=3)
    failed = run("train", "c.yaml", "--force", cwd=runnable, codes=(3,))
    assert r"told to fail \x1b]0;x" in failed.splitlines()[-1]
    faked(says=PLANTED, evaluate=False)
    run("train", "c.yaml", "--force", cwd=runnable)


@pytest.mark.parametrize("options", [(), ("--detach",)])
def test_what_vllm_prints(
    guest: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    program = guest / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests/serve/fake_vllm.py"} "$@"\n'
    )
    program.chmod(0o755)
    (guest / "fail").write_text(PLANTED, "utf-8")
    (guest / "go").touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = {"base_model": "base", "vllm": {"port": port}}
    (guest / "c.yaml").write_text(yaml.safe_dump(data))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    env = {"SEQCTX_VLLM": str(program), "FAKE": str(guest), "PYTHONIOENCODING": "utf-8"}
    out = run("serve", "c.yaml", "--base-only", *options, cwd=guest, codes=(3,), **env)
    assert f"already in use{SHOWN[:60]}" in out.splitlines()[-1]


@pytest.fixture
def server() -> Iterator[OddServer]:
    with odd_server() as running:
        yield running


def test_what_a_server_answers(server: OddServer, tmp_path: Path) -> None:
    server.answers["/v1/models"] = http(json.dumps({"data": [{"id": PLANTED}, {"id": "v"}]}))
    server.answers["/v1/chat/completions"] = http("".join(map(delta, [*PLANTED, "!"])) + DONE)
    assert run("chat", "--url", server.url, cwd=tmp_path, codes=(0,)) == f"{SHOWN}!\n"
    assert SHOWN in run("chat", "--url", server.url, "--model", PLANTED * 2, cwd=tmp_path)
    for answer in (
        http(json.dumps({"error": {"message": PLANTED}}), status="400 No"),
        http(PLANTED, status="500 No"),
        http(event({"error": {"message": PLANTED, "code": PLANTED}}) + DONE),
        http(PLANTED, kind="text/html"),
    ):
        server.answers["/v1/chat/completions"] = answer
        assert len(run("chat", "--url", server.url, cwd=tmp_path, codes=(3,)).splitlines()) == 1


def test_what_a_server_that_runs_here_answers(server: OddServer, guest: Path) -> None:
    port = int(server.url.rpartition(":")[2])
    server.answers["/v1/models"] = http(json.dumps({"data": [{"id": PLANTED}]}))
    (guest / "c.yaml").write_text(yaml.safe_dump({"base_model": "base", "vllm": {"port": port}}))
    assert SHOWN in run("serve", "--status", "c.yaml", cwd=guest)
    assert json.loads(seqctx("serve", "--status", "--json", "c.yaml", cwd=guest).stdout)
    run("serve", "--stop", "c.yaml", cwd=guest)
    server.answers["/v1/models"] = http(PLANTED, status="500 No")
    run("serve", "--status", "c.yaml", cwd=guest)


def test_arguments_and_the_environment(guest: Path) -> None:
    for verb in ("init", "check", "prepare", "plan", "train", "serve", "merge", "demo", "chat"):
        assert SIGN in run(verb, PLANTED + "\n", f"--{PLANTED}", cwd=guest)
        run(verb, PLANTED + "\n", cwd=guest)
    run("explain", PLANTED, cwd=guest)
    run("explain", "--config", PLANTED, cwd=guest)
    run("plan", "c.yaml", "--gpu", PLANTED, cwd=guest)
    for options in (("--base-model", PLANTED), ("--gpu", PLANTED), ("--manuscripts", PLANTED)):
        shutil.rmtree(guest / "made", ignore_errors=True)
        given = {"--base-model": "Qwen/Qwen3-8B", "--gpu": "cpu", "--manuscripts": "texts",
                 "--goal": "voice", **dict([options])}  # fmt: skip
        made = run("init", "made.yaml", *(x for each in given.items() for x in each), cwd=guest)
        if made.startswith("written"):
            run("check", "made.yaml", cwd=guest)
            (guest / "made.yaml").unlink()
    (guest / "c.yaml").write_text(yaml.safe_dump(GUEST))
    odd = str(guest / PLANTED)
    for name in ("SEQCTX_AXOLOTL", "SEQCTX_VLLM", "VLLM_API_KEY", "HF_HOME", "XDG_DATA_HOME"):
        for verb in ("train --dry-run", "serve --dry-run", "prepare", "check"):
            run(*verb.split(), "c.yaml", cwd=guest, **{name: odd})
    run("setup", "train", "--dry-run", cwd=guest, XDG_DATA_HOME=odd)
    assert f"{SHOWN[:20]}" in run("train", "--dry-run", "c.yaml", cwd=guest, SEQCTX_AXOLOTL=odd)
