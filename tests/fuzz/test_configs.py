"""Mutated configs: each is checked, planned, rendered and dry-run, or refused in clear lines."""

from __future__ import annotations

import os
import random
import resource
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqctx.catalog.keys import KeyPath
from seqctx.check.check import check, check_document
from seqctx.check.facts import Facts, Prepared, gather_facts
from seqctx.config.config import read_config
from seqctx.config.source import Document, parse_document
from tests.conftest import ROOT
from tests.fuzz.pipeline import LONGEST_LINE, run_all
from tests.fuzz.seeds import CONFIGS_EACH, COUNT, input_of, seeds

MORE = os.environ.get("SEQCTX_FUZZ_CONFIGS", "")  # a folder with more configs to mutate
FILES = sorted(
    path
    for folder, pattern in (
        (ROOT, "axolotl_configs/*.yaml"),
        (ROOT, "tests/data/guests/*.yaml"),
        (ROOT, "tests/data/broken/*/*"),
        *([(Path(MORE), "*.yaml")] if MORE else []),
    )
    for path in folder.glob(pattern)
)
SOURCES = [path.read_bytes() for path in FILES]
NASTY = [
    "-1", "0", "9" * 30, "9" * 5000, "-.inf", ".nan", "1e999", "null", "true", "no", "010", "1:30",
    "2026-13-01", "2026-01-01", "'" + "x" * 3000 + "'", "[]", "{}", "[null, {a: 1}]", "[[[[1]]]]",
    "{1: 2, null: 3}", "!!python/object:os.system x", "!!int x", "!!bool x", "!!float x",
    "!!binary x", "!!timestamp x", "!!set {a, b}", "!!omap [a: 1]", "*a", "&a [*a]", "'\\0'",
    "é\u2028",
    '"\\ud800"', "? [a]", "<<: 3", "- - - -", "|", ">-", "@", "`", "%", "2e-4", "0x1f",
    "0o17", "1_000",
    "[" * 300, "{a: " * 200, "lora", "qlora", "-0.0", "1.5", "'2'",
]  # fmt: skip
KEYS = [
    "vllm", "seqctx", "datasets", "test_datasets", "special_tokens", "model_config", "plugins",
    "lora_r", "sequence_len", "vllm.port", "<<", "on", "1", "null", "~", "fsdp_config", "tokens",
]  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    raw = chance.choice(SOURCES)
    for _ in range(chance.randint(1, 4)):
        lines = raw.split(b"\n")
        at = chance.randrange(len(lines))
        key, colon, _value = lines[at].partition(b":")
        match chance.randrange(9):
            case 0:
                place = chance.randrange(len(raw) + 1)
                raw = raw[:place] + bytes([chance.randrange(256)]) + raw[place + 1 :]
                continue
            case 1:
                place = chance.randrange(len(raw) + 1)
                raw = raw[:place] + raw[place + chance.randint(1, 40) :]
                continue
            case 2:
                lines.insert(chance.randrange(len(lines)), lines[at])
            case 3:
                lines[at] = lines[at][chance.randint(0, 3) :]
            case 4:
                lines[at] = b"  " + lines[at]
            case 5:
                other = chance.choice(SOURCES).split(b"\n")
                lines = lines[:at] + other[chance.randrange(len(other)) :]
            case 6:
                lines[at] = chance.choice(KEYS).encode() + b": " + chance.choice(NASTY).encode()
            case _:
                if colon:
                    lines[at] = key + b": " + chance.choice(NASTY).encode("utf-8", "surrogatepass")
        raw = b"\n".join(lines)
    return raw


@pytest.fixture
def project(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and data, in which the configs are tried."""
    shutil.copytree(model_folder, tmp_path / "prepare/models/smollm2-135m-instruct")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_mutated_config_is_read_or_refused_in_clear_lines(project: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path, refused, drawn = Path("f.yaml"), 0, seeds(CONFIGS_EACH)
    for seed in drawn:
        path.write_bytes(mutated(random.Random(seed)))
        with input_of(seed, __file__):
            printed = run_all(path)
            assert all("\n" not in line and len(line) < LONGEST_LINE for line in printed), printed
            assert len(printed) < 2000
        refused += bool(printed)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000, f"{grown} kB more than before"  # [kB]


def paths(value: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key and item below a value."""
    listed = enumerate(value) if isinstance(value, list) else ()
    for key, each in value.items() if isinstance(value, dict) else listed:
        yield (*at, key)
        yield from paths(each, (*at, key))


@cache
def known(raw: bytes) -> tuple[Document, Facts]:
    """A file as it stands, and all that there is to know beside it."""
    document = parse_document(raw, "f.yaml")
    cfg, _ = read_config(document)
    assert cfg
    prepared = Prepared({900: 10}, {700: 2}, frozenset())
    more: dict[str, Any] = {"cards": 2, "api_key": False, "stem": "f", "prepared": prepared}
    return document, replace(gather_facts(cfg), **more)


def put(value: Any, path: KeyPath, other: Any) -> Any:
    """A copy of nested mappings and lists with one value replaced."""
    if not path:
        return other
    if isinstance(value, list):
        return [put(v, path[1:], other) if i == path[0] else v for i, v in enumerate(value)]
    return {**value, path[0]: put(value.get(path[0]), path[1:], other)}


SOUND = [path.read_bytes() for p in ("guests/*", "broken/*/*")
         for path in sorted((ROOT / "tests" / "data").glob(f"{p}.yaml"))]  # fmt: skip
PLACES = [(raw, path) for raw in SOUND for path in paths(parse_document(raw, "f.yaml").data)]
BROKEN = ROOT / "tests" / "data" / "broken"
OF_TEMPLATES = (BROKEN / "chat-template-differs" / "3.yaml").read_bytes()
OF_LIMITS = (BROKEN / "best-not-kept" / "1.yaml").read_bytes()
OTHER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["5", "x" * 3000]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=COUNT, deadline=None, database=None, derandomize=True)
@given(st.sampled_from(PLACES), OTHER)
@example((OF_TEMPLATES, ("datasets", 0, "chat_template")), 3)
@example((OF_LIMITS, ("save_total_limit",)), ["a"])
@example((SOUND[0], ("eot_tokens",)), 3)
@example((SOUND[0], ("special_tokens",)), 3)
def test_a_value_of_another_type_is_looked_at_or_refused_by_the_rules(
    place: tuple[bytes, KeyPath], other: Any
) -> None:
    document, facts = known(place[0])
    document = replace(document, data=put(document.data, place[1], other))
    cfg, problems = read_config(document)
    printed = [str(p) for p in [*problems, *(check(document, cfg, facts) if cfg else ())]]
    assert all("\n" not in line and len(line) < 2000 for line in printed)


def test_a_base_model_that_is_no_path_is_looked_at() -> None:
    assert check_document(Document("f.yaml", {"base_model": "x" * 5000, "adapter": "lora"}, {}))
