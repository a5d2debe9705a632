"""Commands that stand in lines of their own: new pages, space, attributes, places of contents."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from seqctx.prepare.readers.heading_lines import is_heading
from seqctx.prepare.readers.lines import ends_sentence
from seqctx.prepare.readers.markdown_lines import ATTRIBUTES

_PAGE = re.compile(
    r"(?i)\{\{[<%]?\s*(?:page[-_ ]?break|new[-_ ]?page)\s*/?[>%]?\}\}"
    r"|\{%\s*(?:page[-_]?break|new[-_]?page)\s*%\}"
    r"|\{(?:page[-_]?break|new[-_]?page)\}|\[\[?(?:page[-_ ]?break|new[-_ ]?page)\]?\]"
    r"|<<<|</?mbp:pagebreak\s*/?>"
)
_CONTENTS = re.compile(r"(?i)\[toc\]|\[\[_?toc_?\]\]|\{\{toc(?::[\d-]+)?\}\}|@\[toc\].*|\$\{toc\}")
_NOTHING = re.compile(
    r"(?i)\{(?:front|main|back)matter\}|\{:?toc\}|\{::[^{}]{0,200}\}"
    r"|\{(?:sample|class|id|lang|width|title|alt|align|type|icon)[:=][^{}]{0,300}\}"
    # an address with the size of its picture, as MultiMarkdown writes it
    r"|\[[^\[\]]{1,100}\]:[ \t]*\S+\.(?:png|jpe?g|gif|svg|pdf)(?:[ \t]+\"[^\"]*\")?"
    r"(?:[ \t]+\w+=\S+)+"
)
_PROPERTY = re.compile(r"[A-Za-z][\w -]{0,40}::[ \t]+\S.*")  # of Logseq, and of Obsidian's Dataview
_BLOCK_OF_FILE = re.compile(r"/\S+\.[A-Za-z]{2,5}(?:[ \t]+[\"'(].*)?")  # of iA Writer
_IMPORT = re.compile(
    r"import\b.*\bfrom\s*[\"'][^\"']*[\"'];?|export (?:const|default) .*"
)  # of MDX
_LATEX = re.compile(
    r"\\(?P<name>[A-Za-z]+)\*?(?:\[[^\[\]\n]{0,100}\])?(?:\{(?P<argument>[^{}\n]{0,300})\})?"
    r"(?:\{[^{}\n]{0,300}\}){0,3}[ \t]*%?"
)
CommandKind = Literal[
    "page", "break", "gap", "open", "close", "contents", "property", "command", "none"
]
_LATEX_KINDS: dict[str, CommandKind] = {
    **dict.fromkeys(("newpage", "pagebreak", "clearpage", "cleardoublepage"), "page"),
    **dict.fromkeys(("vspace", "bigskip", "medskip", "smallskip", "vfill"), "gap"),
    **dict.fromkeys(
        ("noindent", "indent", "centering", "thispagestyle", "pagestyle", "frontmatter",
         "mainmatter", "backmatter", "appendix", "maketitle", "par", "null", "phantom",
         "setcounter", "addcontentsline", "label", "raggedright", "raggedbottom", "sloppy",
         "singlespacing", "doublespacing", "pagenumbering", "markboth", "selectlanguage"),
        "none",
    ),
    **dict.fromkeys(
        ("rule", "hrule", "hrulefill", "scenebreak", "fancybreak", "pfbreak", "plainbreak",
         "asterism"),
        "break",
    ),
    "begin": "open", "end": "close", "tableofcontents": "contents",
}  # fmt: skip
_SHOWS: tuple[CommandKind, ...] = ("break", "page", "contents", "gap", "open", "close", "none")
_CENTRED = re.compile(r"\\begin\{center\}\s*(.*?)\s*\\end\{center\}", re.S)
_LEVELS = {"part": 1, "chapter": 1, "section": 2, "subsection": 3}
_LATEX_HEADING = re.compile(rf"\\({'|'.join(_LEVELS)})\*?\{{([^{{}}\n]{{1,300}})\}}")
_INDENT = re.compile(r"\\(?:noindent|indent)(?:\{\})?[ \t\n]+")
_MARKUA = re.compile(r"[ABCDEIQTWX]> ?")
_VERSE = re.compile(r"\|[^\n]*(?:\n\|[^\n]*|\n[ \t]+\S[^\n]*)+")
_VERSE_LINE = re.compile(r"\n\|[ \t]*")
_SIGNS = frozenset("\\{[<@$'/ie")
_NO_SPACE = re.compile(r"(#{1,6})(?=[^\s#])([^\n]{1,120}?)[ \t]*#*")
_ASCIIDOC = re.compile(r"(={1,6})[ \t]+(\S[^\n]{0,120}?)(?:[ \t]+=+)?")
_PART = re.compile(r"-#[ \t]+(\S[^\n]{0,120})")


class Command(NamedTuple):
    """A command in a line of its own.

    Attributes:
        kind: what it does.
        text: what it names: an environment, or its own words.
    """

    kind: CommandKind
    text: str = ""


class Heading(NamedTuple):
    """A heading in a dialect of Markdown."""

    level: int
    text: str


def has_commands(content: str) -> bool:
    """Whether a line may be a command."""
    return (
        content[:1] in _SIGNS or "::" in content or any(f"\n{sign}" in content for sign in "\\{[<")
    )


def line_command(line: str) -> Command | None:
    """The command that a line is."""
    line = line.strip()
    if "::" in line[:50] and _PROPERTY.fullmatch(line) and not ends_sentence(line):
        return Command("property", line)
    if not line or line[0] not in _SIGNS:
        return None
    if (line[0] in "ie" and _IMPORT.fullmatch(line)) or (
        line[0] == "/" and _BLOCK_OF_FILE.fullmatch(line)
    ):
        return Command("command", line)
    if line[0] == "\\":
        return _latex(line)
    if line == "'''":  # a rule of AsciiDoc
        return Command("break")
    if _PAGE.fullmatch(line):
        return Command("page")
    if _CONTENTS.fullmatch(line):
        return Command("contents", line)
    if _NOTHING.fullmatch(line) or (line[0] == "{" and ATTRIBUTES.fullmatch(line)):
        return Command("none")
    return None


def _latex(line: str) -> Command | None:
    """The command of LaTeX that a line is; of several, the one that shows most."""
    commands: list[Command] = []
    at = 0
    while at < len(line):
        found = _LATEX.match(line, at)
        kind = _LATEX_KINDS.get(found["name"]) if found else None
        if not found or not kind:
            return None
        commands.append(Command(kind, line if kind == "contents" else found["argument"] or ""))
        at = found.end()
    return min(commands, key=lambda command: _SHOWS.index(command.kind))


def without_signs(content: str) -> tuple[str, bool]:
    """Lines without what programs write at their starts, and whether they are centred.

    Pandoc writes ``| `` before each line of a verse.
    Markua writes ``C> `` for centred lines, and other letters for asides; LaTeX says where a
    paragraph is not indented.
    """
    if content[:1] == "\\" and (found := _CENTRED.fullmatch(content)):
        return found[1], True
    if content[:1] == "\\" and (found := _INDENT.match(content)):
        return content[found.end() :], False
    if content[1:2] == ">" and all(_MARKUA.match(line) for line in content.split("\n")):
        lines = [_MARKUA.sub("", line) for line in content.split("\n")]
        return "\n".join(lines).strip(), content[0] == "C"
    if content[:1] == "|" and _VERSE.fullmatch(content):
        return _VERSE_LINE.sub("  \n", content[1:].strip()), False
    return content, False


def heading_of(content: str, bare: bool) -> Heading | None:
    """A heading without a space after its signs, or of AsciiDoc or Markua.

    Args:
        content: of a paragraph.
        bare: whether single words with a sign are headings; else they are tags.
    """
    if content[0] == "#" and "\n" not in content and (found := _NO_SPACE.fullmatch(content)):
        title = found[2].strip()
        in_words = " " in title and title[0].isupper() and not ends_sentence(title)
        if bare or len(found[1]) > 1 or is_heading(title) or (in_words and not _is_tags(content)):
            return Heading(len(found[1]), title)
    elif content[0] == "=" and (found := _ASCIIDOC.fullmatch(content)):
        return None if ends_sentence(found[2]) else Heading(len(found[1]), found[2])
    elif content[0] == "\\" and (found := _LATEX_HEADING.fullmatch(content)):
        return Heading(_LEVELS[found[1]], found[2])
    elif content[0] == "-" and (found := _PART.fullmatch(content)):
        return Heading(1, found[1])
    return None


def _is_tags(content: str) -> bool:
    return all(word.startswith("#") for word in content.split())
