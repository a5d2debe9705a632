"""Stories with notes, comments and hidden text, written in every format that can be read.

A story is a list of parts. Each part is a kind and its words; of a note, the words of the paragraph
and of the note. What a format does not have is left away by `supported`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from tests.prepare.office_files import ODF, W, docx, epub, odt, xhtml

Part = tuple[str, ...]
_EVERYWHERE = ("heading", "paragraph", "emphasized", "mark")
_PARTS = {
    "txt": _EVERYWHERE,
    "md": (*_EVERYWHERE, "note", "comment", "table"),
    "docx": (*_EVERYWHERE, "note", "comment", "hidden", "table", "deleted"),
    "odt": (*_EVERYWHERE, "note", "comment", "hidden", "table"),
    "fodt": (*_EVERYWHERE, "note", "comment", "hidden", "table"),
    "rtf": (*_EVERYWHERE, "note", "comment", "hidden", "deleted"),
    "epub": (*_EVERYWHERE, "note", "hidden", "table", "caption"),
    "html": (*_EVERYWHERE, "note", "hidden", "table", "caption"),
    "nwd": (*_EVERYWHERE, "comment"),
    "fountain": (*_EVERYWHERE, "comment"),
}
FORMATS = tuple(_PARTS)
_LEFT_OUT = {"comment": "comment", "hidden": "hidden text", "caption": "caption"}


def supported(parts: Sequence[Part], form: str) -> list[Part]:
    """The parts that a format has."""
    return [part for part in parts if part[0] in _PARTS[form]]


def words_by_kind(parts: Sequence[Part], form: str) -> Counter[str]:
    """The words of a story in a format: in the text, scene marks, and left out by kind.

    In Markdown, asterisks alone are mark-up of a rule, and a sign divides the cells of a table.
    """
    found: Counter[str] = Counter()
    for kind, *texts in supported(parts, form):
        words = [len(text.split()) for text in texts]
        if kind == "mark":
            found["scene mark"] += words[0] if form != "md" else 0
        elif kind == "table":
            found["text"] += sum(words) + (2 if form == "md" else 0)
        elif kind == "note":
            found["text"] += words[0]
            found["endnotes"] += words[1]
        elif kind in _LEFT_OUT:
            found[_LEFT_OUT[kind]] += words[0]
        elif kind != "deleted":  # what a tracked change took away is none of the file's words
            found["text"] += sum(words)
    return found


def write(folder: Path, form: str, parts: Sequence[Part]) -> Path:
    """Write a story in a format."""
    path = folder / f"story.{form}"
    _WRITERS[form](path, supported(parts, form))
    return path


def _joined(path: Path, blocks: Sequence[str]) -> None:
    path.write_text("\n\n".join(blocks) + "\n", "utf-8")


def _txt(path: Path, parts: Sequence[Part]) -> None:
    _joined(path, [f"_{p[1]}_" if p[0] == "emphasized" else p[1] for p in parts])


def _md(path: Path, parts: Sequence[Part]) -> None:
    shapes = {
        "heading": "## {}", "emphasized": "*{}*", "comment": "<!-- {} -->",
        "table": "| {} | {} |\n|---|---|\n| {} | {} |",
    }  # fmt: skip
    blocks, notes = [], []
    for kind, *texts in parts:
        if kind == "note":
            notes.append(f"[^{len(notes) + 1}]: {texts[1]}")
            blocks.append(f"{texts[0]}[^{len(notes)}]")
        else:
            blocks.append(shapes.get(kind, "{}").format(*texts))
    _joined(path, [*blocks, *notes])


def _run(text: str, properties: str = "", tag: str = "t") -> str:
    given = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{given}<w:{tag} xml:space="preserve">{escape(text)}</w:{tag}></w:r>'


def _docx(path: Path, parts: Sequence[Part]) -> None:
    body, notes, comments = [], [], []

    def paragraph(runs: str, style: str = "") -> str:
        properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
        return f"<w:p>{properties}{runs}</w:p>"

    for kind, *texts in parts:
        if kind == "heading":
            body.append(paragraph(_run(texts[0]), "Heading1"))
        elif kind == "emphasized":
            body.append(paragraph(_run(texts[0], "<w:i/>")))
        elif kind == "hidden":
            body.append(paragraph(_run(texts[0], "<w:vanish/>")))
        elif kind == "deleted":
            body.append(paragraph(f"<w:del>{_run(texts[0], tag='delText')}</w:del>"))
        elif kind == "note":
            notes.append(
                f'<w:footnote w:id="{len(notes) + 1}">{paragraph(_run(texts[1]))}</w:footnote>'
            )
            mark = f'<w:r><w:footnoteReference w:id="{len(notes)}"/></w:r>'
            body.append(paragraph(_run(texts[0]) + mark))
        elif kind == "comment":
            comments.append(
                f'<w:comment w:id="{len(comments)}">{paragraph(_run(texts[0]))}</w:comment>'
            )
            mark = f'<w:r><w:commentReference w:id="{len(comments) - 1}"/></w:r>'
            body.append(paragraph(mark))
        elif kind == "table":
            cells = "".join(f"<w:tc>{paragraph(_run(text))}</w:tc>" for text in texts)
            body.append(f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>")
        else:
            body.append(paragraph(_run(texts[0])))
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "".join(
        f'<Relationship Id="{name}" Type="{kind}/{name}" Target="{name}.xml"/>'
        for name in ("styles", "footnotes", "comments")
    )
    style = '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    docx(path, "".join(body), style, {
        "word/_rels/document.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/'
        f'package/2006/relationships">{relations}</Relationships>',
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{W}">{"".join(notes)}</w:footnotes>',
        "word/comments.xml": f'<w:comments xmlns:w="{W}">{"".join(comments)}</w:comments>',
    })  # fmt: skip


_HIDDEN = (
    '<style:style style:name="H" style:family="text"><style:text-properties text:display="none"/>'
    '</style:style><style:style style:name="I" style:family="text"><style:text-properties '
    'fo:font-style="italic"/></style:style>'
)


def _odf(parts: Sequence[Part]) -> str:
    shapes = {
        "heading": '<text:h text:outline-level="1">{}</text:h>',
        "emphasized": '<text:p><text:span text:style-name="I">{}</text:span></text:p>',
        "hidden": '<text:p><text:span text:style-name="H">{}</text:span></text:p>',
        "note": '<text:p>{}<text:note text:note-class="footnote"><text:note-citation/>'
        "<text:note-body><text:p>{}</text:p></text:note-body></text:note></text:p>",
        "comment": "<text:p><office:annotation><text:p>{}</text:p></office:annotation></text:p>",
        "table": "<table:table><table:table-row><table:table-cell><text:p>{}</text:p>"
        "</table:table-cell><table:table-cell><text:p>{}</text:p></table:table-cell>"
        "<table:table-cell><text:p>{}</text:p></table:table-cell><table:table-cell><text:p>{}"
        "</text:p></table:table-cell></table:table-row></table:table>",
    }
    plain = "<text:p>{}</text:p>"
    return "".join(shapes.get(kind, plain).format(*map(escape, texts)) for kind, *texts in parts)


def _odt(path: Path, parts: Sequence[Part]) -> None:
    odt(path, _odf(parts), _HIDDEN)


def _fodt(path: Path, parts: Sequence[Part]) -> None:
    prefixes = {"drawing": "draw", "xsl-fo-compatible": "fo"}
    spaces = " ".join(f'xmlns:{prefixes.get(name, name)}="{uri}"' for name, uri in ODF.items())
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {spaces} office:mimetype='
        f'"application/vnd.oasis.opendocument.text"><office:automatic-styles>{_HIDDEN}'
        f"</office:automatic-styles><office:body><office:text>{_odf(parts)}</office:text>"
        "</office:body></office:document>",
        "utf-8",
    )


def _rtf(path: Path, parts: Sequence[Part]) -> None:
    shapes = {
        "heading": r"\pard\s1\outlinelevel0 {}\par", "emphasized": r"\pard {{\i {}}}\par",
        "hidden": r"\pard {{\v {}}}\par", "deleted": r"\pard {{\deleted {}}}\par",
        "note": r"\pard {}{{\super\chftn}}{{\footnote\pard {{\super\chftn}} {}}}\par",
        "comment": r"\pard {{\*\annotation\pard {}}}\par",
    }  # fmt: skip
    plain = r"\pard {}\par"
    body = "\n".join(shapes.get(kind, plain).format(*texts) for kind, *texts in parts)
    sheet = r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}}"
    path.write_text("{\\rtf1\\ansi" + sheet + "\n" + body + "}", "ascii")


def _html(parts: Sequence[Part]) -> str:
    shapes = {
        "heading": "<h2>{}</h2>", "emphasized": "<p><em>{}</em></p>", 
        "hidden": "<p hidden=''>{}</p>",
        "table": "<table><tr><td>{}</td><td>{}</td></tr><tr><td>{}</td><td>{}</td></tr></table>",
        "caption": "<figure><img src='a.png' alt=''/><figcaption>{}</figcaption></figure>",
    }  # fmt: skip
    blocks, notes = [], []
    for kind, *texts in parts:
        texts = [escape(text, quote=False) for text in texts]
        if kind == "note":
            k = len(notes) + 1
            notes.append(f'<aside epub:type="footnote" id="n{k}"><p>{texts[1]}</p></aside>')
            mark = f'<a epub:type="noteref" href="#n{k}">{k}</a>'
            blocks.append(f"<p>{texts[0]} {mark}</p>")
        else:
            blocks.append(shapes.get(kind, "<p>{}</p>").format(*texts))
    return "".join([*blocks, *notes])


def _epub(path: Path, parts: Sequence[Part]) -> None:
    epub(path, xhtml(_html(parts)))


def _page(path: Path, parts: Sequence[Part]) -> None:
    path.write_text(xhtml(_html(parts), "<!doctype html>"), "utf-8")


def _nwd(path: Path, parts: Sequence[Part]) -> None:
    shapes = {"heading": "## {}", "emphasized": "_{}_", "comment": "% {}"}
    _joined(path, [shapes.get(kind, "{}").format(*texts) for kind, *texts in parts])


def _fountain(path: Path, parts: Sequence[Part]) -> None:
    shapes = {"heading": "# {}", "emphasized": "*{}*", "comment": "[[{}]]"}
    _joined(path, [shapes.get(kind, "{}").format(*texts) for kind, *texts in parts])


_WRITERS: dict[str, Callable[[Path, Sequence[Part]], None]] = {
    "txt": _txt, "md": _md, "docx": _docx, "odt": _odt, "fodt": _fodt, "rtf": _rtf, "epub": _epub,
    "html": _page, "nwd": _nwd, "fountain": _fountain,
}  # fmt: skip
