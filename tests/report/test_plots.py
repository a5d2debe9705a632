from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from seqctx.report.plots import curve_styles, memory_by_length, pairs_by_distance, share_by_length

NAMES = [f"curve {k}" for k in range(9)]
SHARES = {name: {1024: 0.25, 2048: 0.5} for name in NAMES}  # each lies under the next


@pytest.mark.parametrize(
    "draw",
    [
        lambda: share_by_length(SHARES, 1024, "share"),
        lambda: pairs_by_distance({n: {100: (0.5, 0.5), 200: (0.25, 0.25)} for n in NAMES}),
        lambda: memory_by_length(SHARES, 24.0, 1024, "tokens"),
    ],
)
def test_every_curve_is_drawn(draw: Callable[[], str]) -> None:
    """The fifth and all after it were dropped."""
    svg = draw()
    assert all(f">{name}<" in svg for name in NAMES)


def test_a_curve_under_another_shows_beside_it() -> None:
    """Each is narrower than the one below it, and dashed in another way than its neighbour."""
    styles = curve_styles(5)
    widths = [style["linewidth"] for style in styles]
    assert widths == sorted(widths, reverse=True) and len(set(widths)) == 5
    assert len({style["color"] for style in styles}) == 5
    svg = share_by_length({"a": {1: 0.5, 2: 0.5}, "b": {1: 0.5, 2: 0.5}}, 1, "share")
    drawn = set(re.findall(r"stroke-width: ([\d.]+)", svg))
    assert {"3.6", "1.2"} <= drawn


def test_no_closed_form_is_no_dotted_line() -> None:
    with_form = pairs_by_distance({"even": {100: (0.5, 0.5), 200: (0.2, 0.2)}})
    without = pairs_by_distance({"uneven": {100: (None, 0.5), 200: (None, 0.2)}})
    dotted = re.compile(r"stroke-dasharray: 0\.8,1\.32")
    assert dotted.search(with_form) and not dotted.search(without)
