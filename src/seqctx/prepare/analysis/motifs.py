"""Motifs of a book: names, rare terms and phrases that come back far from where they were.

A motif occurs in a few places, far apart, and more often than chance in its language would have
it: a reader who sees only a part of the book can miss it. The detector knows words, not meanings:
a motif that comes back in other words is not found.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import pairwise
from math import log, prod
from sys import intern
from typing import Literal

from seqctx.prepare.structure import Book
from seqctx.system.extras import needs_extra

MotifKind = Literal["name", "phrase", "term"]

_WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*|\d+")
_POSSESSIVE = re.compile(r"[’']s$")
_SENTENCE = re.compile(r"[.!?…:—][\"'”’)\]*_]*\s+[\"'“‘(\[*_]*$|\n\s*[\"'“‘(\[*_]*$|[\"“‘]$|^$")
_NEAR = 250  # tokens; mentions closer together count as one place
_MOST_PLACES = 12  # what stands in more places is the book's usual vocabulary, not a motif
_PHRASE = range(2, 7)  # words
_SURPRISE = {"name": 6.0, "term": 9.0, "phrase": 10.0}  # nats of log-likelihood over chance
_UNKNOWN = 1e-8  # frequency that a word has which the language's list does not hold
_RARE = 3e-5  # a phrase must hold a noun that is rarer in its language
_COMMON = 2e-4  # a phrase must neither begin nor end with a word this frequent


@dataclass(frozen=True, slots=True)
class Motif:
    """A name, term or phrase that comes back.

    Attributes:
        text: as it is written at its first mention.
        kind: a name, a phrase of several words, or a rare term.
        mentions: where each begins, in tokens from the book's beginning, ascending.
        places: how many separate stretches of the book hold the mentions.
        surprise: how much more often it occurs than by chance [nats].
    """

    text: str
    kind: MotifKind
    mentions: tuple[int, ...]
    places: int
    surprise: float

    @property
    def first(self) -> int:
        """Its first mention [token]."""
        return self.mentions[0]

    @property
    def last(self) -> int:
        """Its last mention [token]."""
        return self.mentions[-1]

    @property
    def distance(self) -> int:
        """From first to last mention [tokens]."""
        return self.last - self.first

    @property
    def recurrences(self) -> list[tuple[int, int]]:
        """From the last mention in one place to the first in the next [tokens]."""
        return [(a, b) for a, b in pairwise(self.mentions) if b - a > _NEAR]


@dataclass(slots=True)
class _Words:
    """The words of a book as columns, because there are millions.

    Attributes:
        texts: as they are written.
        starts: first characters.
        opens: whether each opens a sentence; its capital is then no sign of a name.
    """

    texts: list[str] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("i"))
    opens: bytearray = field(default_factory=bytearray)


def find_motifs(
    book: Book, token_at: Callable[[Sequence[int]], list[int]], *, most: int = 200
) -> list[Motif]:
    """The motifs of a whole book, the most surprising first.

    Args:
        book: the manuscript, held-out chapters included.
        token_at: called with a list of character positions, gives token positions.
        most: how many at most.
    """
    words = _words(book)
    if not words.texts:
        return []
    once = {w: _POSSESSIVE.sub("", w).casefold().replace("’", "'") for w in set(words.texts)}
    folded = [once[text] for text in words.texts]
    counts = Counter(folded)
    language = _language_of(counts)
    shares = _shares(counts, language)
    nouns = _nouns(book.text, words, folded, language)
    total = len(folded)

    def tokens(places: Sequence[int]) -> list[int]:
        return token_at([words.starts[k] for k in places])

    found: dict[str, tuple[str, MotifKind, list[int], float]] = {}
    names = _names(words, folded, counts)
    for word, places in _where(folded, counts).items():
        kind: MotifKind = "name" if word in names else "term"
        if kind == "term" and word not in nouns:
            continue
        share = max(shares.get(word, _UNKNOWN), _UNKNOWN)
        score = _likelihood(len(places), total * share)
        if len(word) > 2 and len(places) > 1 and score >= _SURPRISE[kind]:
            text = _POSSESSIVE.sub("", words.texts[places[0]])
            found[word] = (text, kind, tokens(places), score)
    telling = names | nouns
    for at, length, run in _phrases(folded, counts, shares):
        inside = folded[at : at + length]
        if all(word in names or shares.get(word, 0) > _COMMON for word in inside):
            continue  # a name with its title or verb says no more than the name
        if not _is_telling(inside, telling, shares):
            continue  # a turn of speech, such as "sprang to his feet"
        chance = total * prod(counts[w] / total for w in inside)
        score = _likelihood(len(run), chance)
        if score >= _SURPRISE["phrase"]:
            text = " ".join(
                book.text[words.starts[at] : words.starts[at + length - 1]].split()
                + [words.texts[at + length - 1]]
            )
            found[" ".join(inside)] = (text, "phrase", tokens(run), score)
    motifs = [
        Motif(text, kind, tuple(mentions), _places(mentions), round(score, 1))
        for text, kind, mentions, score in found.values()
    ]
    motifs = _without_repeats([m for m in motifs if 2 <= m.places <= _MOST_PLACES])
    return sorted(motifs, key=lambda m: (-m.surprise, m.first, m.text))[:most]


def _words(book: Book) -> _Words:
    """The book's words; headings and scene breaks are left out."""
    heads = sorted((h.start, h.end) for h in book.headings)
    starts = [start for start, _ in heads]
    found = _Words()
    for match in _WORD.finditer(book.text):
        k = bisect_right(starts, match.start()) - 1
        if k >= 0 and match.start() < heads[k][1]:
            continue
        before = book.text[max(0, match.start() - 8) : match.start()]
        found.texts.append(intern(match.group()))  # there are many, of few kinds
        found.starts.append(match.start())
        found.opens.append(match.group()[:1].isupper() and bool(_SENTENCE.search(before)))
    return found


