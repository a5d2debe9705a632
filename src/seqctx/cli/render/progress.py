"""Progress on a terminal: a spinner, and the bar of a training run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from seqctx.cli.render.console import terminal
from seqctx.system.visible import visible_line
from seqctx.train.progress import Progress


@contextmanager
def status(first: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr that names what is done now; an empty name ends it."""
    console = terminal(err=True)
    spinner = console.status(Text(first))

    def update(step: str) -> None:
        line = visible_line(step)
        if not line:
            spinner.stop()
        elif console.is_terminal:
            spinner.update(Text(line))
            spinner.start()  # again, where an empty name has ended it
        else:
            console.print(line)

    with spinner:
        yield update


class _BarAndNumbers(Bars):
    """A bar, and below it loss, speed and memory: in one line they do not fit 80 columns."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar's table, and a line of text for each."""
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if task.visible and task.fields["numbers"]:
                yield Text(f"  {task.fields['numbers']}")


_NUMBERS = ("loss", "held-out loss", "speed", "GPU memory", "memory")  # in the order of the line


class _TrainingView:
    """What is shown of a training run: the newest of each number, and a line for each event."""

    def __init__(self, console: Console, bars: Bars) -> None:
        self.console, self.bars = console, bars
        self.task = bars.add_task("starting Axolotl", total=None, numbers="", visible=False)
        self.numbers: dict[str, str] = {}
        self.last_line = ""

    def show(self, event: Progress) -> None:
        """Bring the bar up to date; print a warning or a line where there is one."""
        if event.resident:
            self.numbers["memory"] = f"{event.resident / 1e9:.1f} GB"
        if event.warning:
            self.console.print(f"  {visible_line(event.warning)}", style="yellow")
            return
        line = self._line(event)
        self.bars.update(
            self.task, description=visible_line(event.stage),
            completed=event.step, total=event.total,
            numbers="  ".join(self.numbers[k] for k in _NUMBERS if k in self.numbers), visible=True,
        )  # fmt: skip
        is_held_out = event.point is not None and event.point.eval_loss is not None
        if line != self.last_line and (is_held_out or not self.console.is_terminal):
            self.console.print(f"  {line}")
            self.last_line = line

    def _line(self, event: Progress) -> str:
        """One event as a line; its numbers are kept for the bar."""
        point, total = event.point, event.total or "?"
        if point and point.loss is not None:
            self.numbers["loss"] = f"loss {point.loss:.3f}"
            if speed := point.tokens_per_second:
                self.numbers["speed"] = f"{speed:,.0f} tokens/s"
            if reserved := point.reserved_gib:
                self.numbers["GPU memory"] = f"{reserved:.1f} GiB of GPU memory"
            return f"step {point.step}/{total}  {self.numbers['loss']}"
        if point and point.eval_loss is not None:
            self.numbers["held-out loss"] = f"held-out loss {point.eval_loss:.3f}"
            whose = "  (the base model)" if point.step == 0 else ""
            return f"step {point.step}/{total}  held-out loss {point.eval_loss:.3f}{whose}"
        return self.last_line if event.stage == "training" else visible_line(event.stage)


@contextmanager
def training_bar(console: Console) -> Iterator[Callable[[Progress], None]]:
    """A live bar with step, losses and time left; a line for each event without a terminal."""
    bars = _BarAndNumbers(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    view = _TrainingView(console, bars)
    if not console.is_terminal:
        yield view.show
        return
    with bars:
        yield view.show
