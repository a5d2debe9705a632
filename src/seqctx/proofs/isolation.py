"""Prove that packed examples do not see each other, in Axolotl's own batch, loader and loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seqctx.catalog.keys import axolotl_names
from seqctx.catalog.lookup import find_model
from seqctx.catalog.model_folder import check_base
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.render import axolotl_mapping, hiding_secrets
from seqctx.errors import CheckError, InputError
from seqctx.proofs.tiny_model import VOCAB, model_config, tiny_config
from seqctx.system.arguments import expect_type
from seqctx.system.host import has_gpu
from seqctx.system.scripts import run_inside
from seqctx.system.secrets import without_secrets

TOLERANCE = 1e-5
"""Changes up to this count as none. The two forward passes have the same shape and differ in one
token: without a leak they are equal bit by bit (0.0 was measured with sdpa and eager); leaks were
0.5 and more."""
ROUNDING = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}
"""Allowed difference between packed and alone, by dtype, as a share of the largest logit. The two
passes have different shapes, so their sums are rounded in another order; the limits are about 100,
10 and 6 units in the last place."""

_LONGEST = 256  # tokens in a row of the proof; packing does not depend on the length
_MOST_ROWS = 4
_SEED = 7
_LEAKS = {
    "change elsewhere": "a token of one changes the logits of the others by {:.3g}",
    "packed vs alone": "the logits of one differ by {:.3g} between packed and alone",
    "gradient elsewhere": "the loss of one has a gradient of {:.3g} at the others",
}
_REMEDIES = {
    r"Unrecognized configuration class|model_type|for_model": "Choose another base model",
    r"plugins: .* cannot be loaded": "Install it beside Axolotl, or remove it from plugins",
    r"ValidationError|Input should be": "Correct the key that it names",
}
# Axolotl's keys that decide what is in a row and which tokens see each other. All keys of plugins
# are kept. Left out are keys of adapters and quantization (they change weights, not which tokens
# see each other), data, optimizers, parallel runs, trackers, and memory savings.
_KEPT = {
    "attn_implementation", "eager_attention", "flash_attention", "flex_attention", "s2_attention",
    "sage_attention", "sdp_attention", "xformers_attention", "sdpa_varlen", "flash_optimum",
    "fused_attn_kernel", "gemma4_hybrid_attn_impl", "large_head_attention",
    "fa_varlen_kwargs_in_collator", "flex_attn_compile_kwargs", "scaling_softmax",
    "scaling_softmax_bias", "scaling_softmax_factor", "sample_packing", "sample_packing_bin_size",
    "sample_packing_eff_est", "sample_packing_group_size", "sample_packing_sequentially",
    "multipack_real_batches", "batch_flattening", "pad_to_sequence_len", "pad_to_multiple_of",
    "group_by_length", "curriculum_sampling", "chunked_cross_entropy", "use_kernels",
    "chunked_cross_entropy_num_chunks", "experts_implementation", "plugins", "trainer_cls",
    "type_of_model", "model_type",
}  # fmt: skip
_WITH_REAL_WEIGHTS = {
    "special_tokens", "tokens", "tokenizer_config", "tokenizer_type", "tokenizer_use_fast",
    "trust_remote_code", "revision_of_model",
}  # fmt: skip
_PRECISION = {"bf16", "bfloat16", "fp16", "float16", "tf32"}
_ON_A_GPU = ("flash", "flex", "xformers", "sage", "fp8", "/")  # in names of attention
_OTHER_TRAINING = ("rl", "reward_model", "process_reward_model", "pretraining_dataset", "streaming")


@dataclass(frozen=True)
class PackedExample:
    """One example of the batch, and what leaks between it and the others.

    Attributes:
        row: of the batch.
        start: its first token in the row.
        stop: the token after its last.
        change_elsewhere: largest change of the others' logits when one of its tokens is replaced.
        against_alone: largest difference of its logits between this batch and a batch of its own.
        gradient_elsewhere: largest gradient of its loss with respect to the others' embeddings,
            without the label of its first token.
    """

    row: int
    start: int
    stop: int
    change_elsewhere: float
    against_alone: float
    gradient_elsewhere: float

    @property
    def tokens(self) -> int:
        """Its length."""
        return self.stop - self.start


@dataclass(frozen=True)
class Isolation:
    """What was measured in one batch.

    Attributes:
        model_class: of transformers.
        weights: ``random`` (a tiny model of that class) or ``real``.
        attention: the implementation that was used.
        collator: the class that made the batch.
        batch: names and shapes of the model's inputs.
        dtype: of the weights.
        device: ``cpu`` or ``cuda``.
        largest_logit: by magnitude.
        gradient_at_border: the same gradient, of the label of one example's first token only: if
            that label is not -100, the last token of the example before is trained to predict it.
        examples: the examples of the batch.
    """

    model_class: str
    weights: str
    attention: str
    collator: str
    batch: Mapping[str, tuple[int, ...]]
    dtype: str
    device: str
    largest_logit: float
    gradient_at_border: float
    examples: tuple[PackedExample, ...]

    def as_data(self) -> dict[str, Any]:
        """All of it with the verdict, for JSON."""
        summary = {
            "isolated": not self.leaks,
            "leaks": self.leaks,
            "largest": self.largest,
            "verdict": self.verdict,
            "border": self.border,
        }
        return {**summary, **asdict(self)}

    @property
    def shares_rows(self) -> bool:
        """Whether two examples share a row."""
        return len({e.row for e in self.examples}) < len(self.examples)

    @property
    def leaks(self) -> dict[str, float]:
        """The numbers that exceed their limits, by name."""
        limits = {
            "change elsewhere": TOLERANCE,
            "packed vs alone": ROUNDING[self.dtype] * max(1.0, self.largest_logit),
            "gradient elsewhere": TOLERANCE,
        }
        return {name: n for name, n in self.largest.items() if not n <= limits[name]}

    @property
    def largest(self) -> dict[str, float]:
        """Each of the three numbers, over all examples."""
        return {
            "change elsewhere": max(e.change_elsewhere for e in self.examples),
            "packed vs alone": max(e.against_alone for e in self.examples),
            "gradient elsewhere": max(e.gradient_elsewhere for e in self.examples),
        }

    @property
    def verdict(self) -> str:
        """One line: isolated, or what leaks and by how much."""
        which = f"{self.attention} attention, {self.model_class} ({self.weights} weights)"
        if self.leaks:
            found = ", ".join(_LEAKS[name].format(n) for name, n in self.leaks.items())
            return f"examples LEAK into each other: {found}; {which}"
        where = "in one row" if self.shares_rows else "in rows of their own"
        change = self.largest["change elsewhere"]
        return (
            f"isolated: {len(self.examples)} examples {where}; a token of one changes the logits "
            f"of the others by {change}; {which}"
        )

    @property
    def border(self) -> str | None:
        """What the loss trains where two examples meet, as a sentence; None where nothing."""
        gradient = self.gradient_at_border
        if not gradient > TOLERANCE:
            return None
        return (
            "If the first token of an example has a label (type: completion, or ready tokens), the "
            "loss trains the last token of the previous example to predict it, with any attention: "
            f"gradient {gradient:.3g}. Chat examples whose prompts are not trained have no such "
            "label."
        )


def prove_isolation(cfg: Config, *, real_weights: bool = False) -> Isolation:
    """Replace one token of one packed example, and measure what changes in the others.

    Axolotl loads the model, packs the examples and makes the batches.

    Args:
        cfg: the file; its keys about attention, packing and plugins are tested.
        real_weights: use the weights of ``base_model`` instead of a tiny random model of its class.

    Raises:
        CheckError: when the file's attention needs a GPU and this machine has none.
        InputError: when the model's class is not known, or the file trains in another way than on
            examples.
        ToolError: when Axolotl is not installed, or refuses the file.
    """
    expect_type("cfg", cfg, Config, "Use seqctx.load_config(path).")
    check_base(cfg.base_model)
    gpu = has_gpu()
    _check_provable(cfg, gpu)
    tiny = None if real_weights else tiny_config(*model_config(cfg.base_model))
    model = find_model(cfg.base_model) if real_weights else None
    vocab = (model and model.vocab) or VOCAB

    def job(folder: Path) -> dict[str, Any]:
        mapping = proof_mapping(cfg, folder, real_weights=real_weights, gpu=gpu)
        return {"axolotl": mapping, "tiny_config": tiny, "vocab": vocab, "seed": _SEED}

    offline = not real_weights or cfg.base_model_is_local
    result = run_inside(
        "proofs.inside.isolation",
        job,
        offline=offline,
        hide=hiding_secrets(cfg),
        remedies=_REMEDIES,
    )
    return Isolation(
        **{
            **result,
            "weights": "real" if real_weights else "random",
            "batch": {name: tuple(sizes) for name, sizes in result["batch"].items()},
            "examples": tuple(PackedExample(**e) for e in result["examples"]),
        }
    )


def proof_mapping(
    cfg: Config, folder: Path, *, real_weights: bool = False, gpu: bool = False
) -> dict[str, Any]:
    """The Axolotl YAML of the proof: the file's keys about attention, packing and plugins.

    Args:
        cfg: the file.
        folder: where the proof's model and data are.
        real_weights: use the base model's own weights and tokenizer.
        gpu: whether it runs on a GPU; on a CPU weights are in 32 bit.
    """
    given = axolotl_mapping(cfg, output_dir=folder / "out")
    others = axolotl_names()["keys"].keys() - _KEPT
    kept = _KEPT | (_WITH_REAL_WEIGHTS if real_weights else set()) | (_PRECISION if gpu else set())
    mapping = {k: v for k, v in given.items() if k in kept or k not in others}
    mapping = without_secrets(mapping)  # the proof reaches no hub and no tracker
    rows = Effective.of(cfg).micro_batch_size
    fewest = 1 if cfg.sample_packing else 2  # without packing, rows are compared
    precision = {} if gpu else {"bf16": False, "fp16": False, "tf32": False}
    return {
        **mapping,
        **precision,
        "base_model": cfg.base_model if real_weights else str(folder / "model"),
        "datasets": [{"path": str(folder / "rows.jsonl"), "ds_type": "json"}],
        "dataset_prepared_path": given["dataset_prepared_path"],
        "output_dir": given["output_dir"],
        "sequence_len": min(cfg.sequence_len, _LONGEST),
        "micro_batch_size": max(fewest, min(rows, _MOST_ROWS)),
        "gradient_accumulation_steps": 1,
        "num_epochs": 1,
        "seed": _SEED,
        "val_set_size": 0,
        "learning_rate": 1e-4,
        "optimizer": "adamw_torch",
        "gradient_checkpointing": False,
        "dataset_num_proc": 1,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": False,
    }


def _check_provable(cfg: Config, gpu: bool) -> None:
    """Check that the proof can run with this file, on this machine.

    Raises:
        CheckError: when the attention needs a GPU and there is none.
        InputError: when the file trains in another way than on examples.
    """
    for key in _OTHER_TRAINING:
        if cfg.get(key):
            raise InputError(
                f"{key}: the proof covers supervised training on examples only. Remove the key."
            )
    if gpu:
        return
    name = cfg.attn_implementation or ""
    if any(part in name for part in _ON_A_GPU):
        raise CheckError(
            f"attn_implementation: {name} needs a GPU, and this machine has none. Run the proof on "
            "a machine with a GPU, or prove sdpa: --set attn_implementation=sdpa"
        )
    for flag in ("flash", "flex", "xformers", "sage", "s2"):
        if cfg.get(f"{flag}_attention"):
            raise CheckError(
                f"{flag}_attention: true needs a GPU, and this machine has none. Run the proof on "
                f"a machine with a GPU, or prove sdpa: --set {flag}_attention=false "
                "--set attn_implementation=sdpa"
            )
