from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seqctx import InputError
from seqctx.config.source import parse_document

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
    assert document.position(("datasets", 1, "split")) == document.position(("datasets", 1))
    assert document.position(("datasets", 1))[0] == 8
    assert document.position(("nowhere",)) == (0, 0)


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
        ("a:\n\t- 1\n", "c.yaml:2: not valid YAML: found character '\\t'"),
        ("a: &x [*x]\n", "c.yaml:1: nested too deeply, or an alias that contains itself"),
        ("a: b: c\n", "c.yaml:1: not valid YAML: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2\n", "c.yaml:2: not valid YAML: but found another document"),
        (
            "a: 1\nd: 2026-13-01\n",
            "c.yaml:2: not valid YAML: '2026-13-01' cannot be read as a timestamp",
        ),
        ("a: 1\nb: !!bool x\n", "c.yaml:2: not valid YAML: 'x' cannot be read as true or false"),
        ("a: 1\nb: !!int x\n", "c.yaml:2: not valid YAML: 'x' cannot be read as a number"),
        ("a: 1\nb: !!timestamp x\n", "c.yaml:2: not valid YAML: 'x' cannot be read as a timestamp"),
        (f"a: 1\nb: {'9' * 5000}\n", "c.yaml:2: not valid YAML: '999"),
        ("a: 1\nb: !!python/name:os.system\n", "c.yaml:2: not valid YAML: could not determine"),
        ("a: 1\nlora_r: 010\n", "c.yaml:2: not valid YAML: 010 is read in base 8, as 8; write 8"),
        ("a: 1\nb: !!omap [c: 1]\n", "c.yaml:2: !!omap is not supported. Write a mapping."),
        ("a: 1\nb: !!pairs [c: 1]\n", "c.yaml:2: !!pairs is not supported. Write a mapping."),
        ("a: 1\nb: {c: 1:30}\n", "c.yaml:2: not valid YAML: 1:30 is read in base 60, as 90"),
        (
            "a: 1\non: 2\n",
            "c.yaml:2: on: YAML reads this key as true or false, not text. Put",
        ),
        ("a: {null: 2}\n", "c.yaml:1: null: YAML reads this key as empty, not text"),
        ("a:\n  2026-01-01: 2\n", "c.yaml:2: 2026-01-01: YAML reads this key as a timestamp"),
        ("a: " + "[" * 150 + "]" * 150, "c.yaml:1: nested too deeply"),
        ("a: " + "[" * 5000 + "]" * 5000, "c.yaml:1: nested too deeply. Use"),
        ("a: " + "[" * 200_000, "c.yaml:1: nested too deeply"),
        ("a: [" + "1," * 200_000 + "]", "c.yaml:1: has too many values. Check"),
        (
            'a: 1\n"\\ud800": 1\n',
            "c.yaml:2: a text holds half of a surrogate pair",
        ),
        ('a: 1\nb: ["\\0"]\n', r"c.yaml:2: a text holds the character \x00. Correct"),
        ("a: *" + "x" * 3000, "c.yaml:1: not valid YAML: found undefined alias 'xxx"),
        ("a: 1\nb:\n  <<: 3\n", "c.yaml:3: not valid YAML: expected a mapping"),
        ("", "the top level must be a mapping of keys (got nothing)"),
        ("# only a comment\n---\n", "the top level must be a mapping of keys (got nothing)"),
        ("- a\n", "the top level must be a mapping of keys (got list)"),
        ("a: 1\nb: \0\n", "c.yaml:2: not valid YAML: YAML does not allow character 0x0"),
        ("[a]: 1\n", "not valid YAML"),
        ("1: a\n", "c.yaml:1: 1: YAML reads this key as a number, not text"),
        ("? {a: 1}\n: 2\n", "not valid YAML: found unhashable key"),
    ],
)
def test_bad_yaml(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_document(text, "c.yaml")
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 500


def test_an_alias_bomb_is_refused_fast() -> None:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(InputError, match="its YAML aliases expand to too many values"):
        parse_document("\n".join(["l0: &l0 [x]", *levels]), "c.yaml")


NUMBER = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")  # a number here, a string to safe_load
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.text(CHARACTERS).filter(lambda text: not NUMBER.fullmatch(text))
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


def test_numbers_that_people_mean() -> None:
    text = "a: 2e-4\nb: 1_000\nc: 0x1f\nd: -0\ne: 0\nf: 00\ng: 1e5\nh: {0: x}\ni: '010'\nj: no\n"
    assert list(parse_document(text, "c.yaml").data.values()) == [
        2e-4, 1000, 31, 0, 0, 0, 1e5, {0: "x"}, "010", False,
    ]  # fmt: skip


def test_bytes_marks_and_line_ends() -> None:
    assert parse_document(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "c.yaml").lines[("b",)] == 2
    for raw in ("a: \xe9\n".encode("latin-1"), "a: 1\n".encode("utf-16")):
        with pytest.raises(InputError, match="c.yaml: not UTF-8 text"):
            parse_document(raw, "c.yaml")


def test_merged_lists_of_mappings_keep_the_first_and_name_its_line() -> None:
    text = "x: &x {r: 1}\ny: &y\n  r: 2\n  s: 3\nz:\n  <<: [*x, *y]\n  t: 4\n"
    document = parse_document(text, "c.yaml")
    assert document.data["z"] == {"r": 1, "s": 3, "t": 4}
    places = {k: document.lines[("z", k)] for k in "rst"}
    assert places == {"r": 1, "s": 4, "t": 7}
