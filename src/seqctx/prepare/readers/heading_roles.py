"""Which headings open parts, chapters and scenes, by their words, their levels and their sizes.

Levels count from 1, the highest. Only their order matters: the same book with all its headings one
level lower has the same chapters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from string import ascii_letters
from typing import Literal

from seqctx.config.blocks import Chapters
from seqctx.errors import InputError
from seqctx.prepare.readers.account import amount
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.heading_lines import is_digits, is_heading, is_ordinal
from seqctx.prepare.readers.heading_words import heads_no_chapter, is_front_line, is_outer, unit_of
from seqctx.prepare.readers.lines import Unit

Role = Literal["part", "chapter", "scene", "section", "text"]
"""``scene``: opens a scene. ``section``: below a scene. ``text``: opens nothing."""

EPIGRAPH_WORDS = 100  # so few, below a part's heading or before the first chapter, are no chapter
_FRONT_GROUPS = 10  # at most, of a title page
_SHORT_SCENE = 800  # words; longer stretches are rather chapters
_LONG_CHAPTER = 10_000  # words; longer stretches are rather parts


@dataclass(frozen=True, slots=True)
class HeadingRoles:
    """What each heading opens.

    Attributes:
        of: the number of a heading's block, and its role.
        level: of the headings that open chapters; None without headings.
        reason: why this level, as a sentence.
    """

    of: dict[int, Role] = field(default_factory=dict)
    level: int | None = None
    reason: str = "The file has no headings: all of its text is one chapter."


@dataclass(slots=True)
class _Group:
    """Headings that follow one another, and how many words follow them."""

    members: list[int]
    words: int = 0


def heading_roles(
    blocks: Sequence[Block], choice: Chapters | None = None, path: str = ""
) -> HeadingRoles:
    """The roles of all headings.

    Args:
        blocks: of the whole text; what a user's pattern matches is a heading already.
        choice: which headings open chapters, where the user set it.
        path: of the file, for errors.

    Raises:
        InputError: when no heading is as the user set it.
    """
    found = _Headings(blocks, is_set=choice is not None)
    if choice is not None:
        level = _level_of(found, choice, path)
        what = (
            f"Headings of level {level}"
            if choice.pattern is None
            else f"Paragraphs that {choice.pattern!r} matches"
        )
        reason = f"{what} open the chapters: seqctx.prepare.chapters sets it."
        return HeadingRoles(found.roles(level, is_set=True), level, reason)
    if not found.groups:
        return HeadingRoles({k: "text" for k, b in enumerate(blocks) if b.kind == "heading"})
    level, reason = found.chapter_level()
    roles = found.roles(level, is_set=False)
    return HeadingRoles(roles, level, _with_found(blocks, roles, reason))


def _with_found(blocks: Sequence[Block], roles: Mapping[int, Role], reason: str) -> str:
    """The reason, with how many headings of chapters the file does not declare."""
    first = [k for k, role in roles.items() if role == "chapter" and roles.get(k - 1) != role]
    number = sum(blocks[k].is_found for k in first)
    if number and number == len(first):
        one = "One line is a heading" if number == 1 else f"{number} lines are headings"
        return f"{one} of a chapter by words, look or regularity; the file declares none."
    if number:
        of_them = "One of them is" if number == 1 else f"{number} of them are"
        return f"{reason} {of_them} not declared as a heading: words, look or regularity tell."
    return reason


def _level_of(found: _Headings, choice: Chapters, path: str) -> int:
    """The level that the user set, or that of the headings that the pattern matches.

    Raises:
        InputError: when there is no such heading.
    """
    key = f"{path}: seqctx.prepare.chapters"
    if choice.level is None:
        matched = [k for k in found.levels if found.blocks[k].is_chapter]
        if not matched:
            raise InputError(
                f"{key}.pattern: matches no heading and no paragraph (got {choice.pattern!r}). It "
                "must match all of a heading's text."
            )
        return found.levels[matched[0]]
    levels = sorted(set(found.levels.values()))
    if choice.level not in levels:
        known = f"levels {', '.join(map(str, levels))}" if levels else "no headings"
        raise InputError(
            f"{key}.level: no heading has this level (got {choice.level}; the file has {known}). "
            "Set another."
        )
    return choice.level


def _is_other_number(text: str) -> bool:
    """Whether a heading is only a number, and not one in figures: "iv", "b"."""
    return not is_digits(text) and (is_ordinal(text) or text.strip(".() ") in ascii_letters)


class _Headings:
    """The headings of a text, in groups."""

    def __init__(self, blocks: Sequence[Block], *, is_set: bool) -> None:
        """``is_set``: whether the user set which headings open chapters."""
        self.blocks = blocks
        self.groups: list[_Group] = []
        after_heading = False
        for k, block in enumerate(blocks):
            if block.kind != "heading":
                if self.groups:
                    self.groups[-1].words += amount(block.text)
                after_heading = False
            elif heads_no_chapter(block.text):
                continue
            elif after_heading:
                self.groups[-1].members.append(k)
            else:
                self.groups.append(_Group([k]))
                after_heading = True
        self._drop_title_page(is_set)
        self.levels = {k: blocks[k].level for group in self.groups for k in group.members}
        self.units = {k: unit_of(blocks[k].text) for k in self.levels}
        self.is_matched = any(blocks[k].is_chapter for k in self.levels)

    def _drop_title_page(self, is_set: bool) -> None:
        """Take lines of a title page out of the groups before the first chapter.

        These are by-lines, dedications and epigraphs, and lines with hardly any text below them.
        """
        for _ in range(_FRONT_GROUPS):
            if not self.groups:
                return
            first = self.groups[0]
            texts = [self.blocks[k].text for k in first.members]
            kept = [
                k for k, text in zip(first.members, texts, strict=True) if not is_front_line(text)
            ]
            usual = median([group.words for group in self.groups[1:]] or [0])
            is_slight = first.words < min(EPIGRAPH_WORDS, usual / 4) and not any(
                map(is_heading, texts)
            )
            if kept and (is_set or len(self.groups) < 3 or not is_slight):
                first.members = kept
                return
            if len(self.groups) == 1:
                return
            self.groups.pop(0)

    def chapter_level(self) -> tuple[int, str]:
        """The level of the headings that open chapters, and why it is this one."""
        levels = sorted(set(self.levels.values()))
        if len(levels) == 1:
            others = "the others name parts" if self._has_parts() else "there are no others"
            return levels[0], f"Headings of level {levels[0]} open the chapters: {others}."
        named = [k for k, unit in self.units.items() if unit == "chapter"]
        numbered = [k for k in named if not is_outer(self.blocks[k].text)]
        votes = Counter(self.levels[k] for k in numbered)
        level, count = max(votes.items(), key=lambda item: (item[1], -item[0]), default=(0, 0))
        count = sum(self.levels[k] == level for k in named)
        total = sum(each == level for each in self.levels.values())
        if (count > 1 and count * 4 >= len(self.groups)) or (numbered and count == total):
            return level, (
                f"Headings of level {level} open the chapters: {count} of {total} are numbered or "
                "named as chapters."
            )
        return self._level_by_sizes(levels)

    def _has_parts(self) -> bool:
        """Whether some headings name parts, and others name none."""
        return "part" in self.units.values() and any(u != "part" for u in self.units.values())

    def _level_by_sizes(self, levels: list[int]) -> tuple[int, str]:
        """The level of chapters where no words tell: what lies below parts, and above scenes."""
        outer = {k for k in self.levels if is_outer(self.blocks[k].text)}
        inner = {level for k, level in self.levels.items() if k not in outer}
        levels = [level for level in levels if level in inner] or levels
        why = "those of other levels stand before and after them" if len(levels) == 1 else ""
        scenes = [level for level in levels[1:] if self._mostly(level, "scene")]
        if scenes:
            levels, why = (
                levels[: levels.index(scenes[0])],
                f"those of level {scenes[0]} name scenes",
            )
        parts = [level for level in levels[:-1] if self._mostly(level, "part")]
        if parts:
            levels = levels[levels.index(parts[-1]) + 1 :]
            why = f"those of level {parts[-1]} name parts"
        while len(levels) > 1:
            if found := self._why_chapter(levels[0], levels[1]):
                why = found
                break
            why = f"those of level {levels[0]} each stand over several, as parts do"
            levels = levels[1:]
        return levels[0], f"Headings of level {levels[0]} open the chapters: {why}."

    def _mostly(self, level: int, unit: Unit) -> bool:
        """Whether most headings of a level name one unit."""
        found = [self.units[k] for k, each in self.levels.items() if each == level]
        return found.count(unit) * 2 > len(found)

    def _why_chapter(self, upper: int, lower: int) -> str:
        """Why the upper of two levels is the chapters', and the lower one that of their scenes.

        Empty where the upper one is that of parts.
        """
        spans: list[list[_Group]] = []  # the groups below each heading of the upper level
        for group in self.groups:
            if not spans or self._top(group) <= upper:
                spans.append([])
            spans[-1].append(group)
        below = [sum(self._holds(group, lower) for group in span) for span in spans]
        divided = [span for span, count in zip(spans, below, strict=True) if count]
        if sum(below) <= len(divided):
            return f"each has at most one heading of level {lower} below it"
        if self._count(upper, is_digits) and self._count(lower, _is_other_number):
            return f"they are numbered, and those of level {lower} with other signs below them"
        usual = median(group.words for group in self.groups if self._holds(group, lower))
        own = [span[0].words for span in divided if not self._holds(span[0], lower)]
        if sum(words * 2 >= usual for words in own) * 2 > len(divided):
            return f"most have text of their own above the headings of level {lower}"
        if len(divided) * 2 < len(spans):
            return f"few have headings of level {lower} below them"
        whole = median(sum(group.words for group in span) for span in divided)
        if usual < _SHORT_SCENE < whole < _LONG_CHAPTER and len(spans) > 2:
            return f"there are {usual:,.0f} words from one heading of level {lower} to the next"
        return ""

    def _count(self, level: int, is_number: Callable[[str], bool]) -> bool:
        """Whether most headings of a level are numbers of a kind."""
        found = [is_number(self.blocks[k].text) for k, each in self.levels.items() if each == level]
        return sum(found) * 2 > len(found)

    def _top(self, group: _Group) -> int:
        """The highest level of a group."""
        return min(self.levels[k] for k in group.members)

    def _holds(self, group: _Group, level: int) -> bool:
        """Whether a group has a heading of a level."""
        return any(self.levels[k] == level for k in group.members)

    def roles(self, chapter: int, *, is_set: bool) -> dict[int, Role]:
        """The role of each heading, where headings of one level open chapters."""
        roles: dict[int, Role] = {
            k: "text" for k, block in enumerate(self.blocks) if block.kind == "heading"
        }
        if all(self._named(group, "part") for group in self.groups):
            self.units = dict.fromkeys(self.units, "")  # parts without chapters are the chapters
        opening = [self._opens(group, chapter, is_set) for group in self.groups]
        if not is_set:
            self._find_parts_beside_chapters(opening)
        sizes = [group.words for group, opens in zip(self.groups, opening, strict=True) if opens]
        short = min(EPIGRAPH_WORDS, median(sizes or [0]) / 2)
        last = max((n for n, opens in enumerate(opening) if opens), default=-1)
        alone = {self._top(g) for g, opens in zip(self.groups, opening, strict=True) if not opens}
        scene = min((level for level in alone if level > chapter), default=0)
        for n, group in enumerate(self.groups):
            if opening[n]:
                roles |= self._roles_of_opening(group, chapter, scene)
            elif self._top(group) < chapter or self._names_part(group):
                over_chapters = n < last and group.words < short
                other: Role = "scene" if self.is_matched else "chapter"
                roles |= dict.fromkeys(group.members, "part" if over_chapters else other)
            else:
                is_scene = self._top(group) == scene
                roles |= dict.fromkeys(group.members, "scene" if is_scene else "section")
        return roles

    def _opens(self, group: _Group, chapter: int, is_set: bool) -> bool:
        """Whether a group has a heading of a chapter."""
        if self.is_matched:
            return any(self.blocks[k].is_chapter for k in group.members)
        return self._holds(group, chapter) or (not is_set and self._named(group, "chapter"))

    def _find_parts_beside_chapters(self, opening: list[bool]) -> None:
        """Headings that name parts open no chapter, though they have the chapters' level.

        Where more text follows, as in a part that is not divided, it is a chapter.
        """
        sizes = [group.words for group, opens in zip(self.groups, opening, strict=True) if opens]
        short = min(EPIGRAPH_WORDS, median(sizes or [0]) / 2)
        for n, group in enumerate(self.groups):
            if opening[n] and self._names_part(group) and group.words < short:
                opening[n] = False

    def _names_part(self, group: _Group) -> bool:
        """Whether a group begins with the name of a part, and names no chapter."""
        return self.units[group.members[0]] == "part" and not self._named(group, "chapter")

    def _named(self, group: _Group, unit: str) -> bool:
        """Whether a heading of a group names a unit."""
        return any(self.units[k] == unit for k in group.members)

    def _roles_of_opening(self, group: _Group, chapter: int, scene: int) -> dict[int, Role]:
        """The roles in a group that opens a chapter: of parts, of the chapter, of its first scene.

        Args:
            group: has a heading of a chapter.
            chapter: the level of chapters.
            scene: the level of scenes; 0 without.
        """
        members = group.members
        numbers = [self.levels[k] for k in members if is_ordinal(self.blocks[k].text)]
        if not self._holds(group, chapter):  # as where an epilogue has chapters one level higher
            chapter = min([max(self.levels[k] for k in members), *numbers])
        named = [k for k in members if self.units[k] == "chapter" and self.levels[k] >= chapter]
        parts = [k for k in members if self.units[k] == "part" or self.levels[k] < chapter]
        first = named[0] if named else next((k for k in members if k not in parts), members[-1])
        roles: dict[int, Role] = {}
        for k in members:
            if k < first:
                in_part = k in parts or roles.get(k - 1) == "part"
                roles[k] = "part" if in_part else "text"
            else:
                roles[k] = "scene" if scene and self.levels[k] >= scene and k > first else "chapter"
        return roles
