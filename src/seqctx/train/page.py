"""The page that compares base model and trained model: losses, and continuations of the text."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import exp
from pathlib import Path

from seqctx.artifacts.layout import RunDir
from seqctx.artifacts.run_record import Point, TrainingRun
from seqctx.config.config import Config
from seqctx.report.losses import loss_curve
from seqctx.report.page import Section, page
from seqctx.system.atomic import atomic_write
from seqctx.train.checkpoints import complete_checkpoints, weight_files
from seqctx.train.evaluate import COPIED_RUN, Evaluation, Variant, evaluate

_COLUMNS = ("step", "epoch", "loss", "eval_loss", "grad_norm", "learning_rate",
            "tokens_per_second", "trained_tokens", "allocated_gib", "reserved_gib")  # fmt: skip
_MOST_COPIED = 0.2  # share of copied words from which a continuation counts as recited
_NO_HELD_OUT_LOSS = ("rl", "reward_model", "process_reward_model")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison page, and what it says.

    Attributes:
        path: where it is.
        lines: its first sentences.
    """

    path: Path
    lines: tuple[str, ...]


def can_draw() -> bool:
    """Whether the packages that draw are installed; they come with ``seqctx[prepare]``."""
    return all(find_spec(name) for name in ("matplotlib", "jinja2"))


def comparison_is_due(cfg: Config, *, new: bool) -> bool:
    """Whether `write_comparison` shall run: after a new run, or where the page is missing.

    Args:
        cfg: a file that was trained.
        new: whether the run is new.
    """
    run_dir = RunDir(Path(cfg.output_dir))
    return new or not (run_dir.comparison.is_file() or run_dir.earlier_comparison.is_file())


def comparison_obstacle(cfg: Config) -> str | None:
    """Why a run cannot have a comparison page, as one line; None where it can have one."""
    if not can_draw():
        return (
            "comparison page: needs the packages matplotlib and jinja2, which are not installed. "
            "Run: pip install 'seqctx[prepare]'"
        )
    if key := next((key for key in _NO_HELD_OUT_LOSS if cfg.get(key)), None):
        return f"comparison page: not written: with {key} there is no loss on held-out text"
    return None


def write_curve(run: TrainingRun, run_dir: RunDir) -> None:
    """Write the metrics as a table and, where `can_draw`, the losses as a picture.

    Args:
        run: the record.
        run_dir: where ``losses.csv``, ``losses.png`` and ``losses.svg`` go.
    """
    with atomic_write(run_dir.losses_csv) as f:
        table = csv.writer(f)
        table.writerow(_COLUMNS)
        for point in run.points:
            values = [getattr(point, name) for name in _COLUMNS]
            table.writerow(["" if value is None else value for value in values])
    if not can_draw():
        return
    png = run_dir.losses_png
    partial = png.with_name(f".{png.name}.seqctx-partial")
    svg = loss_curve(_training_losses(run.points), run.eval_losses, _kept_step(run), partial)
    partial.replace(png)
    with atomic_write(run_dir.losses_svg) as f:
        f.write(svg)


def write_comparison(
    cfg: Config,
    run: TrainingRun,
    *,
    on_step: Callable[[str], None] = lambda step: None,
) -> Comparison:
    """Evaluate base model, best and last checkpoint, and write the page.

    Args:
        cfg: a file that was trained.
        run: its record.
        on_step: called with a line before each step.

    Raises:
        ToolError: when Axolotl's environment cannot load one of them.
    """
    run_dir = RunDir(Path(cfg.output_dir))
    evaluation = evaluate(cfg, variants(cfg, run), continuations=3, on_step=on_step)
    lines = summary_lines(evaluation)
    notes = [f"Warning during training: {warning}" for warning in run.warnings]
    if run.chosen:
        notes.insert(0, f"The weights of step {run.chosen.step} were kept: {run.chosen.reason}.")
    sections = [
        Section(text=[*lines, *notes]),
        Section(
            "Losses",
            svg=loss_curve(_training_losses(run.points), run.eval_losses, _kept_step(run)),
            caption="The loss at each training step; lower is better. Held-out text is text that "
            "the model was not trained on.",
        ),  # fmt: skip
        _losses_table(evaluation),
        *_continuations(evaluation),
    ]
    with atomic_write(run_dir.comparison) as f:
        f.write(page(f"Before and after training: {run_dir.output_dir.name}", sections))
    return Comparison(run_dir.comparison, tuple(lines))


