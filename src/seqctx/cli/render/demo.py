"""What the demo made: continuations beside the author's, its steps, and the disk that it takes."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from seqctx.cli.render.train import run_lines
from seqctx.demo import Demo, Step
from seqctx.system.visible import visible, visible_line


def step_line(step: Step) -> str:
    """One finished step."""
    what = "done" if step.redone else "up to date"
    return f"{step.name:<8} {what:<10} {step.seconds:7.1f} s   {step.where}"


def demo_page(result: Demo) -> RenderableType:
    """The continuations beside the author's text, the steps, and the folders that were made."""
    answers = Table(expand=True, show_lines=False, pad_edge=False)
    for name in ("base", "adapter", "author"):
        answers.add_column(name, ratio=1, overflow="fold")
    words = max(len(result.base.split()), len(result.adapter.split()))
    author = " ".join(result.author.split(" ")[: words + 10]) + " ..."
    answers.add_row(*(Text(visible(text)) for text in (result.base, result.adapter, author)))

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
    for folder in result.folders:
        disk.add_row(folder.name, f"{folder.bytes / 1e6:,.0f}", str(folder.path))
    losses = "\n".join(
        visible_line(line)
        for line in run_lines(result.run, str(result.steps[1].where), result.steps[1].redone)
    )
    return Group(
        Panel(
            Text(visible(result.asked)),
            title="both models were asked to continue",
            title_align="left",
        ),
        answers,
        Text(visible(losses) + "\n"),
        steps,
        Text(),
        disk,
    )
