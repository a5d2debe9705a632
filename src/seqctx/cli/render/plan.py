"""The plan of a file: terms of memory with bars, what fits, and the options side by side."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table

from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.plan.options import ComparedOptions
from seqctx.plan.summary import PlanSummary
from seqctx.system.visible import visible_line


def plan_view(summary: PlanSummary, compared: ComparedOptions | None) -> RenderableType:
    """Memory by part, whether it fits, the largest values that fit, and the options."""
    parts: list[RenderableType] = [_terms("training", summary.training)]
    if summary.serving:
        serving = summary.serving
        parts.append(_terms("serving", serving.memory))
        parts += [f"  {note}" for note in serving.memory.notes]
        if serving.kv_tokens is not None and serving.max_concurrency is not None:
            parts.append(
                f"KV cache: {serving.kv_tokens:,} tokens, room for {serving.max_concurrency:.2f} "
                f"requests of {serving.window:,} tokens (max_num_seqs: {serving.max_num_seqs})"
            )
    if summary.refused:
        parts.append(f"serving: not planned. {summary.refused}")
    if note := summary.model_note:
        parts.append(f"model: {note}")
    if (speed := summary.speed) and summary.serving:
        parts.append(
            f"one request of {summary.serving.window:,} tokens: at most "
            f"{speed.decode_each:.0f} tokens/s (limited by {speed.limit}), first token after at "
            f"least {speed.prefill_seconds:.0f} s"
        )
    if time := summary.time:
        low, high = (seconds / 60 for seconds in time.seconds)
        parts.append(
            f"training: {time.tokens:,} tokens in {time.steps} steps, {low:.1f} to {high:.1f} "
            f"minutes ({time.tokens_per_second[0]:,.0f} to {time.tokens_per_second[1]:,.0f} "
            f"tokens/s); {'; '.join(time.notes)}"
        )
    if summary.longest:
        each = ", ".join(f"{key} {value:,}" for key, value in summary.longest.items())
        parts.append(f"largest values that fit, each with the other keys unchanged: {each}")
    if compared:
        parts += [_options(compared), f"recommended for {compared.goal}: {compared.choice}"]
        parts += [f"  {reason}" for reason in compared.reasons]
        risky = [f"  {o.name}: {'; '.join(o.risks)}" for o in compared.options if o.risks]
        parts += ["risks:", *risky] if risky else []
        parts += ["common advice, with your numbers:"]
        parts += [f"  {usual}" for usual in compared.usual]
    return Group(*(visible_line(part) if isinstance(part, str) else part for part in parts))


def _terms(name: str, plan: MemoryPlan) -> RenderableType:
    """One plan, part by part; the longest bar is the largest part."""
    table = Table(
        box=None, pad_edge=False, title_justify="left", title=f"{name}: peak ({plan.moment})"
    )
    for column, justify in (("", "left"), ("GiB", "right"), ("", "left"), ("", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for term in plan.terms:
        bar = "█" * max(1, round(20 * term.bytes / plan.largest.bytes))
        table.add_row(term.name, f"{term.bytes / GIB:.2f}", bar, f"{term.formula}", style=None)
    table.add_row("allocated", f"{plan.allocated / GIB:.2f}", "", "")
    if plan.reserved != plan.allocated:
        table.add_row("reserved (estimate)", f"{plan.reserved / GIB:.2f}", "", "")
        table.add_row("used on the GPU", f"{plan.device / GIB:.2f}", "", "")
    if plan.capacity is not None and plan.gpu and plan.margin is not None:
        verdict = "fits" if plan.fits else "DOES NOT FIT"
        table.add_row(
            plan.gpu.name, f"{plan.capacity / GIB:.2f}", "",
            f"{verdict}, {abs(plan.margin) / GIB:.1f} GiB {'left' if plan.fits else 'short'}",
        )  # fmt: skip
    return table


def _options(compared: ComparedOptions) -> RenderableType:
    """The options side by side; the chosen one is marked."""
    table = Table(box=None, pad_edge=False)
    for column in ("option", "GiB", "fits", "time", "steps", "motifs", "recurrences", "scenes cut",
                   "repeated"):  # fmt: skip
        is_name = column == "option"
        table.add_column(column, justify="left" if is_name else "right", no_wrap=is_name)
    for option in compared.options:
        mark = "> " if option.name == compared.choice else "  "
        table.add_row(
            mark + option.name, f"{option.memory.device / GIB:.1f}",
            "yes" if option.memory.fits else "no", f"{option.time:.2f}", f"{option.steps:.2f}",
            f"{option.motifs:.1%}", f"{option.recurrences:.1%}", f"{option.scenes_cut:.0%}",
            f"{option.repeated_tokens:,}",
        )  # fmt: skip
    return table
