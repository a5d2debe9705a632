"""What the proofs measured, as tables."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table

from seqctx.proofs.isolation import Isolation


def isolation_view(isolation: Isolation) -> RenderableType:
    """What passes between the examples of a batch."""
    table = Table(box=None, pad_edge=False)
    columns = ("example", "tokens", "change elsewhere", "packed vs alone", "gradient elsewhere")
    for name in columns:
        table.add_column(name, justify="right")
    for number, e in enumerate(isolation.examples, 1):
        values = (e.change_elsewhere, e.against_alone, e.gradient_elsewhere)
        table.add_row(str(number), str(e.tokens), *(f"{v:.3g}" if v else "0.0" for v in values))
    return table
