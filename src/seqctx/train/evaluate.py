"""What a training was worth: held-out losses and continuations, asked of Axolotl's own models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from seqctx.config.config import Config
from seqctx.config.render import dump_yaml
from seqctx.errors import InputError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.scripts import run_inside
from seqctx.train.resolved import needs_hub

RUN = 6  # words
_ROWS = 64
_WORDS = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to load what was trained.

    Attributes:
        name: as it is shown.
        adapter: folder of an adapter over the file's base; None for the base alone.
        model: folder of whole weights in place of the file's base.
        quantized: the base in as few bits as in training.
        writes: whether it shall write continuations.
    """

    name: str
    adapter: str | None = None
    model: str | None = None
    quantized: bool = True
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one variant made of the held-out examples.

    Attributes:
        name: of the variant.
        loss: mean over examples of the mean over their trained tokens, as Axolotl's ``eval_loss``
            with one example a batch.
        examples: that were taken.
        texts: its continuations.
        copied: of each, the share of words that stand in the training text in runs of six.
    """

    name: str
    loss: float
    examples: int
    texts: tuple[str, ...] = ()
    copied: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """All variants over the same held-out examples.

    Attributes:
        verdicts: one a variant, in order; empty where nothing was held out.
        asked: what was to be continued.
        author: how the author goes on, as far as the example does.
        author_copied: what `Verdict.copied` would be of the author's own words.
    """

    verdicts: tuple[Verdict, ...] = ()
    asked: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    author_copied: tuple[float, ...] = ()


def judge(
    cfg: Config,
    variants: Sequence[Variant],
    *,
    continuations: int = 0,
    new_tokens: int = 120,
    on_step: Callable[[str], None] = lambda step: None,
) -> Judged:
    """Load each variant through Axolotl's own loader and look at it.

    Args:
        cfg: a file that was trained: its record and tokenized data are in ``output_dir``.
        variants: what to load, one after another.
        continuations: how many held-out examples the variants that write shall continue.
        new_tokens: length of a continuation.
        on_step: called with a line before each step.

    Raises:
        InputError: when nothing was trained.
        ToolError: when Axolotl's environment cannot load one.
    """
    output = Path(cfg.output_dir)
    resolved = output / "run" / "axolotl.yaml"
    if not resolved.is_file():
        raise InputError(f"{resolved}: no such file. Run 'seqctx train' first.")
    with explain_os_errors(resolved):
        mapping = yaml.safe_load(resolved.read_text("utf-8"))
    gone = ("resume_from_checkpoint", "dynamic_checkpoint", "vllm")
    mapping = {k: v for k, v in mapping.items() if k not in gone}
    mapping["dataset_prepared_path"] = str(output / "run" / "tokenized")

    def job(folder: Path) -> dict[str, Any]:
        path = folder / "axolotl.yaml"
        path.write_text(dump_yaml({**mapping, "output_dir": str(folder / "out")}), "utf-8")
        return {
            "yaml": str(path),
            "variants": [asdict(v) for v in variants],
            "rows": _ROWS,
            "continuations": continuations,
            "new_tokens": new_tokens,
        }

    def on_line(line: str) -> None:
        if re.fullmatch(r"(loading|judging|writing with) [\w .,+-]+", line):
            on_step(line)

    judged: Judged = run_inside(
        "train.inside.evaluate",
        job,
        offline=not needs_hub(mapping),
        on_line=on_line,
        take=lambda result, folder: _judged(result, folder / "train.jsonl"),
    )
    return judged


def _judged(result: dict[str, Any], train: Path) -> Judged:
    """The script's result, with the shares of copied words."""
    if not result["variants"]:
        return Judged()
    texts = [t for v in result["variants"] for t in v["texts"]] + result["author"]
    shares = iter(copied_shares(texts, _texts(train)))
    verdicts = []
    for variant in result["variants"]:
        losses = [loss for loss in variant["losses"] if loss is not None]
        verdicts.append(
            Verdict(
                name=variant["name"],
                loss=fmean(losses) if losses else float("nan"),
                examples=len(losses),
                texts=tuple(variant["texts"]),
                copied=tuple(next(shares) for _ in variant["texts"]),
            )
        )
    return Judged(tuple(verdicts), tuple(result["asked"]), tuple(result["author"]), tuple(shares))


def _texts(path: Path) -> Iterator[str]:
    """The training examples' texts, one at a time."""
    with path.open(encoding="utf-8") as f:
        for line in f:
            yield json.loads(line)


def copied_shares(texts: Sequence[str], training: Iterable[str], run: int = RUN) -> list[float]:
    """For each text, the share of its words that stand in the training text in runs of so many.

    Args:
        texts: what was written.
        training: all training texts; each is read once and forgotten.
        run: words of a run; letter case and punctuation do not count.

    Returns:
        Shares from 0 to 1, in order; 0 for a text of fewer words than a run.
    """
    words = [_WORDS.findall(text.casefold()) for text in texts]
    wanted: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for k, each in enumerate(words):
        for at in range(len(each) - run + 1):
            wanted.setdefault(tuple(each[at : at + run]), []).append((k, at))
    copied: list[set[int]] = [set() for _ in texts]
    for text in training:
        each = _WORDS.findall(text.casefold())
        for at in range(len(each) - run + 1):
            for k, there in wanted.get(tuple(each[at : at + run]), ()):
                copied[k].update(range(there, there + run))
    return [len(c) / len(w) if w else 0.0 for c, w in zip(copied, words, strict=True)]