def _names(words: _Words, folded: list[str], counts: Counter[str]) -> set[str]:
    """Words that have a capital wherever they do not open a sentence, twice or more."""
    inner: Counter[str] = Counter()
    upper: Counter[str] = Counter()
    for text, opens, key in zip(words.texts, words.opens, folded, strict=True):
        if not opens:
            inner[key] += 1
            upper[key] += text[:1].isupper() and not text[1:2].isupper()
    return {w for w, n in upper.items() if n >= 2 and n >= 0.8 * inner[w] and n >= 0.3 * counts[w]}


def _is_telling(phrase: list[str], nouns: set[str], shares: Mapping[str, float]) -> bool:
    """Whether a name or noun in it, or what stands before one, is rare in the language."""
    rare = [shares.get(word, 0) < _RARE for word in phrase]
    return any(
        word in nouns and (rare[k] or (k > 0 and rare[k - 1])) for k, word in enumerate(phrase)
    )


def _where(folded: list[str], counts: Counter[str]) -> dict[str, array[int]]:
    """Words that occur twice or more, and where; no more often than a motif can."""
    where: dict[str, array[int]] = defaultdict(lambda: array("I"))
    for k, word in enumerate(folded):
        if 2 <= counts[word] <= 40 * _MOST_PLACES:
            where[word].append(k)
    return where


def _phrases(
    folded: list[str], counts: Counter[str], shares: Mapping[str, float]
) -> Iterable[tuple[int, int, list[int]]]:
    """Runs of words that come again two to six times: where, how many words, and all places.

    Of runs within one another that occur equally often, the longest; two words suffice only where
    both are unusual.
    """
    with needs_extra("prepare", "finding motifs"):
        import numpy as np

    number = {word: k for k, word in enumerate(counts)}
    ids = np.fromiter((number[w] for w in folded), np.uint32, len(folded))
    edge = np.fromiter((shares.get(w, _UNKNOWN) < _COMMON for w in number), bool, len(number))[ids]
    taken = bytearray(len(folded))  # a bit for each count that a longer run there has
    for n in reversed(_PHRASE):
        if len(ids) < n:
            continue
        codes = np.zeros(len(ids) - n + 1, np.uint64)
        for k in range(n):
            codes *= np.uint64(0x9E3779B97F4A7C15)
            codes += ids[k : len(ids) - n + 1 + k]
        good = np.flatnonzero(edge[: len(codes)] & edge[n - 1 :]).astype(np.uint32)
        codes = codes[good]
        order = np.argsort(codes, kind="stable")  # equal runs side by side, each kind in order
        codes, good = codes[order], good[order]
        del order
        firsts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[: len(codes)])
        sizes = np.diff(firsts, append=len(codes))
        some = (sizes >= 2) & (sizes <= 6)
        firsts, sizes = firsts[some], sizes[some]
        for k in np.argsort(good[firsts]).tolist():
            places = good[firsts[k] : firsts[k] + sizes[k]].tolist()
            bit = 1 << len(places)
            if all(taken[p] & bit for p in places):
                continue
            for p in places:
                for q in range(p, p + n):
                    taken[q] |= bit
            yield places[0], n, places


