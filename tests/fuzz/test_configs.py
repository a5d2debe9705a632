"""Mutated configs: each is checked, planned, rendered and dry-run, or refused in clear lines."""

from __future__ import annotations

import os
import random
import resource
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqctx.artifacts.layout import DatasetDir
from seqctx.catalog.gpus import known_gpus
from seqctx.catalog.keys import KeyPath, axolotl_names, vllm_names
from seqctx.check.check import check, check_document
from seqctx.check.facts import Facts, Prepared, gather_facts
from seqctx.config.blocks import Prepare, Seqctx
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
RECORDS = ROOT / "tests/data/records"
MODEL = "prepare/models/smollm2-135m-instruct"
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


def mutated_text(chance: random.Random) -> bytes:
    """A file with some of its bytes and lines changed."""
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


ODD: list[Any] = [
    None, True, False, 0, 1, -1, 5, 2**62, 10**30, 10**400, 1.5, -0.0, float("inf"), float("nan"),
    1e308, 1e-308, "", " ", "x", "5", "9" * 5000, "inf", "1e400", "99999999999999999999999k", "8k",
    "auto", "\0", "\ud800", "a\nb", "\x1b]0;t\a", "-x", "../..", "/dev/null", "((", "(a+)+$" * 9,
    [], [None], [1], ["x"], [[["x"]]], [{"a": 1}], {}, {"x": 1}, {"a": {"b": [1, {"c": None}]}},
    {1: 2}, {"": 1}, date(2026, 1, 1), b"\xff\0", {"a", "b"}, [float("nan")], ["\ud800"],
    {"factor": float("inf")}, {"factor": 1e-300, "rope_type": "yarn"}, [10**400], list(range(500)),
]  # fmt: skip


@cache
def known_paths() -> list[KeyPath]:
    """Every key that Axolotl, its plugins, vLLM or seqctx has, by its path."""
    names = axolotl_names()
    known = dict(names["keys"])
    for plugin in names["plugins"].values():
        known |= plugin.get("keys", {})
    found: list[KeyPath] = [(key,) for key in known]
    for key, entry in known.items():
        at: KeyPath = (key, 0) if key.endswith("datasets") else (key,)
        found += [(*at, inner) for inner in entry.get("keys") or ()]
    found += [("vllm", key) for key in vllm_names()["keys"]]
    found += [("seqctx", key) for key in Seqctx.model_fields]
    found += [("seqctx", "prepare", key) for key in Prepare.model_fields] * 5
    ropes = ("rope_parameters", "rope_scaling", "max_position_embeddings")
    blocks = (("vllm", "hf_overrides"), ("overrides_of_model_config",), ("model_config",))
    found += [(*block, rope) for block in blocks for rope in ropes] * 5
    return found


def mutated_values(chance: random.Random) -> bytes:
    """A file that can be read, with some of its values replaced by odd ones."""
    data: dict[str, Any] = dict(chance.choice(SOUND_DATA))
    if chance.random() < 0.5:
        data["base_model"] = MODEL
    if chance.random() < 0.8:
        data["datasets"] = [{"path": "data.jsonl", "type": "chat_template"}]
        data["seqctx"] = {**data.get("seqctx", {}), "gpu": chance.choice(known_gpus())}
    if chance.random() < 0.5:
        data["output_dir"] = "outputs/x"
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        path = chance.choice(known_paths() if chance.random() < 0.6 else [*paths(data)])
        data = put(data, path, chance.choice(ODD))
    text = yaml.dump(data, Dumper=yaml.SafeDumper, sort_keys=False)
    return text.encode("utf-8", "surrogatepass")


def mutated(chance: random.Random) -> bytes:
    return chance.choice((mutated_text, mutated_values, mutated_values))(chance)


def make_project(folder: Path, model: Path) -> None:
    """Write a model, data, an adapter and what prepare measured into a folder."""
    shutil.copytree(model, folder / MODEL)
    (folder / "data.jsonl").write_text('{"messages": []}\n')
    adapter = folder / "outputs/x"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text('{"r": 16}')
    (adapter / "adapter_model.bin").write_bytes(b"x")
    dataset = DatasetDir.named("f")
    (folder / dataset.path).mkdir(parents=True)
    shutil.copy(RECORDS / "report-0.1.json", folder / dataset.stats)
    shutil.copy(RECORDS / "manifest-0.1.json", folder / dataset.manifest)


@pytest.fixture
def project(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the configs are tried."""
    make_project(tmp_path, model_folder)
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
    """A copy of nested mappings and lists with one value replaced, or added."""
    if not path:
        return other
    key, *rest = path
    if isinstance(key, int):
        items = list(value) if isinstance(value, list) else []
        items += [None] * (key + 1 - len(items))
        items[key] = put(items[key], tuple(rest), other)
        return items
    known = value if isinstance(value, dict) else {}
    return {**known, key: put(known.get(key), tuple(rest), other)}


SOUND = [path.read_bytes() for p in ("guests/*", "broken/*/*")
         for path in sorted((ROOT / "tests" / "data").glob(f"{p}.yaml"))]  # fmt: skip
SOUND_DATA = [parse_document(raw, "f.yaml").data for raw in SOUND]
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
