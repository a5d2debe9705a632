"""Was it worth it: the curve, the losses, and continuations beside the author's own, as a page."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import exp
from pathlib import Path

from seqctx.artifacts.run_record import Point, Run
from seqctx.config.config import Config
from seqctx.report.losses import loss_curve
from seqctx.report.page import Section, page
from seqctx.system.atomic import atomic_write
from seqctx.train.checkpoints import LAST, weight_files, whole_checkpoints
from seqctx.train.evaluate import RUN, Judged, Variant, judge

CURVE, LOSSES, PAGE = "losses.svg", "losses.csv", "worth.html"
"""What `write_curve` and `write_page` leave in ``output_dir/run``; the curve as PNG, too."""
_COLUMNS = ("step", "epoch", "loss", "eval_loss", "grad_norm", "learning_rate",
            "tokens_per_second", "trained_tokens", "allocated_gib", "reserved_gib")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Worth:
    """The page, and what it says."""

    where: Path
    judged: Judged
    lines: tuple[str, ...]


def drawable() -> bool:
    """Whether what draws is there; it comes with ``seqctx[prepare]``."""
    return all(find_spec(name) for name in ("matplotlib", "jinja2"))


def write_curve(run: Run, folder: Path) -> None:
    """The losses as data and, where it is `drawable`, as a picture.

    Args:
        run: the record.
        folder: where ``losses.csv``, ``losses.png`` and ``losses.svg`` go.
    """
    with atomic_write(folder / LOSSES) as f:
        table = csv.writer(f)
        table.writerow(_COLUMNS)
        for point in run.points:
            values = [getattr(point, name) for name in _COLUMNS]
            table.writerow(["" if value is None else value for value in values])
    if not drawable():
        return
    png = folder / Path(CURVE).with_suffix(".png")
    partial = png.with_name(f".{png.name}.seqctx-partial")
    step = run.chosen.step if run.chosen else run.steps
    svg = loss_curve(_trained(run.points), run.eval_losses, step, partial)
    partial.replace(png)
    with atomic_write(folder / CURVE) as f:
        f.write(svg)


def write_page(
    cfg: Config,
    run: Run,
    *,
    on_step: Callable[[str], None] = lambda step: None,
) -> Worth:
    """Ask base, best and last checkpoint, and write the page.

    Args:
        cfg: a file that was trained.
        run: its record.
        on_step: called with a line before each step.

    Raises:
        ToolError: when Axolotl's environment cannot load them.
    """
    output = Path(cfg.output_dir)
    curve = output / "run" / CURVE
    if not curve.is_file():
        write_curve(run, curve.parent)
    judged = judge(cfg, variants(cfg, run), continuations=3, on_step=on_step)
    lines = _said(judged)
    chosen = f"Step {run.chosen.step} was taken: {run.chosen.reason}." if run.chosen else ""
    warnings = [f"While it trained, {warning}" for warning in run.warnings]
    parts = [
        Section(text=[*lines, *filter(None, [chosen]), *warnings]),
        Section(
            "Losses",
            svg=curve.read_text("utf-8"),
            caption="Losses by step. Held-out text is of chapters that were not trained on.",
        ),  # fmt: skip
        _losses(judged),
        *_continuations(judged),
    ]
    where = output / "run" / PAGE
    with atomic_write(where) as f:
        f.write(page(f"Was it worth it? {output.name}", parts))
    return Worth(where, judged, tuple(lines))


def variants(cfg: Config, run: Run) -> list[Variant]:
    """The base, what ``output_dir`` holds, and the last checkpoint where that is another."""
    output = Path(cfg.output_dir)
    step = run.chosen.step if run.chosen else run.steps
    what = "adapter" if cfg.adapter else "trained"
    found = [
        Variant("base", writes=True),
        weights(cfg, f"{what} step {step}", output, writes=True),
    ]
    last = [c.folder for c in whole_checkpoints(output) if c.step == run.steps] + [output / LAST]
    last = [folder for folder in last if folder.is_dir() and weight_files(folder)]
    if step != run.steps and last:
        found.append(weights(cfg, f"last step {run.steps}", last[0]))
    return found


def weights(cfg: Config, name: str, folder: Path, *, writes: bool = False) -> Variant:
    """What a folder holds: an adapter, or all weights where the file trains those."""
    if cfg.adapter:
        return Variant(name, adapter=str(folder), writes=writes)
    return Variant(name, model=str(folder), writes=writes)


def _trained(points: Sequence[Point]) -> list[tuple[int, float]]:
    return [(p.step, p.loss) for p in points if p.loss is not None]


def _said(judged: Judged) -> list[str]:
    """The answer in a few sentences."""
    if not judged.verdicts:
        return ["Nothing was held out, so nothing can be said of text that was not trained on."]
    base, best = judged.verdicts[0], judged.verdicts[1]
    gain = base.loss - best.loss
    if gain > 0:
        lines = [
            f"Yes, by the held-out text: its loss went from {base.loss:.3f} to {best.loss:.3f}. "
            f"Each of the author's own tokens is {exp(gain):.2f} times as likely as before."
        ]
    else:
        lines = [
            f"No, by the held-out text: its loss went from {base.loss:.3f} to {best.loss:.3f}. "
            "More text, fewer epochs or a lower learning_rate would be next."
        ]
    written = [share for verdict in judged.verdicts[1:2] for share in verdict.copied]
    if written and max(written) > 0.2:
        lines.append(
            f"A continuation has {max(written):.0%} of its words from the training text, in runs "
            f"of {RUN}: it recites."
        )
    return lines


def _losses(judged: Judged) -> Section:
    base = judged.verdicts[0].loss if judged.verdicts else 0.0
    rows = [
        (v.name, v.examples, f"{v.loss:.4f}", f"{exp(v.loss):.1f}", f"{v.loss - base:.4f}")
        for v in judged.verdicts
    ]
    columns = ("", "held-out examples", "loss", "perplexity", "against base")
    return Section(columns=columns, rows=rows if judged.verdicts else ())


def _continuations(judged: Judged) -> list[Section]:
    """Base, adapter and author side by side, for each passage that was asked with."""
    if len(judged.verdicts) < 2:
        return []
    base, best = judged.verdicts[:2]
    parts = [
        Section(
            "Continuations",
            text=[
                "Both models were asked to go on where a held-out passage ends (temperature 0.7, "
                "the same seed). The share below a text is of its words that stand in the "
                f"training text in runs of {RUN} or more."
            ],
        )
    ]
    for k, asked in enumerate(judged.asked):
        author = " ".join(judged.author[k].split(" ")[:120])
        parts.append(
            Section(
                f"Passage {k + 1}",
                level=3,
                text=[_passage(asked)],
                even=True,
                columns=("base", best.name, "the author"),
                rows=[
                    (base.texts[k], best.texts[k], author),
                    (
                        f"{base.copied[k]:.0%} of its words are copied",
                        f"{best.copied[k]:.0%} of its words are copied",
                        f"{judged.author_copied[k]:.0%} of its words are in the training text",
                    ),
                ],
            )
        )
    return parts


def _passage(asked: str) -> str:
    """The last user's turn of a rendered prompt, without the template's names of who speaks."""
    turn = asked.rpartition("user\n")[2].strip().removesuffix("assistant").strip()
    return turn if len(turn) <= 700 else "… " + turn[-700:]
