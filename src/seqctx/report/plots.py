"""Plots as SVG, for pages. The colour-blind can tell the colours apart (Okabe and Ito)."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

from seqctx.system.extras import needs_extra
from seqctx.system.visible import visible_line

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999"
PINK, SKY = "#CC79A7", "#56B4E9"
_TRAINED, _HELD_OUT, _REPEATED = "#a9c8de", "#b9a4cf", "#f3d9a8"
CUTS = {  # what a cut lies between, from gentle to harsh
    "chapter": (GREEN, "at a chapter's end"), "scene": (BLUE, "between scenes"),
    "paragraph": (ORANGE, "within a scene"), "sentence": (RED, "within a paragraph"),
    "word": (RED, ""), "token": (RED, ""),
}  # fmt: skip
_STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "seqctx", "font.family": "sans-serif",
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
    "text.usetex": False, "text.parse_math": False,  # a $ in a title is a $
}  # fmt: skip
_COLORS = (BLUE, ORANGE, RED, GREEN, PINK, SKY, "black")
_DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (3, 2)), (0, (8, 2, 2, 2)))


@contextmanager
def figure(width: float, height: float) -> Iterator[tuple[Any, list[str]]]:
    """A matplotlib axis without a screen, and where its SVG goes when the block ends [inches].

    Its texts are escaped, and their control characters shown as signs.

    Raises:
        InputError: without matplotlib.
    """
    with needs_extra("prepare", "plots"):
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.text import Text

    result: list[str] = []
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure.subplots(), result
        for text in figure.findobj(Text):
            if (shown := visible_line(text.get_text())) != text.get_text():
                text.set_text(shown)
        buffer = io.StringIO()
        with warnings.catch_warnings():  # the reader's browser has the glyphs that fonts here lack
            warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from")
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        svg = buffer.getvalue()
        result.append(svg[svg.index("<svg") :])


def curve_styles(number: int) -> list[dict[str, Any]]:
    """Styles for so many curves, so that one which runs under another can be seen beside it.

    Each later curve is narrower than the one below it, and dashed in another way.
    """
    colors, dashes = cycle(_COLORS), cycle(_DASHES)
    widths = [3.6 - 2.4 * k / max(1, number - 1) for k in range(number)]
    return [
        {"color": next(colors), "linestyle": next(dashes), "linewidth": round(width, 2)}
        for width in widths
    ]


def histogram(lengths: Mapping[int, int], limit: int) -> str:
    """Examples by their tokens, with a line at the limit."""
    with figure(8, 2.4) as (axis, result):
        axis.hist(
            list(lengths), weights=list(lengths.values()), color=BLUE,
            bins=max(10, min(60, limit // 64)), range=(0, limit),
        )  # fmt: skip
        axis.axvline(limit, color=RED, linewidth=1)
        axis.set_xlabel("tokens of an example, chat template included")
        axis.set_ylabel("examples")
    return result[0]


def manuscript(
    tokens: int,
    chapters: Sequence[tuple[str, int, int]],
    chunks: Sequence[tuple[int, int, int, str, bool]],
    motifs: Sequence[tuple[str, int, int, bool]],
) -> str:
    """A book from left to right: its motifs as arcs, its chapters, its examples and their cuts.

    Args:
        tokens: of the book.
        chapters: title, first token, one past the last.
        chunks: first token shown, first new token, one past the last, what the end cuts, and
            whether it is held out.
        motifs: text, first and last mention, and whether some example holds it whole.
    """
    with figure(10, 4.2) as (axis, result):
        _draw_motifs(axis, tokens, motifs)
        _draw_chapters(axis, tokens, chapters)
        _draw_chunks(axis, chunks)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4, frameon=False)
        axis.set_xlim(0, tokens)
        axis.set_ylim(0.1, 4.1)
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        axis.set_xlabel("tokens from the beginning of the book")
    return result[0]


def _draw_motifs(
    axis: Any, tokens: int, motifs: Sequence[tuple[str, int, int, bool]]
) -> None:  # fmt: skip
    """An arc for each motif, from its first to its last mention; names where there is room."""
    from matplotlib.patches import Arc

    named: list[tuple[float, float]] = []
    for text, first, last, whole in motifs:
        middle, height = (first + last) / 2, 0.3 + 2.4 * (last - first) / tokens
        color, width = (GREEN, 1.6) if whole else (GREY, 0.8)
        axis.add_patch(
            Arc((middle, 1.1), max(1, last - first), 2 * height, theta1=0, theta2=180, color=color,
                linewidth=width, linestyle="-" if whole else "--")
        )  # fmt: skip
        # names on top of one another cannot be read
        if all(abs(x - middle) > tokens * 0.16 or abs(y - height) > 0.22 for x, y in named):
            named.append((middle, height))
            axis.text(
                middle, 1.13 + height, text, ha="center", va="center", fontsize=7,
                color=GREEN if whole else "#555555", zorder=3,
                bbox={"facecolor": "white", "linewidth": 0, "pad": 0.6},
            )  # fmt: skip
    axis.plot([], [], color=GREEN, label="motif that an example holds whole")
    axis.plot([], [], color=GREY, linestyle="--", label="motif that no example holds whole")


def _draw_chapters(axis: Any, tokens: int, chapters: Sequence[tuple[str, int, int]]) -> None:
    """A band of chapters, with their titles where there is room."""
    from matplotlib.patches import Rectangle

    for k, (title, start, end) in enumerate(chapters):
        shade = "#e8e4da" if k % 2 else "#d5cfbf"
        axis.add_patch(Rectangle((start, 0.75), end - start, 0.35, color=shade, linewidth=0))
        room = (end - start) / tokens * 110
        if room > 2.5:
            short = title if len(title) <= room else title[: max(2, int(room) - 1)] + "…"
            axis.text((start + end) / 2, 0.92, short, ha="center", va="center", fontsize=7)


def _draw_chunks(axis: Any, chunks: Sequence[tuple[int, int, int, str, bool]]) -> None:
    """The chunks in two rows, and a line for each cut."""
    from matplotlib.patches import Rectangle

    for k, (start, fresh, end, cut, held_out) in enumerate(chunks):
        at = 0.42 - 0.22 * (k % 2)
        axis.add_patch(Rectangle((start, at), fresh - start, 0.2, color=_REPEATED, linewidth=0))
        color = _HELD_OUT if held_out else _TRAINED
        axis.add_patch(Rectangle((fresh, at), end - fresh, 0.2, color=color, linewidth=0))
        axis.plot([end, end], [0.15, 0.72], color=CUTS[cut][0], linewidth=1.2)
    labels = {CUTS[cut][1]: CUTS[cut][0] for *_, cut, _ in chunks if CUTS[cut][1]}
    for name, color in labels.items():
        axis.plot([], [], color=color, label=f"cut {name}")
    for color, name in (
        (_TRAINED, "trained on"), (_HELD_OUT, "held out"), (_REPEATED, "shown again"),
    ):  # fmt: skip
        axis.add_patch(Rectangle((0, -9), 1, 0.1, color=color, label=name))


def pairs_by_distance(pairs: Mapping[str, Mapping[int, tuple[float | None, float]]]) -> str:
    """For each distance, the share of pairs that one example holds: closed form and measured."""
    with figure(8, 3) as (axis, result):
        for (name, points), style in zip(pairs.items(), curve_styles(len(pairs)), strict=True):
            closed = {d: share for d, (share, _) in points.items() if share is not None}
            if closed:
                axis.plot(list(closed), list(closed.values()), color=style["color"], linewidth=0.8,
                          linestyle=":")  # fmt: skip
            axis.plot(list(points), [measured for _, measured in points.values()], label=name,
                      **style)  # fmt: skip
        axis.set_xlabel("distance [tokens]")
        axis.set_ylabel("share of pairs in one example")
        axis.set_ylim(0, 1.02)
        axis.legend(frameon=False)
    return result[0]


def share_by_length(shares: Mapping[str, Mapping[int, float]], chosen: int, what: str) -> str:
    """For each length, a share; the dashed line is the chosen length."""
    with figure(8, 3) as (axis, result):
        for (name, points), style in zip(shares.items(), curve_styles(len(shares)), strict=True):
            axis.plot(list(points), list(points.values()), marker="o",
                      markersize=2 + style["linewidth"], label=name, **style)  # fmt: skip
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
    """Memory against a length, a curve for each name, with the card's line [tokens, GiB]."""
    with figure(8, 3.2) as (axis, result):
        for (name, points), style in zip(curves.items(), curve_styles(len(curves)), strict=True):
            axis.plot(list(points), list(points.values()), label=name, **style)
        if card:
            axis.axhline(card, color="black", linewidth=1)
            axis.annotate(f"memory of the GPU: {card:.1f} GiB", (0.01, card), va="bottom",
                          xycoords=("axes fraction", "data"))  # fmt: skip
        axis.axvline(chosen, color=GREY, linewidth=1, linestyle="--")
        axis.set_xlabel(xlabel)
        axis.set_ylabel("GiB")
        axis.set_ylim(0, None)
        axis.set_xlim(0, None)
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.legend(frameon=False)
    return result[0]
