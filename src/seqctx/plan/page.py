"""The plan as a page: terms, plots, options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.plan.options import Advice
from seqctx.plan.summary import Planned
from seqctx.plan.training import plan_of
from seqctx.plan.training_settings import Loss, settings_of
from seqctx.report.page import Section, page
from seqctx.report.plots import memory_by_length

_LOSSES: dict[str, Loss] = {
    "stock cross-entropy": "stock", "chunked": "chunked", "Liger fused": "liger",
    "cut cross-entropy": "cut",
}  # fmt: skip
_POINTS = 33


def plan_page(planned: Planned, advice: Advice | None = None) -> str:
    """The whole page as HTML."""
    parts = [_terms("Training", planned.training), _training_plot(planned)]
    if planned.serving:
        parts += [_terms("Serving", planned.serving.memory), *_serving_plot(planned)]
    if advice:
        parts += _options(advice)
    return page(f"Memory of {planned.cfg.base_model}", parts)


def _terms(heading: str, plan: MemoryPlan) -> Section:
    rows = [(t.name, f"{t.bytes / GIB:.2f}", t.formula, t.source, t.provenance) for t in plan.terms]
    verdict = "" if plan.fits is None else " It fits." if plan.fits else " It does not fit."
    return Section(
        heading=heading,
        text=[
            f"At the peak ({plan.moment}) {plan.allocated / GIB:.1f} GiB are allocated, about "
            f"{plan.reserved / GIB:.1f} reserved, {plan.device / GIB:.1f} taken of the card."
            + verdict,
            *plan.notes,
        ],
        columns=("term", "GiB", "formula", "source", "how sure"),
        rows=rows,
    )


def _training_plot(planned: Planned) -> Section:
    """Memory against sequence_len for each loss kernel."""
    settings = settings_of(planned.cfg, planned.model)
    end = max(4 * planned.cfg.sequence_len, 8192)
    lengths = sorted({max(128, end * k // (_POINTS - 1)) for k in range(_POINTS)})
    curves = {
        name: {
            n: plan_of(replace(settings, loss=loss, sequence_len=n), planned.model).device / GIB
            for n in lengths
        }
        for name, loss in _LOSSES.items()
    }
    capacity = planned.training.capacity
    svg = memory_by_length(
        curves, capacity / GIB if capacity else None, planned.cfg.sequence_len,
        "sequence_len [tokens]",
    )  # fmt: skip
    return Section(svg=svg, caption="Training memory against sequence_len, for each loss kernel. "
                "The dashed line is the file's.")  # fmt: skip


def _serving_plot(planned: Planned) -> Iterator[Section]:
    """The cache against the window, for one request and for as many as may run."""
    serving = planned.serving
    if serving is None:
        return
    cache = serving.memory.term("KV cache").bytes
    fixed = serving.memory.allocated - cache
    end = max(2 * serving.window, 8192)
    lengths = [end * k // (_POINTS - 1) for k in range(_POINTS)]
    each = serving.request_bytes / serving.window
    curves = {
        f"{n} request{'s' * (n > 1)}": {
            length: (fixed + n * length * each) / GIB for length in lengths
        }
        for n in sorted({1, 2, serving.max_num_seqs})
        if n <= serving.max_num_seqs
    }
    top = serving.memory.capacity
    yield Section(
        svg=memory_by_length(
            curves, top / GIB if top else None, serving.window, "context [tokens]"
        ),
        caption="Serving memory against the context, when so many requests fill it. The line is "
        "what vLLM may take of the card; the dashed one is the file's max_model_len.",
    )


def _options(advice: Advice) -> list[Section]:
    rows = [
        (
            ("→ " if o.name == advice.choice else "") + o.name, o.examples,
            f"{o.memory.device / GIB:.1f}", "yes" if o.memory.fits else "no", f"{o.time:.2f}",
            f"{o.steps:.2f}", f"{o.motifs:.1%}", f"{o.recurrences:.1%}", f"{o.scenes_cut:.0%}",
            f"{o.repeated_tokens:,}", "; ".join(o.risks),
        )
        for o in advice.options
    ]  # fmt: skip
    columns = (
        "option", "examples", "GiB", "fits", "arithmetic", "steps", "motifs whole",
        "recurrences shown", "scenes cut", "tokens repeated", "risks",
    )  # fmt: skip
    text = [f"For {advice.goal}: {advice.choice}.", *advice.reasons]
    usual = Section("Usual advice, and what it comes to here", 3, advice.usual)
    return [Section(heading="Options", text=text, columns=columns, rows=rows), usual]
