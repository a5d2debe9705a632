"""What is taken out of a Markdown file before it is parsed: its keys, remarks and deleted words.

Remarks may go over several paragraphs, so that no rule for paragraphs or lines finds them.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from seqctx.prepare.readers.lines import ends_sentence
from seqctx.prepare.readers.marks import names_break

_FAR = 5_000  # characters of a remark between %% and %%; a longer one is no remark
_KNOWN = (  # keys of which one at least stands where there is no other evidence
    "title|subtitle|author|authors|base header level|date|tags|aliases|draft|layout|categories"
    "|category|keywords|copyright|css|language|lang|quotes language|quoteslanguage|publisher"
    "|affiliation|permalink|weight|slug|description|cssclass|cssclasses|publish|published|status"
    r"|format|mmd \w[\w ]*|latex \w[\w ]*|html \w[\w ]*|xhtml \w[\w ]*|odf \w[\w ]*|longform"
)
_KEY = re.compile(rf"(?i)(?:[\w-]+|{_KNOWN}|\"[^\"\n]*\"|'[^'\n]*')[ \t]*:(?:\s|$)")
_KNOWN_KEY = re.compile(rf"(?i:{_KNOWN})[ \t]*:(?:[ \t]|$)", re.M)
_ANY_KNOWN = re.compile(rf"(?im)^[\"']?(?:{_KNOWN})[\"']?[ \t]*[:=]")
_MULTI_KEY = re.compile(r"[A-Za-z][\w ./-]{0,60}:(?:[ \t]|$)")
_YAML_REST = re.compile(r"\s*$|\s+\S|#|-(?:\s|$)|[\[\]{}]")
_TOML = re.compile(r"\s*$|\s+\S|#|[\w.\"'-]+\s*=|[\[\]}\"']")
_TITLE = re.compile(r"(?im)^title\s*[:=][ \t]*(\S.*)$")
_SIGN = re.compile(
    r"<!--|\{::comment\}|\{% comment %\}|\{\{/\*|%%+|\{--|\{>>|\{~~|~~\}|\{\+\+|\+\+\}|\{==|==\}"
    r"|(?m:^)\[(?://|comment)\]:[ \t]*(?:#|<>)[ \t]*[(\"'][^\n]*"
    rf"|(?<=\n\n)---\n(?={_KNOWN_KEY.pattern})"
)
_OPENING = ("<!--", "%%", "{--", "{>>", "{~~", "{++", "{==", "[//]:", "[comment]:", "{::comment}",
            "{% comment %}", "{{/*")  # fmt: skip
_CLOSING = {
    "{>>": "<<}", "{::comment}": "{:/comment}", "{% comment %}": "{% endcomment %}", "{{/*": "*/}}",
}  # fmt: skip
_PAGE_BREAK = re.compile(r"(?i)\s*(?:page[ _-]?break|new[ _-]?page|next[ _-]?page)\s*")
_LINE_END = re.compile(r"%%[ \t]*(?=\n|\Z)")
_OWN_LINE = re.compile(r"\n[ \t]*%%[ \t]*(?=\n|\Z)")


@dataclass(frozen=True, slots=True)
class CutOut:
    """Words of a file that are not the story.

    Attributes:
        line: before which line of the text they stood, from 0.
        place: their line in the file, from 1.
        kind: what they are, as a `Block` says it in ``left_out``.
        text: the words.
    """

    line: int
    place: int
    kind: str
    text: str


@dataclass
class MarkdownText:
    """A Markdown file's text, ready to be parsed.

    Attributes:
        text: without keys, remarks and deleted words.
        title: that its keys give; empty without one.
        asides: what was taken out, in order.
    """

    text: str
    title: str = ""
    asides: list[CutOut] = field(default_factory=list)
    _cuts: list[tuple[int, int]] = field(default_factory=list)

    def place(self, line: int) -> int:
        """The number of a line in the file, from 1; ``line`` counts those of the text from 0."""
        k = bisect_right(self._cuts, (line, 1 << 60)) - 1
        return line + 1 + (self._cuts[k][1] if k >= 0 else 0)


def source_of(text: str) -> MarkdownText:
    """Take keys at the top, remarks and deleted words out of a file's text."""
    end, keys = _front_matter(text)
    source = MarkdownText(text[end:])
    lines = text.count("\n", 0, end)
    if end:
        source.asides.append(CutOut(0, 1, "file properties", keys))
        source._cuts.append((0, lines))
        source.title = _title(keys)
    if "\n---\n" in source.text or any(sign in source.text for sign in _OPENING):
        _Scan(source.text, source, lines).all()
    return source


