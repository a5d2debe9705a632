"""How results and progress look on a terminal: rich renderables from data, no logic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from seqctx.artifacts.manifest import Manifest
from seqctx.artifacts.run_record import Run
from seqctx.demo import Demo, Step
from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.plan.options import Advice
from seqctx.plan.summary import Planned
from seqctx.proofs.isolation import Isolation
from seqctx.serve import Server
from seqctx.train.progress import Progress


@contextmanager
def status(first: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr that names what is done now; an empty name ends it."""
    console = Console(stderr=True)
    spinner = console.status(first)

    def update(what: str) -> None:
        if not what:
            spinner.stop()
        elif console.is_terminal:
            spinner.update(what)
        else:
            console.print(what, highlight=False)

    with spinner:
        yield update


class _TwoLines(Bars):
    """A bar, and below it the figures: in one line they do not fit 80 columns."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar's table, and a line of text for each."""
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if task.visible and task.fields["figures"]:
                yield Text(f"  {task.fields['figures']}")


@contextmanager
def training_bar(console: Console) -> Iterator[Callable[[Progress], None]]:
    """A live bar with step, losses and time left; a line for each event where no one watches."""
    bars = _TwoLines(
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=None),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task, last = bars.add_task("starting Axolotl", total=None, figures="", visible=False), ""
    figures: dict[str, str] = {}

    def show(event: Progress) -> None:
        nonlocal last
        total = event.total or "?"
        if event.resident:
            figures["memory"] = f"{event.resident / 1e9:.1f} GB"
        if event.warning:
            console.print(f"  {event.warning}", highlight=False, style="yellow")
            return
        if event.point and event.point.loss is not None:
            figures["loss"] = f"loss {event.point.loss:.3f}"
            if speed := event.point.tokens_per_second:
                figures["speed"] = f"{speed:,.0f} tokens/s"
            if held := event.point.reserved_gib:
                figures["card"] = f"{held:.1f} GiB of the card"
            line = f"step {event.point.step}/{total}  {figures['loss']}"
        elif event.point and event.point.eval_loss is not None:
            loss = event.point.eval_loss
            figures["held out"] = f"held out {loss:.3f}"
            whose = "  (the base model)" if event.point.step == 0 else ""
            line = f"step {event.point.step}/{total}  held-out {loss:.3f} loss{whose}"
        else:
            line = last if event.stage == "training" else event.stage
        bars.update(
            task, description=event.stage, completed=event.step, total=event.total,
            figures="  ".join(
                figures[k] for k in ("loss", "held out", "speed", "card", "memory") if k in figures
            ), visible=True,
        )  # fmt: skip
        is_held_out = event.point is not None and event.point.eval_loss is not None
        if line != last and (is_held_out or not console.is_terminal):
            console.print(f"  {line}", highlight=False)
            last = line

    if not console.is_terminal:
        yield show
        return
    with bars:
        yield show


def manifest_lines(manifest: Manifest, out: Path, redone: bool) -> Iterator[str]:
    """What prepare made."""
    for source in manifest.sources:
        yield (
            f"{source.path}: {source.words:,} words, {source.tokens:,} tokens, "
            f"{source.chapters} chapters"
        )
    for name, side in (("train", manifest.train), ("held out", manifest.held_out)):
        yield (
            f"{name}: {side.examples} examples, {side.tokens:,} tokens "
            f"({side.loss_tokens:,} trained on), longest {side.longest} of {manifest.sequence_len}"
        )
    yield f"held-out chapters: {', '.join(manifest.held_out_chapters)}"
    yield f"{'written to' if redone else 'up to date:'} {out}"


def run_lines(run: Run, output_dir: str, redone: bool) -> Iterator[str]:
    """What train made."""
    trained = [p.loss for p in run.points if p.loss is not None]
    if trained:
        yield f"training loss: {trained[0]:.3f} at the first step, {trained[-1]:.3f} at the last"
    if held := run.eval_losses:
        first, last = held[0], held[-1]
        named = {0: "before training (the base model)", run.steps: "after"}
        when = [
            f"{loss:.3f} {named.get(n, f'at step {n}')}" for n, loss in dict.fromkeys((first, last))
        ]
        yield f"held-out loss: {', '.join(when)}"
        if len(held) > 1 and last[1] >= first[1]:
            yield "The held-out loss did not fall: more text, fewer epochs, a lower learning_rate?"
    if run.chosen:
        yield f"step {run.chosen.step} was taken: {run.chosen.reason}"
    for warning in run.warnings:
        yield f"while it trained, {warning}"
    yield f"{run.steps} steps in {run.seconds:.0f} s{memory_of(run)}"
    yield f"{'adapter and record in' if redone else 'up to date:'} {output_dir}"


