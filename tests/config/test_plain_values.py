"""Values that a file must not hold, from Python, from ``--set`` and from YAML."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from seqctx.config.config import Config, parse_config
from seqctx.config.plain_values import LARGEST, unusable_values
from seqctx.config.source import Document, parse_document
from seqctx.errors import InputError

ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)
DEEP: Any = 0
for _ in range(2000):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        (float("inf"), "must be a finite number (got inf)"),
        (float("-inf"), "must be a finite number (got -inf)"),
        (float("nan"), "must be a finite number (got nan)"),
        (
            10**400,
            f"must be a number between -{LARGEST} and {LARGEST} (got 1000",
        ),
        (16**5000, "must be a number between"),
        (-(2**63), "must be a number between"),
        (1e300, "must be a number between"),
        ("a\0", r"holds the character \x00. Change"),
        ("\ud800", "holds half of a surrogate pair, which is no character. Change"),
        (b"\xff", "must be text, not bytes (got b'\\xff')"),
        ({"a"}, "must be a list, not a set (got {'a'})"),
        (1 + 2j, "must be text, a number, a list or a mapping, not complex"),
        ({None: 1}, "a key must be text (got None)"),
        ({True: 1}, "a key must be text (got True)"),
        ({(1, 2): 1}, "a key must be text (got (1, 2))"),
        ({"\ud800": 1}, "a key holds half of a surrogate pair, which is no character. Change"),
        ({10**30: 1}, "a key must be a number between"),
        (ENDLESS, "holds more than 100 levels. Change"),
        (DEEP, "holds more than 100 levels. Change"),
        ([0] * 200_000, "holds more than 20000 values. Change"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) and value.isprintable() else "",
)
@pytest.mark.parametrize("key", ["learning_rate", "lora_r", "vllm.seed", "seqctx.gpu"])
def test_a_value_that_cannot_be_handed_on_is_refused(key: str, value: Any, fact: str) -> None:
    document = Document("f", {"base_model": "m", "learning_rate": 1}, {})
    with pytest.raises(InputError) as error:
        parse_config(document, {key: value})
    place = key.partition(".")[0] if "holds more" in fact else key
    assert any(f"{place}: {fact}" in line for line in str(error.value).splitlines())
    assert all(len(line) < 400 for line in str(error.value).splitlines())
    with pytest.raises(InputError, match="Config: "):
        Config(base_model="m", model_config={"x": [value]})
    with pytest.raises(InputError, match="replace: "):
        Config(base_model="m").replace(**{key.replace(".", "__"): value})


def test_values_that_people_write_are_kept() -> None:
    kept = {"a": [LARGEST, -LARGEST, 0.0, 1e-300, True, None, "é\n\t", {1: date(2026, 1, 1)}]}
    assert [*unusable_values(kept)] == []
    text = "base_model: m\nlr_quadratic_warmup: 2026-01-01\nmodel_config: {1: x}\n"
    assert parse_config(parse_document(text, "f")).get("model_config") == {1: "x"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("num_epochs: .inf", "f:2: num_epochs: must be a finite number (got inf)"),
        ("num_epochs: '1e400'", "f:2: num_epochs: must be a finite number (got '1e400')"),
        ("num_epochs: 1e400", "f:2: num_epochs: must be a finite number (got inf)"),
        (f"lora_r: '{'9' * 99}'", "f:2: lora_r: must be a number between"),
        (f"output_dir: {'x' * 300}", "f:2: output_dir: is too long for the name of a file or"),
        (f"output_dir: {'x/' * 3000}x", "f:2: output_dir: is too long for the name of a file or"),
        ("plugins: 5", "f:2: plugins: must be a list (got 5)"),
        ("lora_target_modules: ((", "f:2: lora_target_modules: must be a regular expression, or a"),
        ("plugins: x", "f:2: plugins: must be a list (got 'x')"),
        ("plugins: [5]", "f:2: plugins.0: must be text (got 5)"),
        ("plugins: [q_proj]", "f:2: plugins: each must name a class with its module, such as"),
        ("datasets: [{path: !!binary /w==}]", "f:2: datasets.0.path: must be text, not bytes"),
        ("vllm: {max_model_len: 99999999999999999999k}", "f:2: vllm.max_model_len: "),
    ],
)
def test_a_wrong_value_of_a_file_is_one_line(text: str, line: str) -> None:
    with pytest.raises(InputError) as error:
        parse_config(parse_document(f"base_model: m\n{text}\n", "f"))
    assert str(error.value).startswith(line)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("a..b", "--set a..b: a part of the key is empty. Correct it."),
        ("a.", "--set a.: a part of the key is empty. Correct it."),
        ("", "--set : a part of the key is empty. Correct it."),
        (".".join("a" * 5000), "--set a.a.a."),
        ("base_model.x", "--set base_model.x: base_model holds no keys (it is a str). Set"),
        ("datasets.0.path", "--set datasets.0.path: datasets holds no keys (it is a list). Set"),
        ("\udcff", r"--set \udcff: the key holds half of a surrogate pair"),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_a_key_that_cannot_be_set_is_one_line(key: str, line: str) -> None:
    document = Document("f", {"base_model": "m", "datasets": [{"path": "x"}]}, {})
    with pytest.raises(InputError) as error:
        parse_config(document, {key: 1})
    assert str(error.value).startswith(line)
    assert len(str(error.value).splitlines()) == 1
