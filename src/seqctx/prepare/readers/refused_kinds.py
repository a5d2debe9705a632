"""Kinds of files that cannot be read, and what to export each to."""

from __future__ import annotations

from pathlib import Path, PurePath

from seqctx.errors import InputError

_REMEDIES = {
    "A PDF holds pages, not paragraphs: export the manuscript as .docx or .epub from the program "
    "that you write with": (".pdf", ".xps", ".djvu"),
    "Convert it to .epub with Calibre": (
        ".mobi", ".azw", ".azw3", ".azw4", ".kfx", ".prc", ".lit", ".pdb", ".lrf", ".fb2",
    ),
    "Export it from Pages as .docx or .epub": (".pages",),
    "Open it in Word or LibreOffice and save it as .docx": (
        ".doc", ".dot", ".wpd", ".wps", ".wri", ".sxw", ".abw", ".hwp", ".lwp",
    ),
    "Export the text from the program that made it as .docx or .rtf": (
        ".indd", ".idml", ".qxp", ".qxd", ".sla", ".afpub", ".pub",
    ),
    "It is only a link to a document on the web: download that document as .docx": (".gdoc",),
    "It is only a link to another file: save that file as .docx, and name it": (
        ".lnk", ".url", ".webloc",
    ),
    "Unpack the archive, and name the folder with your text; export what is of an unknown kind as "
    ".docx": (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"),
    "Export it from Vellum as .docx or .epub": (".vellum",),
    "Export it from yWriter as .txt or .odt": (".yw5", ".yw6", ".yw7"),
    "Export it from novelibre as .odt": (".novx",),
    "Export it from Ulysses as .md or .docx": (".ulyz", ".ulysses"),
    "Export the screenplay as .fountain or .txt": (
        ".fdx", ".fdr", ".celtx", ".fadein", ".highland", ".kitsp",
    ),
    "Convert it to .md, for example with pandoc": (
        ".tex", ".latex", ".rst", ".org", ".adoc", ".asciidoc", ".textile", ".typ",
    ),
    "Save the page as .html": (".webarchive", ".mht", ".mhtml"),
}  # fmt: skip
_USUAL = ".md, .txt, .docx, .odt, .rtf, .html or .epub"  # the others are special to a program
_DEFAULT = f"Save or export it as {_USUAL}"
PUT_A_FILE = f"Put a file with your text in it: {_USUAL}."
"""What to do about a folder without a text."""
_REMEDY = {suffix: remedy for remedy, suffixes in _REMEDIES.items() for suffix in suffixes}


def is_document(path: PurePath) -> bool:
    """Whether a file is of a kind that may hold a text, though it cannot be read."""
    return path.suffix.lower() in _REMEDY


def refusal(path: Path) -> InputError:
    """The line for a file of a kind that cannot be read, with what to export it to."""
    remedy = _REMEDY.get(path.suffix.lower(), _DEFAULT)
    return InputError(f"{path}: this kind of file cannot be read. {remedy}.")
