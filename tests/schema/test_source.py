from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seqctx import InputError
from seqctx.schema.source import parse_document

TEXT = """\
base_model: m
lora:        &shared
  r: 8
  alpha: 16
datasets:
  - path: a
    type: x
  - {path: b,
     type: y}
other:
  <<: *shared
  alpha: 32
"""


def test_every_key_and_item_has_its_line() -> None:
    document = parse_document(TEXT, "c.yaml")
    assert document.data == yaml.safe_load(TEXT)
    assert document.data["other"] == {"r": 8, "alpha": 32}
    lines = {".".join(map(str, path)): line for path, line in document.lines.items()}
    assert lines == {
        "base_model": 1, "lora": 2, "lora.r": 3, "lora.alpha": 4, "datasets": 5,
        "datasets.0": 6, "datasets.0.path": 6, "datasets.0.type": 7,
        "datasets.1": 8, "datasets.1.path": 8, "datasets.1.type": 9,
        "other": 10, "other.alpha": 12, "other.r": 3,
    }  # fmt: skip
    assert document.place(("datasets", 1, "split")) == "c.yaml:8"
    assert document.place(("nowhere",)) == "c.yaml"


def test_all_duplicates_at_once() -> None:
    text = "a: 1\nb: {c: 1, c: 2}\na: 2\n"
    with pytest.raises(InputError) as error:
        parse_document(text, "c.yaml")
    assert str(error.value).splitlines() == [
        "c.yaml:3: a: given twice (first on line 1). Delete one.",
        "c.yaml:2: b.c: given twice (first on line 2). Delete one.",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n\t- 1\n", "c.yaml:2: no valid YAML: found character '\\t'"),
        ("a: &x [*x]\n", "its aliases never end"),
        ("a: b: c\n", "c.yaml:1: no valid YAML: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2\n", "c.yaml:2: no valid YAML: but found another document"),
        ("d: 2026-13-01\n", "no valid YAML: month must be in 1..12"),
        ("[a]: 1\n", "no valid YAML"),
        ("1: a\n", "the top level must be a mapping of keys"),
        ("? {a: 1}\n: 2\n", "no valid YAML: found unhashable key"),
    ],
)
def test_bad_yaml(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_document(text, "c.yaml")
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_an_alias_bomb_is_refused_fast() -> None:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(InputError, match="its aliases never end"):
        parse_document("\n".join(["l0: &l0 [x]", *levels]), "c.yaml")


NUMBER = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")  # a number here, a string to safe_load
TEXTS = st.text().filter(lambda text: not NUMBER.fullmatch(text))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, VALUES))
def test_reads_what_safe_load_reads(data: dict[str, Any]) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    assert parse_document(text, "c.yaml").data == yaml.safe_load(text)
