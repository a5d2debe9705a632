"""Shapes of models: from a folder's config.json, else from a table of common ones."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from seqctx.errors import InputError
from seqctx.system.atomic import explain_os_errors


@dataclass(frozen=True)
class Experts:
    """Of every layer's MLP.

    Attributes:
        count: how many there are.
        active: how many a token takes.
        intermediate: width within one.
    """

    count: int
    active: int
    intermediate: int


@dataclass(frozen=True)
class Model:
    """What memory and positions depend on.

    Attributes:
        max_position: positions that the model was trained for, scaling of its own config.json
            included [tokens].
        parameters_m: weights [millions].
        kv_bytes_per_token: of the KV cache in 16 bit: 2 x layers x kv_heads x head_dim x 2.
        sliding_window: what the table says of it; None where every layer sees everything.
        moe: what the table says of its experts; None for a dense model.
        special_tokens: in the vocabulary already; None where unknown.
        source: where the numbers are from.
        intermediate: width within the MLP.
        vocab: rows of the embedding.
        mlp_matrices: 3 with a gate, 2 without.
        stretched: by what config.json's own rope scaling multiplies its positions.
        quantization: how its weights are stored if not in 16 bit: config.json's ``quant_method``,
            and the bits where those are not 4, as in ``gptq 8 bit``.
        model_type: as config.json calls its class; None in the table where blocks are Llama's.
    """

    name: str
    hidden: int | None
    layers: int | None
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    max_position: int
    parameters_m: float
    kv_bytes_per_token: int
    sliding_window: str | None
    moe: str | None
    special_tokens: frozenset[str] | None
    source: str
    intermediate: int | None = None
    vocab: int | None = None
    mlp_matrices: int = 3
    stretched: float = 1.0
    quantization: str | None = None
    model_type: str | None = None

    @property
    def experts(self) -> Experts | None:
        """Its experts, where all layers have the same and nothing beside; else None."""
        said = re.match(r"(\d+) experts,? top (\d+)(?!.*shared)(?:.*moe_ff (\d+))?", self.moe or "")
        inner = int(said[3] or self.intermediate or 0) if said else 0
        return Experts(int(said[1]), int(said[2]), inner) if said else None

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Linear layers of one block, experts apart: name to (in, out).

        Raises:
            InputError: for a model whose blocks differ, or are not known.
        """
        h, heads, inner = self.hidden, self.heads, self.intermediate
        mixed = re.search("K=V|GDN|Delta", self.sliding_window or "")
        if mixed or (self.moe and not self.experts):
            reason = self.sliding_window if mixed else self.moe
            raise InputError(f"{self.name}: {reason}: the memory of such blocks is not known.")
        if not (h and heads and self.kv_heads and self.head_dim and inner and self.layers):
            raise InputError(f"{self.name}: its model is not known whole. Name its folder.")
        q, k = heads * self.head_dim, self.kv_heads * self.head_dim
        attention = {"q_proj": (h, q), "k_proj": (h, k), "v_proj": (h, k), "o_proj": (q, h)}
        mlp = {"gate_proj": (h, inner), "up_proj": (h, inner), "down_proj": (inner, h)}
        if self.mlp_matrices == 2:
            del mlp["gate_proj"]
        return attention if self.experts else {**attention, **mlp}

    @property
    def block_parameters(self) -> int:
        """Weights of all blocks' linear layers, experts apart."""
        return (self.layers or 0) * sum(a * b for a, b in self.linears.values())

    @property
    def expert_parameters(self) -> int:
        """Weights of all experts, each with gate, up and down."""
        each = self.experts
        return self._of_experts(each.count, each.intermediate) if each else 0

    @property
    def active_parameters(self) -> int:
        """Weights of the blocks that one token takes."""
        each = self.experts
        taken = self._of_experts(each.active, each.intermediate) if each else 0
        return self.block_parameters + taken

    def _of_experts(self, count: int, inner: int) -> int:
        return (self.layers or 0) * count * 3 * (self.hidden or 0) * inner

    @property
    def embedding_parameters(self) -> int:
        """Weights of embeddings and head: once the vocabulary where they are tied, else twice."""
        once = (self.vocab or 0) * (self.hidden or 0)
        rest = self.parameters_m * 1e6 - self.block_parameters - self.expert_parameters
        return once * (2 if rest > 1.5 * once else 1)

    @property
    def tied(self) -> bool | None:
        """Whether embeddings and head are one matrix; None where the model does not say."""
        try:
            return self.embedding_parameters == (self.vocab or 0) * (self.hidden or 0)
        except InputError:  # of blocks that are not known
            return None

    def indivisible(self, cards: int, *, copies: bool) -> str | None:
        """What of a layer so many cards cannot share; None where they can, or where unknown.

        Args:
            cards: over which each layer is divided.
            copies: whether key and value heads are copied where they are fewer than cards, as vLLM
                does (0.32, models/llama.py); transformers needs whole ones on each card.

        Not covered: the width of experts, and latent attention (MLA), which has no key heads.
        """
        if self.heads and self.heads % cards:
            return f"{self.heads} heads"
        keys = 0 if "MLA" in (self.moe or "") else self.kv_heads
        if keys and keys % cards and not (copies and cards % keys == 0):
            return f"{keys} key heads"
        if copies and not self.moe and self.intermediate and self.intermediate % cards:
            return f"{self.intermediate} columns of the MLP"
        return None

    def adapter_parameters(self, rank: int, targets: Iterable[str]) -> int:
        """Weights of a LoRA: rank x (in + out) of each layer it targets (2106.09685, section 4)."""
        linears = self.linears
        return (self.layers or 0) * rank * sum(sum(linears[t]) for t in targets if t in linears)

    @property
    def weights_gib(self) -> float:
        """All weights in 16 bit [GiB]."""
        return self.parameters_m * 1e6 * 2 / 2**30


