"""Mutated files: whatever people do to a YAML, the check says one clear thing and never dies.

``SEQCTX_FUZZ`` is the number of files; `make fuzz` takes 20,000.
"""

from __future__ import annotations

import os
import random
import resource
import signal
from types import FrameType

from seqctx.errors import InputError
from seqctx.plan.check import check_document
from seqctx.schema.source import parse_document
from tests.conftest import ROOT

FILES = int(os.environ.get("SEQCTX_FUZZ", "2000"))
SEEDS = [
    path.read_bytes()
    for pattern in ("axolotl_configs/*.yaml", "tests/data/guests/*.yaml", "tests/data/broken/*/*")
    for path in sorted(ROOT.glob(pattern))
]
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
    raw = chance.choice(SEEDS)
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
                other = chance.choice(SEEDS).split(b"\n")
                lines = lines[:at] + other[chance.randrange(len(other)) :]
            case 6:
                lines[at] = chance.choice(KEYS).encode() + b": " + chance.choice(NASTY).encode()
            case _:
                if colon:
                    lines[at] = key + b": " + chance.choice(NASTY).encode("utf-8", "surrogatepass")
        raw = b"\n".join(lines)
    return raw


def hangs(number: int, frame: FrameType | None) -> None:
    raise AssertionError("one file took more than 20 s")


def test_a_mutated_file_is_looked_at_or_refused_in_clear_lines() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    old = signal.signal(signal.SIGALRM, hangs)
    refused = 0
    try:
        for number in range(FILES):
            raw = mutated(random.Random(number))
            signal.alarm(20)
            try:
                said = [str(p) for p in check_document(parse_document(raw, "f.yaml"))]
            except InputError as error:
                refused += 1
                said = str(error).splitlines()
                assert said
            except Exception as error:
                error.add_note(f"file {number}: {raw!r}")
                raise
            assert all(line.startswith("f.yaml") for line in said), (number, said)
            assert all("\n" not in line and len(line) < 2000 for line in said), (number, said)
            assert len(said) < 2000
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000, f"{grown} kB more than before"  # [kB]
    assert 0.05 < refused / FILES < 0.95  # the mutations reach both ends