def _likelihood(count: int, chance: float) -> float:
    """How much better ``count`` fits its own rate than chance's, a Poisson rate's [nats]."""
    return count * log(count / chance) - (count - chance) if count > chance else 0.0


def _places(mentions: list[int]) -> int:
    """How many stretches hold the mentions."""
    return 1 + sum(b - a > _NEAR for a, b in pairwise(mentions))


def _without_repeats(motifs: list[Motif]) -> list[Motif]:
    """Each motif once: a term that only occurs within a phrase, or another name, is left out."""
    kept: list[Motif] = []
    taken: set[tuple[int, ...]] = set()
    for motif in sorted(motifs, key=lambda m: (-len(m.text.split()), -m.surprise, m.text)):
        coarse = tuple(sorted({m // 16 for m in motif.mentions}))
        if coarse not in taken:
            kept.append(motif)
            taken |= {coarse, tuple(sorted({(m - 8) // 16 for m in motif.mentions}))}
    return kept


# What stands before a noun: articles, possessives, demonstratives, "of", numbers.
_BEFORE_A_NOUN = {
    "en": "a an the my your his her its our their this that these those of no some any every each "
          "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
          "sixteen seventeen eighteen nineteen twenty thirty forty fifty hundred thousand",
    "de": "der die das den dem des ein eine einen einem einer mein dein sein ihr unser kein dieser "
          "diese dieses diesen diesem vom zum zur im am",
    "fr": "le la les un une des du de mon ma mes ton ta tes son sa ses notre nos votre vos leur "
          "leurs ce cet cette ces aucun aucune chaque",
    "es": "el la los las un una unos unas del de al mi mis tu tus su sus este esta estos estas ese "
          "esa aquel aquella ningún cada",
    "it": "il lo la i gli le un uno una del dello della dei degli delle di mio mia suo sua questo "
          "questa quel quella ogni",
    "pt": "o a os as um uma do da dos das de meu minha seu sua este esta esse essa aquele aquela "
          "cada nenhum",
    "nl": "de het een van mijn jouw zijn haar ons onze hun dit dat deze die geen elk elke",
}  # fmt: skip
_AS_NOUN = 0.5  # of a word's mentions come after one of those


def _nouns(text: str, words: _Words, folded: list[str], language: str) -> set[str]:
    """Words used as nouns: after an article or its like, and before a pause or a function word.

    Of a language without a list above every word passes.
    """
    before = frozenset(_BEFORE_A_NOUN.get(language, "").split())
    if not before:
        return set(folded)
    small, total = _top(language), Counter(folded)
    led, closed = Counter[str](), Counter[str]()
    for k, word in enumerate(folded):
        near, far = folded[max(0, k - 1)], folded[max(0, k - 2)]  # "the astrolabe", "the brass -"
        led[word] += near in before or (far in before and near not in small)
        end = words.starts[k] + len(words.texts[k])
        follows = k + 1 == len(folded) or text[end : words.starts[k + 1]] != " "
        closed[word] += follows or folded[k + 1] in small
    return {w for w, n in total.items() if led[w] >= _AS_NOUN * n and closed[w] >= n / 2}


def _language_of(counts: Counter[str]) -> str:
    """The language whose most frequent words are most of the book's."""
    usual = [word for word, _ in counts.most_common(60)]
    return max(_LANGUAGES, key=lambda code: sum(word in _top(code) for word in usual))


def _shares(counts: Counter[str], language: str) -> Mapping[str, float]:
    """How frequent words are in a language.

    Raises:
        InputError: without wordfreq, which comes with ``seqctx[prepare]``.
    """
    shares = _language(language)
    # a hyphened word is as frequent as its rarer part, at most
    return {
        w: shares.get(w) or min(shares.get(p, _UNKNOWN) for p in re.split(r"[-']", w))
        for w in counts
    }


_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "ru",
              "uk", "tr", "hu", "ro", "el")  # fmt: skip


@lru_cache(maxsize=2)
def _language(code: str) -> Mapping[str, float]:
    with needs_extra("prepare", "finding motifs"):
        from wordfreq import get_frequency_dict

    shares: Mapping[str, float] = get_frequency_dict(code, "best")
    return shares


@cache
def _top(code: str) -> frozenset[str]:
    with needs_extra("prepare", "finding motifs"):
        from wordfreq import top_n_list

    return frozenset(top_n_list(code, 100, wordlist="small"))
