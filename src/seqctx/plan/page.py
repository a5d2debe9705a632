"""The plan as an HTML page: terms, plots, options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.plan.options import ComparedOptions
from seqctx.plan.summary import PlanSummary
from seqctx.plan.training import plan_training_memory
from seqctx.plan.training_settings import Loss
from seqctx.report.page import Section, page
from seqctx.report.plots import memory_by_length

_LOSSES: dict[str, Loss] = {
    "stock cross-entropy": "stock", "chunked": "chunked", "Liger fused": "liger",
    "cut cross-entropy": "cut",
}  # fmt: skip
_POINTS = 33


def plan_page(summary: PlanSummary, comparison: ComparedOptions | None = None) -> str:
    """The whole page as HTML.

    Raises:
        InputError: when the packages for pages and plots are not installed.
    """
    parts = [_model(summary), _terms("Training", summary.training), _training_plot(summary)]
    if summary.serving:
        parts += [_terms("Serving", summary.serving.memory), *_serving_plot(summary)]
    elif summary.refused:
        parts.append(Section(heading="Serving", text=[f"Not planned. {summary.refused}"]))
    if comparison:
        parts += _options(comparison)
    return page(f"Memory of {summary.cfg.base_model}", parts)


def _model(summary: PlanSummary) -> Section:
    """Which model, where its shape is from, and what of it was noted from memory."""
    model, note = summary.model, summary.model_note
    text = [f"Shape: {model.name}. Source: {model.source}."]
    return Section(heading="Model", text=[*text, note] if note else text)


def _terms(heading: str, plan: MemoryPlan) -> Section:
    rows = [(t.name, f"{t.bytes / GIB:.2f}", t.formula, t.source, t.provenance) for t in plan.terms]
    verdict = "" if plan.fits is None else " It fits." if plan.fits else " It does not fit."
    return Section(
        heading=heading,
        text=[
            f"At the peak ({plan.moment}) {plan.allocated / GIB:.1f} GiB are allocated, about "
            f"{plan.reserved / GIB:.1f} GiB reserved, and {plan.device / GIB:.1f} GiB of the GPU "
            "in use." + verdict,
            *plan.notes,
        ],
        columns=("term", "GiB", "formula", "source", "how sure"),
        rows=rows,
    )


def _training_plot(summary: PlanSummary) -> Section:
    """Memory against sequence_len for each loss kernel."""
    settings, model = summary.settings, summary.model
    end = max(4 * settings.sequence_len, 8192)
    lengths = sorted({max(128, end * k // (_POINTS - 1)) for k in range(_POINTS)})
    curves = {
        name: {
            n: plan_training_memory(replace(settings, loss=loss, sequence_len=n), model).device
            / GIB
            for n in lengths
        }
        for name, loss in _LOSSES.items()
    }
    capacity = summary.training.capacity
    svg = memory_by_length(
        curves, capacity / GIB if capacity else None, settings.sequence_len,
        "sequence_len [tokens]",
    )  # fmt: skip
    return Section(svg=svg, caption="Training memory by sequence_len, for each loss kernel. "
                "The dashed line is the file's sequence_len.")  # fmt: skip


def _serving_plot(summary: PlanSummary) -> Iterator[Section]:
    """Memory by the window, for one request and for as many as may run."""
    serving = summary.serving
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
        caption="Serving memory by the length of the context, with so many requests of that "
        "length. The solid line is the share of the GPU that vLLM may use, the dashed line the "
        "file's max_model_len.",
    )


def _options(comparison: ComparedOptions) -> list[Section]:
    rows = [
        (
            ("→ " if o.name == comparison.choice else "") + o.name, o.examples,
            f"{o.memory.device / GIB:.1f}", "yes" if o.memory.fits else "no", f"{o.time:.2f}",
            f"{o.steps:.2f}", f"{o.motifs:.1%}", f"{o.recurrences:.1%}", f"{o.scenes_cut:.0%}",
            f"{o.repeated_tokens:,}", "; ".join(o.risks),
        )
        for o in comparison.options
    ]  # fmt: skip
    columns = (
        "option", "examples", "GiB", "fits", "operations", "steps", "motifs whole",
        "recurrences shown", "scenes cut", "tokens repeated", "risks",
    )  # fmt: skip
    text = [f"For {comparison.goal}: {comparison.choice}.", *comparison.reasons]
    usual = Section("Common advice, and what it means here", 3, comparison.usual)
    return [Section(heading="Options", text=text, columns=columns, rows=rows), usual]