def _front_matter(text: str) -> tuple[int, str]:
    """Where the keys at the top of a file end, and what they say; 0 and nothing without any."""
    at = len(text) - len(text.lstrip("\ufeff \n"))
    if text.startswith("---\n", at) and (keys := _keys_end(text, at, _yaml, ("---", "..."))):
        return keys
    if text.startswith("+++\n", at) and (keys := _keys_end(text, at, _toml, ("+++",))):
        return keys
    if re.match(r"\{\s*\"", text[at : at + 200]):
        try:
            _, end_of_object = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            return 0, ""
        return end_of_object, text[at:end_of_object]
    if text.startswith("% ", at):
        found = re.compile(r"(?:%[ \t][^\n]*(?:\n[ \t]+\S[^\n]*)*(?:\n|\Z)){1,3}").match(text, at)
        is_title = found and ("\n%" in found[0] or not ends_sentence(found[0]))
        if found and is_title and text[found.end() : found.end() + 1] in ("\n", ""):
            return found.end(), "title: " + found[0].replace("%", "").strip()
    if _KNOWN_KEY.match(text, at):
        end = text.find("\n\n", at)
        block = text[at : end if end >= 0 else len(text)]
        if all(_MULTI_KEY.match(line) or line[:1].isspace() for line in block.split("\n")):
            return at + len(block), block
    return 0, ""


def _yaml(line: str) -> bool:
    return bool(_KEY.match(line) or _YAML_REST.match(line))


def _toml(line: str) -> bool:
    return bool(_TOML.match(line))


def _keys_end(
    text: str, at: int, fits: Callable[[str], bool], closing: tuple[str, ...]
) -> tuple[int, str] | None:
    """Where keys between two rules end, and what they say; None where it is no such part."""
    start = at = text.index("\n", at) + 1
    has_key = False
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if line.rstrip() in closing:
            keys = text[start:at]
            speaks = any(map(ends_sentence, keys.split("\n"))) and not _ANY_KNOWN.search(keys)
            return (end + 1, keys) if has_key and not speaks else None
        if not fits(line) or (not has_key and not line.strip()):
            return None
        has_key = has_key or (line[:1].isalpha() or line[:1] in "\"'[")
        at = end + 1
    return None


def _title(keys: str) -> str:
    """The title among the keys of a file."""
    found = _TITLE.search(keys)
    if not found and keys.lstrip()[:1] == "{":
        value = json.loads(keys)
        return str(value.get("title", "")) if isinstance(value, dict) else ""
    return found[1].strip().strip("\"'").strip() if found else ""


