"""Plots as SVG, for pages. Colours stay apart for the colour-blind (Okabe and Ito)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999"
CUTS = {  # what a cut goes between, from gentle to harsh
    "chapter": (GREEN, "at a chapter's end"), "scene": (BLUE, "between scenes"),
    "paragraph": (ORANGE, "within a scene"), "sentence": (RED, "within a paragraph"),
    "word": (RED, ""), "token": (RED, ""),
}  # fmt: skip
_STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "seqctx", "font.family": "sans-serif",
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip


@contextmanager
def figure(width: float, height: float) -> Iterator[tuple[Any, list[str]]]:
    """A matplotlib axis without a screen, and where its SVG goes when the block ends [inches]."""
    import matplotlib
    from matplotlib.figure import Figure

    result: list[str] = []
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure.subplots(), result
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        text = buffer.getvalue()
        result.append(text[text.index("<svg") :])


def histogram(lengths: Mapping[int, int], limit: int) -> str:
    """Examples by their tokens, with the line of what one may have."""
    with figure(8, 2.4) as (axis, result):
        axis.hist(
            list(lengths), weights=list(lengths.values()), color=BLUE,
            bins=max(10, min(60, limit // 64)), range=(0, limit),
        )  # fmt: skip
        axis.axvline(limit, color=RED, linewidth=1)
        axis.set_xlabel("tokens of an example, template included")
        axis.set_ylabel("examples")
    return result[0]


def manuscript(
    tokens: int,
    chapters: Sequence[tuple[str, int, int]],
    pieces: Sequence[tuple[int, int, int, str, bool]],
    threads: Sequence[tuple[str, int, int, bool]],
) -> str:
    """A book from left to right: its threads as arcs, its chapters, its examples and their cuts.

    Args:
        tokens: of the book.
        chapters: title, first token, one past the last.
        pieces: first token shown, first fresh token, one past the last, what the end cuts, and
            whether it is held out.
        threads: text, first and last mention, and whether some example holds it whole.
    """
    from matplotlib.patches import Arc, Rectangle

    with figure(10, 4.2) as (axis, result):
        named: list[tuple[float, float]] = []
        for text, first, last, seen in threads:
            height = 0.3 + 2.4 * (last - first) / tokens
            color, width = (GREEN, 1.6) if seen else (GREY, 0.8)
            axis.add_patch(
                Arc(((first + last) / 2, 1.1), max(1, last - first), 2 * height, theta1=0,
                    theta2=180, color=color, linewidth=width, linestyle="-" if seen else "--")
            )  # fmt: skip
            label = (first + last) / 2, height
            # names on top of one another cannot be read
            if all(abs(x - label[0]) > tokens * 0.16 or abs(y - height) > 0.13 for x, y in named):
                named.append(label)
                axis.text(
                    (first + last) / 2, 1.13 + height, text, ha="center", fontsize=7, color=color
                )
        for k, (title, start, end) in enumerate(chapters):
            shade = "#e8e4da" if k % 2 else "#d5cfbf"
            axis.add_patch(Rectangle((start, 0.75), end - start, 0.35, color=shade, linewidth=0))
            room = (end - start) / tokens * 110
            if room > 2.5:
                short = title if len(title) <= room else title[: max(2, int(room) - 1)] + "…"
                axis.text((start + end) / 2, 0.92, short, ha="center", va="center", fontsize=7)
        for k, (start, fresh, end, cut, held_out) in enumerate(pieces):
            at = 0.42 - 0.22 * (k % 2)
            axis.add_patch(Rectangle((start, at), fresh - start, 0.2, color="#f3d9a8", linewidth=0))
            color = "#b9a4cf" if held_out else "#a9c8de"
            axis.add_patch(Rectangle((fresh, at), end - fresh, 0.2, color=color, linewidth=0))
            axis.plot([end, end], [0.15, 0.72], color=CUTS[cut][0], linewidth=1.2)
        labels = {CUTS[cut][1]: CUTS[cut][0] for *_, cut, _ in pieces if CUTS[cut][1]}
        for name, color in labels.items():
            axis.plot([], [], color=color, label=f"cut {name}")
        axis.add_patch(Rectangle((0, -9), 1, 0.1, color="#a9c8de", label="trained on"))
        axis.add_patch(Rectangle((0, -9), 1, 0.1, color="#b9a4cf", label="held out"))
        axis.add_patch(Rectangle((0, -9), 1, 0.1, color="#f3d9a8", label="shown, not new"))
        axis.plot([], [], color=GREEN, label="thread that an example holds whole")
        axis.plot([], [], color=GREY, linestyle="--", label="thread that none does")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4, frameon=False)
        axis.set_xlim(0, tokens)
        axis.set_ylim(0.1, 4.1)
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        axis.set_xlabel("tokens from the beginning of the book")
    return result[0]


def together(pairs: Mapping[str, Mapping[int, tuple[float, float]]]) -> str:
    """For each distance, the share of pairs that some example sees: closed form and measured."""
    with figure(8, 3) as (axis, result):
        colors = (BLUE, ORANGE, RED, GREEN)
        for (name, points), color in zip(pairs.items(), colors, strict=False):
            at = list(points)
            if name != "scenes":  # its cuts follow the text: no closed form
                axis.plot(at, [points[d][0] for d in at], color=color, linewidth=0.8, linestyle=":")
            axis.plot(at, [points[d][1] for d in at], color=color, label=name)
        axis.set_xlabel("distance [tokens]")
        axis.set_ylabel("share of pairs seen together")
        axis.set_ylim(0, 1.02)
        axis.legend(frameon=False)
    return result[0]


def by_length(shares: Mapping[str, Mapping[int, float]], chosen: int, what: str) -> str:
    """For each length, a share; the line is the chosen length."""
    with figure(8, 3) as (axis, result):
        colors = (BLUE, ORANGE, RED, GREEN)
        for (name, points), color in zip(shares.items(), colors, strict=False):
            axis.plot(list(points), list(points.values()), marker="o", markersize=3, color=color,
                      label=name)  # fmt: skip
        axis.axvline(chosen, color=GREY, linewidth=1, linestyle="--")
        axis.set_xscale("log", base=2)
        ticks = sorted({n for points in shares.values() for n in points})
        axis.set_xticks(ticks, [f"{n:,}" for n in ticks])
        axis.set_xlabel("sequence_len [tokens]")
        axis.set_ylabel(what)
        axis.set_ylim(0, 1.02)
        axis.legend(frameon=False)
    return result[0]


def memory_by_length(
    curves: Mapping[str, Mapping[int, float]], card: float | None, chosen: int, xlabel: str
) -> str:
    """Memory against a length, a curve for each way, with the card's line [tokens, GiB]."""
    with figure(8, 3.2) as (axis, result):
        for (name, points), color in zip(curves.items(), (BLUE, ORANGE, GREEN, RED), strict=False):
            axis.plot(list(points), list(points.values()), color=color, label=name)
        if card:
            axis.axhline(card, color="black", linewidth=1)
            axis.annotate(f"the card's {card:.1f} GiB", (0.01, card), va="bottom",
                          xycoords=("axes fraction", "data"))  # fmt: skip
        axis.axvline(chosen, color=GREY, linewidth=1, linestyle="--")
        axis.set_xlabel(xlabel)
        axis.set_ylabel("GiB")
        axis.set_ylim(0, None)
        axis.set_xlim(0, None)
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.legend(frameon=False)
    return result[0]