@cache
def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(
        files(__package__).joinpath("models.json").read_text("utf-8")
    )
    return tables


def known_models() -> list[str]:
    """Hub ids in the table, sorted."""
    return sorted(_tables()["models"])


# one model: how weights are stored, and what was trained last; a date names another release, whose
# positions may differ
_STORED = re.compile(r"(-(unsloth-)?bnb-4bit|-bf16|-hf)+$")
_VARIANT = re.compile(r"-(instruct|base|it|pt|thinking|reasoning)(?=-|$)")


def find_model(base_model: str) -> Model | None:
    """The model of a folder or hub id; None where it is not known.

    Raises:
        InputError: when the folder's config.json cannot be read.
    """
    if os.path.isfile(Path(base_model) / "config.json"):  # False for what is no path
        return _model_of_folder(Path(base_model))
    rows = _tables()["models"]
    names = {name.rpartition("/")[2].lower(): name for name in rows}
    variants = {_VARIANT.sub("", name): names[name] for name in reversed(names)}
    wanted = _STORED.sub("", base_model.rpartition("/")[2].lower().removeprefix("meta-"))
    found = names.get(wanted) or variants.get(_VARIANT.sub("", wanted))
    if not found:
        return None
    row = {k: v for k, v in rows[found].items() if k in Model.__dataclass_fields__}
    families = _tables()["special_tokens"]
    tokens = next((families[f] for f in families if f.lower() in wanted and f != "source"), None)
    return Model(
        name=found,
        special_tokens=frozenset(tokens) if tokens else None,
        quantization="bitsandbytes" if base_model.lower().endswith("-bnb-4bit") else None,
        **row,
    )


def fetch_model(hub_id: str) -> Model | None:
    """The model of a model on the hub, from its config.json; None where it cannot be had.

    What was fetched before is found without the hub, too.
    """
    try:
        from huggingface_hub import constants, hf_hub_download
    except ImportError:  # it comes with seqctx[prepare]
        return None
    try:
        path = hf_hub_download(
            hub_id, "config.json", local_files_only=not _answers(constants.ENDPOINT)
        )
    except (OSError, ValueError):  # no hub, no such model, no right to it, or no hub id at all
        return None
    model = _model_of_folder(Path(path).parent)
    return replace(model, name=hub_id, source=f"{hub_id}: config.json")


def _answers(url: str) -> bool:
    """Whether a host takes connections; the hub's own client tries for half a minute."""
    import socket
    from urllib.parse import urlsplit
    from urllib.request import getproxies

    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return False
    if getproxies():
        return True
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 443), timeout=3).close()
    except OSError:
        return False
    return True