class _Scan:
    """Finds remarks, deleted words and further keys in a text, from its start to its end."""

    def __init__(self, text: str, source: MarkdownText, cut_lines: int) -> None:
        self._text = text
        self._source = source
        self._cut_lines = cut_lines
        self._kept: list[str] = []
        self._at = 0  # what lies before is kept or cut
        self._line = 0
        self._tail = ""  # the last two characters that are kept
        self._open: Counter[str] = Counter()
        self._next: dict[str, int] = {}  # where a closing sign comes next; -1 where none does

    def all(self) -> None:
        """Take everything out that is no story."""
        at = 0
        while found := _SIGN.search(self._text, at):
            at = max(self._sign(found), found.end())
        self._keep(len(self._text))
        self._source.text = "".join(self._kept)

    def _sign(self, found: re.Match[str]) -> int:
        """Handle one sign; returns where the search goes on."""
        sign, start, end = found[0], found.start(), found.end()
        if sign == "<!--":
            return self._comment(start)
        if sign.startswith("%"):
            close = _percent_end(self._text, start, end)
            return self._cut(start, close, "comment", self._text[start:close].strip("% \n"))
        if sign == "{--":
            return self._closed(found, "--}", "deleted text")
        if sign in _CLOSING:
            return self._closed(found, _CLOSING[sign], "comment")
        if sign == "{~~":
            return self._replaced(start)
        if sign.startswith("["):
            return self._cut(start, end, "comment", sign.partition(":")[2].strip(" \t#<>()\"'"))
        if sign.startswith("---"):
            keys = _keys_end(self._text, start, _yaml, ("---", "..."))
            return self._cut(start, keys[0], "file properties", keys[1]) if keys else end
        if sign.startswith("{"):
            self._open[sign[1]] += 1
            return self._cut(start, end)
        if self._open[sign[0]]:
            self._open[sign[0]] -= 1
            return self._cut(start, end)
        return end

    def _comment(self, start: int) -> int:
        """A comment of HTML. One that is never closed is text."""
        close = self._find("-->", start + 4)
        again = self._text.find("<!--", start + _FAR, close) if close > 0 else -1
        if close < 0 or again > 0:  # another one was closed
            self._keep(start)
            self._add("&lt;")
            self._at = start + 1
            return start + 4
        words = self._text[start + 4 : close].strip()
        stands_alone = self._text[max(start - 1, 0) : start] in ("", "\n") and (
            self._text[close + 3 : close + 4] in ("", "\n")
        )
        if stands_alone and names_break(words):
            self._keep(start)
            self._source.asides.append(CutOut(self._line, self._line + 1, "comment", words))
            self._add("* * *")
        elif _PAGE_BREAK.fullmatch(words):
            self._keep(start)
            self._add("\\newpage")
        else:
            return self._cut(start, close + 3, "comment", words)
        self._at = close + 3
        return self._at

    def _closed(self, found: re.Match[str], closing: str, kind: str) -> int:
        """Words between an opening sign and its closing one."""
        close = self._find(closing, found.end())
        if close < 0:
            return found.end()
        words = self._text[found.end() : close]
        return self._cut(found.start(), close + len(closing), kind, words)

    def _replaced(self, start: int) -> int:
        """Words that others replace: {~~old~>new~~}."""
        close = self._find("~~}", start + 3)
        middle = self._find("~>", start + 3)
        if close < 0 or not 0 <= middle < close:
            return start + 3
        self._open["~"] += 1
        return self._cut(start, middle + 2, "deleted text", self._text[start + 3 : middle])

    def _find(self, closing: str, at: int) -> int:
        """Where a closing sign comes next; no text is searched twice for one sign."""
        known = self._next.get(closing)
        if known is None or 0 <= known < at:
            known = self._next[closing] = self._text.find(closing, at)
        return known

    def _keep(self, end: int) -> None:
        self._add(self._text[self._at : end])
        self._at = end

    def _add(self, piece: str) -> None:
        self._kept.append(piece)
        self._line += piece.count("\n")
        self._tail = (self._tail + piece[-2:])[-2:]

    def _with_blank_lines(self, end: int) -> int:
        """Where a part that is cut out ends, so that no more empty lines are left than before."""
        after = end
        while self._text[after : after + 1] in (" ", "\t"):
            after += 1
        if self._text[after : after + 1] != "\n" or self._tail[-1:] not in ("", "\n"):
            return end
        if self._tail.strip("\n"):  # right below a line of text
            return after + 1 if self._text.startswith("\n\n", after) else end
        while self._text[after : after + 1] == "\n":
            after += 1
        return after

    def _cut(self, start: int, end: int, kind: str = "", words: str = "") -> int:
        """Leave a part out. Lines that it filled go with it: they are no empty ones."""
        if end <= start:
            return start
        self._keep(start)
        end = self._with_blank_lines(end)
        if words.strip():
            self._source.asides.append(
                CutOut(self._line, self._line + self._cut_lines + 1, kind, words)
            )
        if lines := self._text.count("\n", start, end):
            self._cut_lines += lines
            self._source._cuts.append((self._line, self._cut_lines))
        self._at = end
        return end


def _percent_end(text: str, start: int, end: int) -> int:
    """Where a remark that opens with %% ends; its start where it is none.

    A %% alone in its line, with empty ones around it, may be a mark between scenes.
    """
    if end - start != 2 or text[max(0, start - 1) : start].isdigit():
        return start
    last = min(len(text), start + _FAR)
    opens_line = text[max(0, start - 1) : start] in ("", "\n")
    if opens_line and text[end : end + 1] in ("\n", ""):
        alone = text[end + 1 : end + 2] in ("\n", "") or text[max(0, start - 2) : start].strip("\n")
        closes = None if alone else _OWN_LINE.search(text, end, last)
        return closes.end() if closes else start
    paragraph = text.find("\n\n", end, last)
    close = text.find("%%", end, last if paragraph < 0 else paragraph)
    if close >= 0:
        return close + 2
    if not opens_line:
        return start
    if closes := _LINE_END.search(text, end, last):
        return closes.end()
    line_end = text.find("\n", end)
    return len(text) if line_end < 0 else line_end