def served_lines(server: Server) -> Iterator[str]:
    """What a server answers to, and what vLLM found beside the plan."""
    adapter = f" and {server.adapter} (adapter)" if server.adapter else ""
    yield f"{server.url}/v1 serves {server.base} (base){adapter}"
    found, plan = server.found, server.plan
    rows: list[tuple[str, str | None, str | None]] = []
    if found.weights_gib:
        loaded = ("weights", "rotary table", "adapter buffers")
        weights = sum(t.bytes for t in plan.memory.terms if t.name in loaded) if plan else 0
        rows.append(("weights", f"{found.weights_gib:.2f} GiB", f"{weights / GIB:.2f}"))
    if found.kv_gib:
        free = plan.kv_free if plan else None
        rows.append(("KV cache", f"{found.kv_gib:.2f} GiB", f"{free / GIB:.2f}" if free else None))
    if found.kv_tokens:
        tokens = plan.kv_tokens if plan else None
        rows.append(("", f"{found.kv_tokens:,} tokens", f"{tokens:,}" if tokens else None))
    if found.max_concurrency:
        requests = plan.max_concurrency if plan else None
        said = f"{found.max_concurrency:.2f} requests at the full window"
        rows.append(("", said, f"{requests:.2f}" if requests else None))
    for name, measured, planned in rows:
        yield f"  {name:<9}{measured}" + (f" (planned {planned})" if planned and plan else "")


def memory_of(run: Run) -> str:
    """The highest memory of a run beside the plan's, for a line that goes on."""
    memory = run.memory
    if memory is None:
        return ""
    if memory.reserved:
        said = f"; {(memory.allocated or 0) / GIB:.1f} GiB of a card allocated at most"
        tensors = ""
    else:
        said = f"; {memory.resident / GIB:.1f} GiB of main memory at most, libraries included"
        tensors = " for tensors"
    planned = memory.planned_allocated
    return said + (f" (planned {planned / GIB:.1f}{tensors})" if planned else "")


def step_line(step: Step) -> str:
    """One finished step."""
    what = "done" if step.redone else "up to date"
    return f"{step.name:<8} {what:<10} {step.seconds:7.1f} s   {step.where}"


def demo_page(result: Demo, folders: dict[str, Path]) -> RenderableType:
    """The continuations beside the author's lines, and what was made where."""
    voices = Table(expand=True, show_lines=False, pad_edge=False)
    for name in ("base", "adapter", "author"):
        voices.add_column(name, ratio=1, overflow="fold")
    words = max(len(result.base.split()), len(result.adapter.split()))
    author = " ".join(result.author.split(" ")[: words + 10]) + " ..."
    voices.add_row(Text(result.base), Text(result.adapter), Text(author))

    steps = Table(title="steps", title_justify="left", box=None, pad_edge=False)
    for column in ("step", "", "seconds", "where"):
        steps.add_column(column, justify="right" if column == "seconds" else "left")
    for step in result.steps:
        done = "done" if step.redone else "up to date"
        steps.add_row(step.name, done, f"{step.seconds:.1f}", str(step.where))

    disk = Table(title="on disk", title_justify="left", box=None, pad_edge=False)
    disk.add_column("what")
    disk.add_column("MB", justify="right")
    disk.add_column("where")
    for name, folder in folders.items():
        disk.add_row(name, f"{folder_bytes(folder) / 1e6:,.0f}", str(folder))
    losses = "\n".join(run_lines(result.run, str(result.steps[1].where), result.steps[1].redone))
    return Group(
        Panel(Text(result.asked), title="both were asked", title_align="left"),
        voices,
        Text(losses + "\n"),
        steps,
        Text(),
        disk,
    )


def folder_bytes(folder: Path) -> int:
    """Bytes on disk of all files below a folder, links not followed."""
    if not folder.is_dir():
        return 0
    return sum(p.lstat().st_blocks * 512 for p in folder.rglob("*") if not p.is_dir())


