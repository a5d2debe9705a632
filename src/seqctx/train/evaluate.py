"""Compare trained models: held-out losses and continuations, computed by Axolotl's own loaders."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from seqctx.artifacts.layout import RunDir
from seqctx.config.config import Config
from seqctx.config.render import dump_yaml, hiding_secrets
from seqctx.errors import InputError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.regular_file import open_file, read_file_text
from seqctx.system.scripts import run_inside
from seqctx.system.secrets import without_secrets
from seqctx.train.axolotl_secrets import secret_variables
from seqctx.train.resolved import needs_hub

COPIED_RUN = 6
"""Words in a row that a continuation must share with the training text to count as copied."""
_MOST_EXAMPLES = 64
_NEW_TOKENS = 120  # of a continuation
_STEP = "seqctx: "  # how the script's lines of progress begin; all others are Axolotl's
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to load what was trained.

    Attributes:
        name: as it is shown.
        adapter: folder of an adapter over the file's base model; None for the base model alone.
        model: folder of whole weights in place of the file's base model.
        quantized: whether the base model is quantized as in training.
        writes: whether it shall write continuations.
    """

    name: str
    adapter: str | None = None
    model: str | None = None
    quantized: bool = True
    writes: bool = False


@dataclass(frozen=True, slots=True)
class VariantResult:
    """How one variant did on the held-out examples.

    Attributes:
        name: of the variant.
        loss: mean over examples of the mean over their trained tokens, as Axolotl's ``eval_loss``
            with one example a batch.
        examples: how many were used.
        texts: its continuations.
        copied: for each continuation, the share of its words that are in the training text in runs
            of `COPIED_RUN` or more.
    """

    name: str
    loss: float
    examples: int
    texts: tuple[str, ...] = ()
    copied: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All variants over the same held-out examples.

    Attributes:
        results: one for each variant, in order; empty where no text was held out.
        prompts: what was to be continued.
        author: how the author continues, as far as the example goes.
        author_copied: the same share as `VariantResult.copied`, of the author's own words.
    """

    results: tuple[VariantResult, ...] = ()
    prompts: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    author_copied: tuple[float, ...] = ()


def evaluate(
    cfg: Config,
    variants: Sequence[Variant],
    *,
    continuations: int = 0,
    on_step: Callable[[str], None] = lambda step: None,
) -> Evaluation:
    """Load each variant through Axolotl's own loader, and measure it.

    Args:
        cfg: a file that was trained: its record and tokenized data are in ``output_dir``.
        variants: what to load, one after another.
        continuations: how many held-out examples the variants that write shall continue.
        on_step: called with a line before each step.

    Raises:
        InputError: when nothing was trained.
        ToolError: when Axolotl's environment cannot load a variant.
    """
    run_dir = RunDir(Path(cfg.output_dir))
    mapping = trained_yaml(run_dir)
    mapping.pop("dynamic_checkpoint", None)
    mapping["dataset_prepared_path"] = str(run_dir.tokenized)

    def job(folder: Path) -> dict[str, Any]:
        scratch = RunDir(folder)
        path = scratch.axolotl_yaml
        path.parent.mkdir()
        path.write_text(dump_yaml({**mapping, "output_dir": str(folder / "out")}), "utf-8")
        return {
            "yaml": str(path),
            "variants": [asdict(v) for v in variants],
            "rows": _MOST_EXAMPLES,
            "continuations": continuations,
            "new_tokens": _NEW_TOKENS,
            "step": _STEP,
        }

    def on_line(line: str) -> None:
        if line.startswith(_STEP):
            on_step(line.removeprefix(_STEP))

    evaluation: Evaluation = run_inside(
        "train.inside.evaluate",
        job,
        offline=not needs_hub(mapping),
        variables=secret_variables(cfg),
        hide=hiding_secrets(cfg),
        on_line=on_line,
        take=lambda result, folder: _with_copied_shares(result, folder / "train.jsonl"),
    )
    return evaluation


def trained_yaml(run_dir: RunDir) -> dict[str, Any]:
    """The Axolotl YAML of a finished run, without what is about resuming and serving.

    Raises:
        InputError: when nothing was trained.
    """
    path = run_dir.axolotl_yaml
    if not path.is_file():
        raise InputError(f"{path}: no such file. Run 'seqctx train' first.")
    with explain_os_errors(path):
        mapping = yaml.safe_load(read_file_text(path))
    kept = {k: v for k, v in mapping.items() if k not in ("resume_from_checkpoint", "vllm")}
    clean: dict[str, Any] = without_secrets(kept)  # runs of earlier versions have them
    return clean


def _with_copied_shares(result: dict[str, Any], train: Path) -> Evaluation:
    """The script's result, with the shares of copied words."""
    if not result["variants"]:
        return Evaluation()
    texts = [t for v in result["variants"] for t in v["texts"]] + result["author"]
    shares = iter(copied_shares(texts, _training_texts(train)))
    results = []
    for variant in result["variants"]:
        losses = [loss for loss in variant["losses"] if loss is not None]
        results.append(
            VariantResult(
                name=variant["name"],
                loss=fmean(losses) if losses else float("nan"),
                examples=len(losses),
                texts=tuple(variant["texts"]),
                copied=tuple(next(shares) for _ in variant["texts"]),
            )
        )
    return Evaluation(
        tuple(results), tuple(result["prompts"]), tuple(result["author"]), tuple(shares)
    )


def _training_texts(path: Path) -> Iterator[str]:
    """The training examples' texts, one at a time."""
    with open_file(path) as f:
        for line in f:
            yield json.loads(line)


def copied_shares(
    texts: Sequence[str], training: Iterable[str], run: int = COPIED_RUN
) -> list[float]:
    """For each text, the share of its words that are in the training text in runs of ``run`` words.

    Args:
        texts: what was written.
        training: all training texts; each is read once and not kept.
        run: least number of words in a row; letter case and punctuation do not count.

    Returns:
        Shares from 0 to 1, in order; 0 for a text of fewer than ``run`` words.
    """
    words = [_WORD.findall(text.casefold()) for text in texts]
    places: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for k, each in enumerate(words):
        for at in range(len(each) - run + 1):
            places.setdefault(tuple(each[at : at + run]), []).append((k, at))
    copied: list[set[int]] = [set() for _ in texts]
    for text in training:
        each = _WORD.findall(text.casefold())
        for at in range(len(each) - run + 1):
            for k, start in places.get(tuple(each[at : at + run]), ()):
                copied[k].update(range(start, start + run))
    return [len(c) / len(w) if w else 0.0 for c, w in zip(copied, words, strict=True)]