def variants(cfg: Config, run: TrainingRun) -> list[Variant]:
    """The base model, the weights in ``output_dir``, and those of the last step if they differ."""
    run_dir = RunDir(Path(cfg.output_dir))
    output, step = run_dir.output_dir, _kept_step(run)
    what = "adapter" if cfg.adapter else "trained model"
    found = [
        Variant("base", writes=True),
        _variant_of(cfg, f"{what}, step {step}", output, writes=True),
    ]
    last = [c.folder for c in complete_checkpoints(output) if c.step == run.steps]
    last.append(run_dir.last_weights)
    last = [folder for folder in last if folder.is_dir() and weight_files(folder)]
    if step != run.steps and last:
        found.append(_variant_of(cfg, f"last step, {run.steps}", last[0]))
    return found


def _variant_of(cfg: Config, name: str, folder: Path, *, writes: bool = False) -> Variant:
    """What a folder holds: an adapter, or whole weights where the file trains those."""
    if cfg.adapter:
        return Variant(name, adapter=str(folder), writes=writes)
    return Variant(name, model=str(folder), writes=writes)


def _kept_step(run: TrainingRun) -> int:
    """The step whose weights were kept."""
    return run.chosen.step if run.chosen else run.steps


def _training_losses(points: Sequence[Point]) -> list[tuple[int, float]]:
    """Step and loss of each training step that was logged."""
    return [(p.step, p.loss) for p in points if p.loss is not None]


def summary_lines(evaluation: Evaluation) -> list[str]:
    """Whether training helped, in a few sentences."""
    if not evaluation.results:
        return [
            "No text was held out, so this page cannot say whether training helped with text that "
            "the model has not seen."
        ]
    base, trained = evaluation.results[0], evaluation.results[1]
    gain = base.loss - trained.loss
    change = f"from {base.loss:.3f} to {trained.loss:.3f}"
    if gain > 0:
        lines = [
            "Training helped: on text by the author that the model was not trained on, the loss "
            f"fell {change}. The loss measures how much the author's next words surprise the "
            f"model; lower is better. The trained model finds each token (a word, or part of one) "
            f"{exp(gain):.2f} times as likely as the base model does, on average."
        ]
    else:
        lines = [
            "Training did not help: on text by the author that the model was not trained on, the "
            f"loss went {change}, and lower is better. Try more text, fewer epochs or a lower "
            "learning_rate."
        ]
    if trained.copied and max(trained.copied) > _MOST_COPIED:
        lines.append(
            f"In one continuation, {max(trained.copied):.0%} of the words are copied from the "
            f"training text, {COPIED_RUN} words or more in a row: the model recites instead of "
            "writing."
        )
    return lines


def _losses_table(evaluation: Evaluation) -> Section:
    """The held-out loss of each model."""
    base = evaluation.results[0].loss if evaluation.results else 0.0
    rows = [
        (r.name, r.examples, f"{r.loss:.4f}", f"{exp(r.loss):.1f}", f"{r.loss - base:.4f}")
        for r in evaluation.results
    ]
    columns = ("model", "held-out examples", "loss", "perplexity", "difference from base")
    return Section(columns=columns, rows=rows if evaluation.results else ())


def _continuations(evaluation: Evaluation) -> list[Section]:
    """Base model, trained model and author side by side, for each passage."""
    if len(evaluation.results) < 2:
        return []
    base, trained = evaluation.results[:2]
    sections = [
        Section(
            "Continuations",
            text=[
                "Both models were asked to continue passages that they were not trained on, with "
                "the same settings (temperature 0.7, the same random seed). Below each "
                "continuation is the share of its words that also appear in the training text, "
                f"{COPIED_RUN} or more in a row."
            ],
        )
    ]
    for k, prompt in enumerate(evaluation.prompts):
        author = " ".join(evaluation.author[k].split(" ")[:120])
        sections.append(
            Section(
                f"Passage {k + 1}",
                level=3,
                text=[_passage(prompt)],
                even=True,
                columns=("base model", "trained model", "the author"),
                rows=[
                    (base.texts[k], trained.texts[k], author),
                    (
                        f"{base.copied[k]:.0%} of the words are copied",
                        f"{trained.copied[k]:.0%} of the words are copied",
                        f"{evaluation.author_copied[k]:.0%} of the words are in the training text",
                    ),
                ],
            )
        )
    return sections


def _passage(prompt: str) -> str:
    """The last user's turn of a rendered prompt, without the template's role names."""
    turn = prompt.rpartition("user\n")[2].strip().removesuffix("assistant").strip()
    return turn if len(turn) <= 700 else "… " + turn[-700:]
