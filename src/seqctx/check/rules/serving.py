"""Rules on what is served: the window, the card's memory, the adapter, who may reach it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from typing import Any

from seqctx.catalog.keys import KeyPath
from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.check.rules.parallel import divisors, product
from seqctx.config.blocks import AUTO
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.render import VLLM_MAX_LORA_RANKS


def _served(cfg: Config) -> bool:
    return "vllm" in cfg.model_fields_set


def _factor(scaling: dict[str, Any] | None) -> float | None:
    return float(scaling["factor"]) if scaling else None


@rule("lora-rank-served", "error", "vLLM 0.32: config/lora.py, MaxLoRARanks")
def lora_rank_served(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """The server loads adapters of a few ranks only, up to the one it is told."""
    rank, told = cfg.lora_r or 8, cfg.vllm.get("max_lora_rank")
    if not cfg.adapter or not _served(cfg):
        return
    highest = VLLM_MAX_LORA_RANKS[-1]
    if rank > highest:
        fact = f"{rank} is more than vLLM serves ({highest})"
        yield Finding(("lora_r",), fact, "Lower it, or merge the adapter and serve that.")
    if told is not None and (told not in VLLM_MAX_LORA_RANKS or told < rank):
        fits = next((r for r in VLLM_MAX_LORA_RANKS if r >= rank), highest)
        fact = f"{told} is none of {', '.join(map(str, VLLM_MAX_LORA_RANKS))}"
        fact = fact if told not in VLLM_MAX_LORA_RANKS else f"{told} is less than lora_r, {rank}"
        yield Finding(("vllm", "max_lora_rank"), fact, f"Set {fits}, or leave it out.")


@rule("modules-to-save-served", "error", "vLLM 0.32: lora/lora_model.py refuses modules_to_save")
def modules_to_save_served(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """The server keeps the base's own embeddings; what an adapter changed of them is lost."""
    if not cfg.adapter or not _served(cfg):
        return
    for key in ("lora_modules_to_save", "tokens", "added_tokens_overrides"):
        if cfg.get(key):
            fact = "cannot be served as an adapter: vLLM keeps the base's embeddings and tokens"
            yield Finding((key,), fact, "Leave it out, or merge the adapter and serve that.")


