"""What each format writes between scenes beside words: rules, empty paragraphs, pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import read_manuscript
from tests.prepare.scene_files import SCENES, scenes_in, story, write

_RULE = '<w:p><w:pPr><w:pBdr><w:{} w:val="single" w:sz="6" w:space="1"/></w:pBdr></w:pPr></w:p>'
_LINE = (  # what Word inserts as a horizontal line
    '<w:p><w:r><w:pict xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:o="urn:schemas-microsoft-com:office:office"><v:rect style="width:0;height:1.5pt" '
    'o:hralign="center" o:hrstd="t" o:hr="t"/></w:pict></w:r></w:p>'
)
_CENTRED = '<w:p><w:pPr><w:jc w:val="center"/></w:pPr>{}</w:p>'
WORD = [
    "<w:p/>", "<w:p/>" * 2, "<w:p/>" * 3, _RULE.format("bottom"), _RULE.format("top"), _LINE,
    _CENTRED.format('<w:r><w:sym w:font="Wingdings" w:char="F09A"/></w:r>'),
    _CENTRED.format("<w:r><w:t>xxx</w:t></w:r>"),
    '<w:p><w:r><w:br w:type="page"/></w:r></w:p>', "<w:p><w:r><w:br/></w:r></w:p>",
    "<w:p><w:r><w:tab/></w:r></w:p>", "<w:p><w:r><w:t>\u00a0</w:t></w:r></w:p>",
    "<w:p><w:r><w:t>*</w:t><w:tab/><w:t>*</w:t></w:r><w:r><w:tab/><w:t>*</w:t></w:r></w:p>",
    "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>***</w:t></w:r></w:p>",
    "<w:p><w:r><w:rPr><w:i/></w:rPr><w:t>~</w:t></w:r></w:p>",
    '<w:p><w:pPr><w:pStyle w:val="Heading3"/></w:pPr><w:r><w:t>* * *</w:t></w:r></w:p>',
    '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>***</w:t></w:r></w:p>',
    "<w:p/><w:p><w:r><w:t>***</w:t></w:r></w:p><w:p/>",
    "<w:p><w:r><w:t>*</w:t><w:br/><w:t>*</w:t><w:br/><w:t>*</w:t></w:r></w:p>",
    "<w:p><w:r><w:t>*</w:t></w:r></w:p>" * 3,
]  # fmt: skip
OPEN_DOCUMENT = [
    "<text:p/>", "<text:p/>" * 2, "<text:p/>" * 3,
    '<text:p text:style-name="Horizontal_20_Line"/>', "<text:p><text:s/></text:p>",
    "<text:p><text:line-break/></text:p>", "<text:p><text:tab/></text:p>",
    "<text:p>*<text:tab/>*<text:tab/>*</text:p>", '<text:p>*<text:s text:c="4"/>*</text:p>',
    '<text:h text:outline-level="3">* * *</text:h>', '<text:h text:outline-level="1">***</text:h>',
    "<text:p><text:span>***</text:span></text:p>", "<text:p>***</text:p>" * 3,
    "<text:p>*<text:line-break/>*<text:line-break/>*</text:p>",
]  # fmt: skip
PLAIN = [
    "", "\n", "\n\n", " " * 33 + "*", "\t***", "*       *       *", "_____", "***\n***", "-" * 68,
    "\u3000\u3000◆", "\u3000\u3000\u3000＊＊＊", "[Scene break]", "*\n\n*\n\n*",
]  # fmt: skip
CASES = {"docx": WORD, "odt": OPEN_DOCUMENT, "txt": PLAIN}


@pytest.mark.parametrize("kind", CASES)
def test_what_parts_scenes(tmp_path: Path, kind: str) -> None:
    wrong = []
    for sign in CASES[kind]:
        book = read_manuscript(write(tmp_path / f"story.{kind}", story(sign), raw=True))
        if scenes_in(book) != SCENES or len(book.scene_breaks) != 2:
            wrong.append(sign)
    assert wrong == []