def plan_view(planned: Planned, advice: Advice | None) -> RenderableType:
    """Terms with bars, what fits, how far it could go, and the options."""
    parts: list[RenderableType] = [_terms("training", planned.training)]
    if planned.serving:
        serving = planned.serving
        parts.append(_terms("serving", serving.memory))
        parts += [f"  {note}" for note in serving.memory.notes]
        if serving.kv_tokens is not None and serving.max_concurrency is not None:
            parts.append(
                f"cache: {serving.kv_tokens:,} tokens; of {serving.max_num_seqs} requests, "
                f"{serving.max_concurrency:.2f} fit at {serving.window:,} tokens each"
            )
    if planned.refused:
        parts.append(f"serving: not planned: {planned.refused}")
    if speed := planned.speed:
        parts.append(
            f"at most {speed.decode_each:.0f} tokens/s for one request at a full window "
            f"({speed.limit}), {speed.prefill_seconds:.0f} s at least before its first token"
        )
    if time := planned.time:
        low, high = (seconds / 60 for seconds in time.seconds)
        parts.append(
            f"training: {time.tokens:,} tokens in {time.steps} steps, {low:.1f} to {high:.1f} "
            f"minutes ({time.tokens_per_second[0]:,.0f} to {time.tokens_per_second[1]:,.0f} "
            f"tokens/s); {'; '.join(time.notes)}"
        )
    if planned.longest:
        each = ", ".join(f"{key} {value:,}" for key, value in planned.longest.items())
        parts.append(f"largest that fits, all else as it is: {each}")
    if advice:
        parts += [_options(advice), f"for {advice.goal}: {advice.choice}"]
        parts += [f"  {reason}" for reason in advice.reasons]
        risky = [f"  {o.name}: {'; '.join(o.risks)}" for o in advice.options if o.risks]
        parts += ["what may go wrong:", *risky] if risky else []
        parts += ["what is usually advised, and what it comes to here:"]
        parts += [f"  {usual}" for usual in advice.usual]
    return Group(*parts)


def _terms(name: str, plan: MemoryPlan) -> RenderableType:
    """One plan's terms; a bar is as long as its share of the largest."""
    table = Table(box=None, pad_edge=False, title_justify="left", title=f"{name}: {plan.moment}")
    for column, justify in (("", "left"), ("GiB", "right"), ("", "left"), ("", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for term in plan.terms:
        bar = "█" * max(1, round(20 * term.bytes / plan.largest.bytes))
        table.add_row(term.name, f"{term.bytes / GIB:.2f}", bar, f"{term.formula}", style=None)
    table.add_row("allocated", f"{plan.allocated / GIB:.2f}", "", "")
    if plan.reserved != plan.allocated:
        table.add_row("reserved, about", f"{plan.reserved / GIB:.2f}", "", "")
        table.add_row("of the card", f"{plan.device / GIB:.2f}", "", "")
    if plan.capacity is not None and plan.gpu and plan.margin is not None:
        verdict = "fits" if plan.fits else "DOES NOT FIT"
        table.add_row(
            plan.gpu.name, f"{plan.capacity / GIB:.2f}", "",
            f"{verdict}, {abs(plan.margin) / GIB:.1f} GiB {'left' if plan.fits else 'short'}",
        )  # fmt: skip
    return table


def _options(advice: Advice) -> RenderableType:
    """The options side by side; the chosen one is marked."""
    table = Table(box=None, pad_edge=False)
    for column in ("option", "GiB", "fits", "time", "steps", "threads", "returns", "scenes cut",
                   "repeated"):  # fmt: skip
        table.add_column(column, justify="left" if column == "option" else "right")
    for option in advice.options:
        mark = "> " if option.name == advice.choice else "  "
        table.add_row(
            mark + option.name, f"{option.memory.device / GIB:.1f}",
            "yes" if option.memory.fits else "no", f"{option.time:.2f}", f"{option.steps:.2f}",
            f"{option.threads:.1%}", f"{option.returns:.1%}", f"{option.scenes_cut:.0%}",
            f"{option.repeated_tokens:,}",
        )  # fmt: skip
    return table


def isolation_view(found: Isolation) -> RenderableType:
    """What passes between the examples of a batch."""
    table = Table(box=None, pad_edge=False)
    columns = ("example", "tokens", "change elsewhere", "packed vs alone", "gradient elsewhere")
    for name in columns:
        table.add_column(name, justify="right")
    for number, e in enumerate(found.examples, 1):
        values = (e.change_elsewhere, e.against_alone, e.gradient_elsewhere)
        table.add_row(str(number), str(e.tokens), *(f"{v:.3g}" if v else "0.0" for v in values))
    return table