@rule("chat-template-differs", "warning", "vLLM 0.32: --chat-template, else the tokenizer's own")
def chat_template_differs(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A prompt rendered otherwise than in training is one the adapter never saw."""
    if not _served(cfg) or not cfg.datasets:
        return
    served = cfg.vllm.get("chat_template")
    trained: list[tuple[KeyPath, Any, Any]] = [
        (("chat_template",), cfg.chat_template, cfg.get("chat_template_jinja"))
    ]
    for path, entry in Effective.of(cfg).datasets:
        if path[0] == "datasets" and entry.get("chat_template"):
            jinja = entry.get("chat_template_jinja")
            trained.append(((*path, "chat_template"), entry.get("chat_template"), jinja))
    for path, name, jinja in trained:
        if not isinstance(name, str):
            continue
        own_template = name.startswith("tokenizer_default") or _is_models_own(name, cfg, facts)
        differs = bool(served) and served != jinja if own_template else served != jinja or not jinja
        if differs:
            own = served or "the tokenizer's own"
            fact = f"trained with {jinja or name}, served with {own}"
            remedy = "Use tokenizer_default in training and no vllm.chat_template, or one file."
            yield Finding(("vllm", "chat_template") if served else path, fact, remedy)
    for path, entry in Effective.of(cfg).datasets:
        style = str(entry.get("type"))
        if path[0] == "datasets" and not served and _PROMPT_STYLE.match(style):
            fact = f"trained as {style} writes it, served with the tokenizer's own template"
            remedy = "Set type: chat_template, or give vllm.chat_template a file of that form."
            yield Finding((*path, "type"), fact, remedy)


# axolotl 0.19: prompt_strategies/ and utils/data/wrappers.py; forms that are no model's template
_PROMPT_STYLE = re.compile(
    r"(alpaca(_chat|_instruct|_w_system)?|context_qa|creative_acr|metharme|orcamini|pygmalion"
    r"|explainchoice|concisechoice|summarizetldr|jeopardy|oasst|gpteacher|reflection)"
    r"([.:](?!.*chatml$)|$)"
)


def _is_models_own(template: str, cfg: Config, facts: Facts) -> bool:
    """Whether a named template is the model's own, or is called as the model is."""
    if template.startswith(facts.own_templates):
        return True
    return template.split("_")[0] in cfg.base_model.lower()


@rule("max-model-len-positions", "error", "vLLM 0.32: config/model.py, get_and_verify_max_len")
def max_model_len_positions(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """The server refuses a window beyond the model's positions, unless rope scaling is given."""
    if not facts.model:
        return
    positions, window = Effective.of(cfg).serving_positions(facts.model), cfg.vllm.window
    learned = facts.model.max_position
    if not Effective.of(cfg).serving_rope and min(window or positions, positions) > learned:
        fact = f"{positions} are served, and the model learned {learned}"
        remedy = "Scale the rope beside it, in training too; or leave it out."
        yield Finding(("vllm", "hf_overrides"), fact, remedy, "warning")
    if window and window > positions:
        fact = f"{window} exceeds the model's {positions} positions"
        remedy = "Lower it, or scale the rope in hf_overrides, in training too."
        if Effective.of(cfg).serving_rope:
            remedy = (
                f"Lower it, or set max_position_embeddings: {window} beside hf_overrides' rope."
            )
        yield Finding(("vllm", "max_model_len"), fact, remedy)


@rule("max-model-len-below-sequence-len", "warning", "both are lengths of prompt and answer")
def max_model_len_below_sequence_len(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A window below the trained length cannot hold what was trained."""
    window = cfg.vllm.window
    if window and window < cfg.sequence_len:
        fact = f"{window} is below sequence_len, {cfg.sequence_len}: trained text does not fit"
        yield Finding(("vllm", "max_model_len"), fact, "Raise it.")


@rule("rope-scaling-differs", "error", "positions must mean the same in training and serving")
def rope_scaling_differs(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Positions that are scaled in training only, or in serving only, are other positions."""
    trained, served = (
        _factor(Effective.of(cfg).training_rope),
        _factor(Effective.of(cfg).serving_rope),
    )
    if _served(cfg) and cfg.adapter and trained != served:
        fact = f"rope factor {trained or 'unset'} in training, {served or 'unset'} in serving"
        key = ("vllm", "hf_overrides") if served else ("vllm",)
        yield Finding(key, fact, "Give both the same, or neither.")


@rule(
    "kv-cache-too-large", "error",
    "vLLM 0.32: v1/core/kv_cache_utils.py, check_enough_kv_cache_memory",
)  # fmt: skip
def kv_cache_too_large(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Weights, buffers and the cache of one request must fit in vLLM's share of the card."""
    longest = facts.longest_window
    if longest is None or not facts.model or not facts.gpu or not _served(cfg):
        return
    positions = Effective.of(cfg).serving_positions(facts.model)
    window = min(cfg.vllm.window or positions, positions)
    if cfg.vllm.max_model_len == AUTO:  # vLLM then takes what fits
        window = min(window, max(longest, 1))
    if window > longest:
        fact = f"the cache of {window} tokens does not fit on {facts.gpu.name} beside the weights"
        remedy = "Serve quantized weights, a smaller model, or on more cards."
        remedy = f"Set at most {longest}; 'seqctx plan' shows why." if longest else remedy
        yield Finding(("vllm", "max_model_len"), fact, remedy)


@rule("server-open", "error", "vLLM 0.32: --api-key; without it every request is answered")
def server_open(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A server that others can reach should ask for a key."""
    if cfg.vllm.host not in ("127.0.0.1", "localhost", "::1") and facts.api_key is False:
        fact = f"{cfg.vllm.host} opens the server to the network, and no key is asked for"
        yield Finding(("vllm", "host"), fact, "Set 127.0.0.1, or VLLM_API_KEY in the environment.")


_ELSEWHERE = {
    "uds": "it answers on a socket file",
    "grpc": "it answers gRPC only",
    "headless": "it answers nobody",
    "data_parallel_multi_port_external_lb": "each engine answers on a port of its own",
    "ssl_cert_reqs": "it wants a certificate of whoever asks",
}


@rule("served-elsewhere", "error", "vLLM 0.32: entrypoints/cli/serve.py, launchers/launcher.py")
def served_elsewhere(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A server is waited for, and asked, over HTTP at its host and port."""
    for key, fact in _ELSEWHERE.items():
        if cfg.vllm.get(key):
            remedy = "Leave it out; or start vllm serve yourself."
            yield Finding(("vllm", key), f"{fact}, where seqctx does not ask", remedy)
    for key, other in (("ssl_keyfile", "ssl_certfile"), ("ssl_certfile", "ssl_keyfile")):
        if cfg.vllm.get(key) and not cfg.vllm.get(other):
            yield Finding(("vllm", key), f"without {other} there is no TLS", f"Set {other}.")
    keys = cfg.vllm.get("api_key")
    if isinstance(keys, list) and len(keys) != 1:
        fact = f"{len(keys)} keys, and vLLM takes one that a list of processes does not show"
        yield Finding(("vllm", "api_key"), fact, "Give one.")


@rule("blackwell-sequences", "warning", "reported by users: fewer than 9 fail at warm-up")
def blackwell_sequences(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """On Blackwell cards fewer than 9 sequences are reported to fail at warm-up."""
    sequences = cfg.vllm.max_num_seqs
    if facts.gpu and facts.gpu.architecture == "blackwell" and sequences and sequences < 9:
        fact = f"{sequences} is reported to fail at warm-up on {facts.gpu.name}"
        yield Finding(("vllm", "max_num_seqs"), fact, "Set 9 or more.")


_SIZES = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")


@rule("served-heads", "error", "vLLM 0.32: model_executor/models/llama.py, an assertion (run)")
def served_heads(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A card holds whole heads; vLLM copies key heads where there are more cards than heads."""
    cards = Effective.of(cfg).serving_sizes.get(_SIZES[0], 1)
    if facts.model and (why := facts.model.indivisible(cards, copies=True)) is not None:
        fact = f"{cards} cards cannot share {why}"
        yield Finding(("vllm", _SIZES[0]), fact, divisors(facts.model, copies=True))


@rule("pipeline-layers", "error", "vLLM 0.32: distributed/utils.py, get_pp_indices (run)")
def pipeline_layers(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Pipeline parallel deals out layers; a stage without one has no cache, and fails."""
    layers, stages = (
        facts.model and facts.model.layers,
        Effective.of(cfg).serving_sizes.get(_SIZES[1], 1),
    )
    if layers and stages > layers:
        fact = f"{stages} stages for {layers} layers"
        yield Finding(("vllm", _SIZES[1]), fact, f"Set at most {layers}.")


@rule("served-cards", "note", "vLLM 0.32: config/parallel.py, __post_init__")
def served_cards(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A server takes tensor x pipeline x data parallel cards, all here unless nodes are named."""
    sizes = {key: Effective.of(cfg).serving_sizes.get(key, 1) for key in _SIZES}
    keys = ("distributed_executor_backend", "data_parallel_backend")
    far = any(cfg.vllm.get(key) in ("ray", "external_launcher") for key in keys)
    far = (
        far
        or cfg.vllm.get("nnodes", 1) not in (0, 1)
        or bool(cfg.vllm.get("data_parallel_size_local"))
    )
    if facts.cards and not far and prod(sizes.values()) > facts.cards:
        widest = max(sizes, key=lambda key: sizes[key])
        fact = f"{product(sizes)} cards, and {facts.cards} here"
        remedy = "Lower it, or name the other nodes: distributed_executor_backend: ray, or nnodes."
        yield Finding(("vllm", widest), fact, remedy)


@rule("served-on-cpu", "error", "vLLM 0.32: v1/executor/ray_utils.py, v1/worker/cpu_worker.py")
def served_on_cpu(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """On a CPU vLLM has no Ray, and an eager pipeline misses what the warm-up would make."""
    if not facts.gpu or facts.gpu.name != "cpu":
        return
    for key in ("distributed_executor_backend", "data_parallel_backend"):
        if cfg.vllm.get(key) == "ray":
            yield Finding(("vllm", key), "ray, which vLLM has on GPUs only", "Delete it.")
    if cfg.vllm.get("enforce_eager") and Effective.of(cfg).serving_sizes.get(_SIZES[1], 1) > 1:
        fact = "with pipeline_parallel_size fails at the first request on a CPU"
        yield Finding(("vllm", "enforce_eager"), fact, "Set it to false.")