ROPE_KEYS = ("rope_parameters", "rope_scaling")
_STRETCHED_ALREADY = (
    "su", "longrope", "llama3", "yarn", "deepseek_yarn", "deepseek_llama_scaling",
)  # fmt: skip


def stretch(rope: dict[str, Any]) -> float:
    """By what scaled rope multiplies ``max_position_embeddings``; most kinds leave it as it is.

    Args:
        rope: ``rope_parameters``, or ``rope_scaling`` as it was called before; one for all layers,
            or one for each kind of layer.

    Source: vLLM 0.32, config/model.py, _get_and_verify_max_len.
    """
    kinds = [each for each in rope.values() if isinstance(each, dict)] or [rope]
    factor = 1.0
    for each in kinds:
        given = each.get("factor")
        known = each.get("rope_type", each.get("type")) in _STRETCHED_ALREADY
        factor = float(given) if isinstance(given, int | float) and not known else factor
    return factor


_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
# transformers 5.16, models/*/configuration_*.py: where tie_word_embeddings is True unless said
_TIED_UNSAID = ("cohere", "ernie4_5", "gemma", "lfm2", "smollm3", "starcoder2", "vaultgemma")


def _model_of_folder(folder: Path) -> Model:
    """Read config.json, and the special tokens of tokenizer.json where there is one."""
    path = folder / "config.json"
    try:
        with explain_os_errors(path):
            config = json.loads(path.read_text("utf-8"))
        quantization = _quantization(config.get("quantization_config"))
        config = {**config, **config.get("text_config", {})}
        hidden, layers = int(config["hidden_size"]), int(config["num_hidden_layers"])
        heads = int(config["num_attention_heads"])
        kv_heads = int(config.get("num_key_value_heads") or heads)
        head_dim = int(config.get("head_dim") or hidden // heads)
        vocab, positions = int(config["vocab_size"]), int(config["max_position_embeddings"])
        inner = int(config.get("intermediate_size") or 4 * hidden)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: no config of a causal model ({error}). Mend it.") from None
    # gate, up and down; q and o; k and v: a Llama block without its norms
    block = 3 * hidden * inner + 2 * hidden * heads * head_dim + 2 * hidden * kv_heads * head_dim
    model_type = str(config.get("model_type", ""))
    tied = config.get("tie_word_embeddings", model_type.startswith(_TIED_UNSAID))
    embeddings = vocab * hidden * (1 if tied else 2)
    window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    experts = next((config[k] for k in _EXPERTS if config.get(k)), None)
    blocks = f"{experts} experts" if experts else None
    blocks = "latent attention (MLA)" if config.get("kv_lora_rank") else blocks
    ropes = [config[key] for key in ROPE_KEYS if isinstance(config.get(key), dict)]
    scaled_already = "gemma3" in model_type
    stretched = stretch(ropes[0]) if ropes and not scaled_already else 1.0
    return Model(
        name=str(folder),
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        max_position=int(positions * stretched),
        parameters_m=(layers * block + embeddings) / 1e6,
        kv_bytes_per_token=4 * layers * kv_heads * head_dim,
        sliding_window=str(window) if window else None,
        moe=blocks,
        special_tokens=_special_tokens(folder / "tokenizer.json"),
        source=str(path),
        intermediate=inner,
        vocab=vocab,
        stretched=stretched,
        quantization=quantization,
        model_type=model_type,
    )


def _quantization(said: Any) -> str | None:
    """``quantization_config`` in a word or three."""
    if not isinstance(said, dict):
        return None
    bits = 8 if said.get("load_in_8bit") else said.get("bits", said.get("w_bit", 4))
    method = str(said.get("quant_method", "unnamed"))
    if said.get("quant_algo") == "NVFP4":  # modelopt names one method for several widths
        return "nvfp4"
    return method if bits == 4 else f"{method} {bits} bit"


def _special_tokens(path: Path) -> frozenset[str] | None:
    """Added tokens of a tokenizer.json; None where it cannot be read."""
    try:
        added = json.loads(path.read_text("utf-8")).get("added_tokens", ())
        return frozenset(token["content"] for token in added)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
