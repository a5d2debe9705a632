"""Chat templates are programs of whoever made a model: they may be endless, huge or wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from seqctx import InputError
from seqctx.prepare import tokenizer as module
from seqctx.prepare.tokenizer import load_tokenizer

LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "fact"),
    [
        (LOOPS, "takes too long"),
        ("{% for m in messages %}{% if m.content|length > 9 %}" + LOOPS + "{% endif %}{% endfor %}",
         "takes too long"),
        ("{{ 7 ** (9 ** 9) }}", "takes too long"),
        ("{{ 'a' * 100000000000 }}", "needs more than"),
        ("{{ '%1000000000d'|format(3) }}", "needs more than|characters|takes too long"),
        ("{{ 'a' * 60000000 }}", "60,000,000 characters|takes too long"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
        ("{{" + "(" * 5000 + "1" + ")" * 5000 + "}}", "recursion"),
        ("{{ raise_exception('a\\n\x1b[31mb') }}", r"a\\n\\x1b\[31mb"),
        ("{{ messages", "unexpected end of template"),
        ("no answer", "leaves out the answer"),
    ],
)  # fmt: skip
def test_a_hostile_template_is_given_up_in_one_line(
    tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch, template: str, fact: str
) -> None:
    monkeypatch.setattr(module, "_TEMPLATE_SECONDS", 1.0)
    shutil.copytree(model_folder, tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").write_text(template)
    with pytest.raises(InputError, match=fact) as error:
        _ = load_tokenizer(tmp_path / "model").end_of_turn
    assert "\n" not in str(error.value) and len(str(error.value)) < 500
