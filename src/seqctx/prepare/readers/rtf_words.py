"""What the control words and signs of rich text (.rtf) stand for, and what its groups set."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace

from seqctx.prepare.readers.office import NEW_PAGE, Form

TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,40})(?P<number>-?\d{1,9})? ?|\\'(?P<byte>[0-9a-fA-F]{2})"
    r"|\\(?P<sign>.)|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)
IN_SKIPPED = re.compile(r"\\bin(\d{1,9}) ?|\\.|([{}])", re.DOTALL)
SKIPPED = frozenset(
    "colortbl filetbl footer footerf footerl footerr ftncn ftnsep ftnsepc aftncn aftnsep aftnsepc "
    "header headerf headerl headerr nonshppict pict pntxta pntxtb private rxe shprslt tc txe "
    "xe sp".split()
)
READ_THOUGH_STARRED = frozenset("annotation cs fldinst footnote shpinst shptxt ud".split())
CHARACTERS = {
    "bullet": "•", "emdash": "—", "emspace": " ", "endash": "–", "enspace": " ",
    "lbr": "\n", "ldblquote": "“", "line": "\n", "lquote": "‘", "qmspace": " ", "rdblquote": "”",
    "rquote": "’", "tab": " ", "zwj": "\u200d", "zwnj": "\u200c", "page": NEW_PAGE,
    "column": NEW_PAGE,
}  # fmt: skip
SIGNS = {"~": "\u00a0", "_": "-", "-": "", "\\": "\\", "{": "{", "}": "}"}
DESTINATIONS = {  # and what their characters are
    "fldinst": "field", "fonttbl": "font", "info": "info", "listtext": "label", "pntext": "label",
    "stylesheet": "style",
}  # fmt: skip
ENDS = frozenset("par cell nestcell sect".split())
CODE_PAGES = {  # of the fonts' charsets, and of code pages that Python calls otherwise
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257",
    204: "cp1251", 222: "cp874", 238: "cp1250", 10_000: "mac_roman", 65_001: "utf-8",
}  # fmt: skip
SYMBOL_FONT = 2  # its charset


_SCRIVENER_NOTES = (
    (
        "annot",
        re.compile(r"\\\{\\\\Scrv_annot \\\\color=\\\{[^{}]{0,99}\} \\\\text="),
        r"{\annotation ",
    ),
    ("fn", re.compile(r"\\\{\\\\Scrv_fn="), r"{\footnote "),
)


@dataclass(slots=True)
class Font:
    """A font of the file's table."""

    name: str = ""
    charset: int = 0


@dataclass(slots=True)
class GroupState:
    """What a group has set, for the characters and for the paragraph that ends in it."""

    catches: str = ""  # where characters go that are not the text: "style", "font", "title", ...
    left_out: str | None = None
    bold: bool = False
    italic: bool = False
    hidden: bool = False
    deleted: bool = False
    linked: bool = False
    contents: bool = False
    size: float = 0.0
    font: int = -1
    after_unicode: int = 1  # signs that repeat a character for older programs
    form: Form = field(default_factory=Form)
    before: float = 0.0
    after: float = 0.0

    def set_form(self, **values: object) -> None:
        """Change what is known of the paragraph."""
        self.form = replace(self.form, **values)  # type: ignore[arg-type]


def with_scrivener_notes(text: str) -> str:
    r"""Rich text in which Scrivener's annotations and footnotes are groups; it writes text.

    It writes ``{\Scrv_annot \color={...} \text=Check this.\end_Scrv_annot}``, with each sign
    escaped.
    """
    for name, begins, group in _SCRIVENER_NOTES:
        ends = f"\\\\end_Scrv_{name}\\}}"
        if ends in text and len(begins.findall(text)) == text.count(ends):
            text = begins.sub(group.replace("\\", r"\\"), text).replace(ends, "}")
    return text


def code_page(number: int) -> str | None:
    """Python's name of a code page; None where it has none."""
    name = CODE_PAGES.get(number, f"cp{number}") if number > 999 else f"cp{number}"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None
