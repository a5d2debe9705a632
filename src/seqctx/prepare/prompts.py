"""Prompts: the wordings of the user's turn."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from seqctx.config.source import read_value
from seqctx.config.values import clipped_repr
from seqctx.errors import InputError
from seqctx.system.hashing import hash_text

SHIPPED = Path(__file__).with_name("prompts.yaml")
_KINDS = {
    "opening": {"book", "chapter"},
    "next_chapter": {"book", "chapter", "context"},
    "continuation": {"book", "chapter", "context"},
    "bare": {"book", "chapter"},
    "brief": {"brief"},
}
_FIELD = re.compile(r"\{(\w*)\}")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*")
BRIEF_NAMES = 4


@dataclass(frozen=True)
class Prompts:
    """Lists of wordings by kind; see prompts.yaml for the kinds."""

    lists: dict[str, tuple[str, ...]]
    brief: bool

    def ask(self, kind: str, key: str, text: str, **words: str) -> str:
        """The user's turn.

        Args:
            kind: which list.
            key: chooses a wording of the list; the same key always gives the same one.
            text: the answer; the brief names who and what occurs in it.
            words: the values of ``{book}``, ``{chapter}``, ``{context}``.
        """
        asked = filled(_one_of(self.lists[kind], key), words)
        names = brief_of(text) if self.brief else ""
        if not names:
            return asked
        return f"{asked}\n\n{filled(_one_of(self.lists['brief'], key), {'brief': names})}"

    def longest(self, book: str, chapters: list[str]) -> list[str]:
        """Turns without context; the longest that a book can get is among them."""
        longest = max(chapters, key=len, default="")
        return [
            filled(wording, {"book": book, "chapter": longest, "context": ""})
            for kind in ("opening", "next_chapter", "continuation", "bare")
            for wording in self.lists[kind]
        ]

    @property
    def fingerprint(self) -> str:
        """Hash of all wordings."""
        return hash_text(str(self.brief), *(w for ws in self.lists.values() for w in ws))


def filled(wording: str, words: dict[str, str]) -> str:
    """A wording with its values; unlike str.format it leaves braces within them alone."""
    return _FIELD.sub(lambda match: words.get(match[1], match[0]), wording)


def brief_of(text: str) -> str:
    """Names that occur within the sentences of a text, the most frequent first."""
    found = Counter(_NAME.findall(text))
    return ", ".join(name for name, _ in found.most_common(BRIEF_NAMES))


def load_prompts(name: str) -> Prompts:
    """``plain``, ``brief``, or lists from a YAML file, which replace the shipped ones.

    Raises:
        InputError: when the file cannot be read, or holds something else than such lists.
    """
    lists = _read(SHIPPED)
    if name not in ("plain", "brief"):
        lists |= _read(Path(name))
    return Prompts(lists, brief=name != "plain")


def _read(path: Path) -> dict[str, tuple[str, ...]]:
    """The lists of one file, checked."""
    data = read_value(path)
    if not isinstance(data, dict) or not data.keys() <= _KINDS.keys():
        raise InputError(
            f"{path}: must hold lists of wordings, named by {', '.join(_KINDS)}. Correct it."
        )
    for kind, wordings in data.items():
        if not isinstance(wordings, list) or not wordings:
            raise InputError(
                f"{path}: {kind}: must be a list of wordings (got {clipped_repr(wordings)}). "
                "Begin each one with '- '."
            )
        for wording in wordings:
            _check(path, kind, wording)
    return {kind: tuple(wordings) for kind, wordings in data.items()}


def _check(path: Path, kind: str, wording: object) -> None:
    """Refuse a wording with an unknown field, or without the field that its kind needs."""
    if not isinstance(wording, str):
        raise InputError(
            f"{path}: {kind}: a wording must be text (got {clipped_repr(wording)}). "
            "Put it in quotes."
        )
    strange = set(_FIELD.findall(wording)) - _KINDS[kind]
    if strange:
        known = ", ".join(f"{{{word}}}" for word in sorted(_KINDS[kind]))
        raise InputError(
            f"{path}: {kind}: {{{min(strange)}}} is not a placeholder of this list. Use {known}."
        )
    needed = {"context", "brief"} & _KINDS[kind]
    if needed and wording.count(f"{{{min(needed)}}}") != 1:
        raise InputError(
            f"{path}: {kind}: a wording must hold {{{min(needed)}}} once "
            f"(got {clipped_repr(wording)}). Add it."
        )


def _one_of(wordings: tuple[str, ...], key: str) -> str:
    return wordings[zlib.crc32(key.encode()) % len(wordings)]
