"""Rules on serving: adapter and template, window and memory, access, several GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from typing import Any

from seqctx.catalog.keys import KeyPath
from seqctx.check.cards import in_factors, key_of_largest, set_a_divisor, why_no_gpu
from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.api_key import api_key_problem
from seqctx.config.effective import Effective
from seqctx.config.render import VLLM_MAX_LORA_RANKS
from seqctx.config.window import AUTO

_OR_MERGE = "or merge the adapter and serve the merged model"


@rule("lora-rank-served", "error", "vLLM 0.32: config/lora.py, MaxLoRARanks")
def lora_rank_served(file: Effective, facts: Facts) -> Iterator[Finding]:
    """The server loads adapters up to max_lora_rank, which takes only a few values."""
    if not file.config.adapter or not file.is_served:
        return
    rank, given, highest = file.lora_r, file.vllm.get("max_lora_rank"), VLLM_MAX_LORA_RANKS[-1]
    if rank > highest:
        fact = f"{rank} is too high: vLLM serves adapters of rank {highest} at most"
        yield Finding(("lora_r",), fact, f"Lower it, {_OR_MERGE}.")
    if given is None:
        return
    fact = ""
    if given not in VLLM_MAX_LORA_RANKS:
        fact = f"must be one of {', '.join(map(str, VLLM_MAX_LORA_RANKS))} (got {given})"
    elif given < rank:
        fact = f"{given} is less than lora_r, {rank}"
    if fact:
        fits = next((r for r in VLLM_MAX_LORA_RANKS if r >= rank), highest)
        yield Finding(("vllm", "max_lora_rank"), fact, f"Set {fits}, or delete the key.")


@rule("modules-to-save-served", "error", "vLLM 0.32: lora/lora_model.py refuses modules_to_save")
def modules_to_save_served(file: Effective, facts: Facts) -> Iterator[Finding]:
    """The server loads no adapter that changes embeddings or tokens."""
    if not file.config.adapter or not file.is_served:
        return
    for key in ("lora_modules_to_save", "tokens", "added_tokens_overrides"):
        if file.get(key):
            fact = (
                "cannot be served as an adapter: vLLM uses the base model's embeddings and tokens"
            )
            yield Finding((key,), fact, f"Delete it, {_OR_MERGE}.")


@rule("chat-template-differs", "warning", "vLLM 0.32: --chat-template, else the tokenizer's own")
def chat_template_differs(file: Effective, facts: Facts) -> Iterator[Finding]:
    """The server must render prompts with the chat template of training."""
    if not file.is_served or not file.config.datasets:
        return
    served = file.vllm.get("chat_template")
    remedy = "Train with tokenizer_default and set no vllm.chat_template, or use one file for both."
    for path, name, jinja in _trained_templates(file):
        is_own = name.startswith(("tokenizer_default", *facts.own_templates))
        is_own = is_own or name.split("_")[0] in file.config.base_model.lower()
        is_same = not served or served == jinja if is_own else bool(jinja) and served == jinja
        if not is_same:
            fact = f"trained with {jinja or name}, served with {served or _TOKENIZERS}"
            yield Finding(("vllm", "chat_template") if served else path, fact, remedy)
    for path, entry in file.datasets:
        style = str(entry.get("type"))
        if path[0] == "datasets" and not served and _PROMPT_STYLE.match(style):
            fact = f"trained with prompts in the form of {style}, served with {_TOKENIZERS}"
            remedy = "Set type: chat_template, or set vllm.chat_template to a file of that form."
            yield Finding((*path, "type"), fact, remedy)


_TOKENIZERS = "the tokenizer's chat template"
# axolotl 0.19: prompt_strategies/ and utils/data/wrappers.py; forms that are no model's template
_PROMPT_STYLE = re.compile(
    r"(alpaca(_chat|_instruct|_w_system)?|context_qa|creative_acr|metharme|orcamini|pygmalion"
    r"|explainchoice|concisechoice|summarizetldr|jeopardy|oasst|gpteacher|reflection)"
    r"([.:](?!.*chatml$)|$)"
)


def _trained_templates(file: Effective) -> Iterator[tuple[KeyPath, str, Any]]:
    """Path and name of every chat template of training, and its own file where it has one."""
    if name := file.config.chat_template:
        yield ("chat_template",), name, file.get("chat_template_jinja")
    for path, entry in file.datasets:
        name = entry.get("chat_template")
        if path[0] == "datasets" and isinstance(name, str) and name:
            yield (*path, "chat_template"), name, entry.get("chat_template_jinja")


@rule("max-model-len-positions", "error", "vLLM 0.32: config/model.py, get_and_verify_max_len")
def max_model_len_positions(file: Effective, facts: Facts) -> Iterator[Finding]:
    """The server refuses a window beyond the model's positions, unless rope scaling is set."""
    if not facts.model:
        return
    positions, window = file.serving_positions(facts.model), file.vllm.window
    trained = facts.model.max_position
    if not file.serving_rope and min(window or positions, positions) > trained:
        fact = f"serves {positions} positions, but the model was trained on {trained}"
        remedy = "Set rope scaling for serving and for training, or delete the override."
        yield Finding(("vllm", "hf_overrides"), fact, remedy, "warning")
    if window and window > positions:
        fact = f"{window} exceeds the model's {positions} positions"
        remedy = "Lower it, or set rope scaling in hf_overrides and in training."
        if file.serving_rope:
            remedy = f"Lower it, or set max_position_embeddings: {window} in hf_overrides."
        yield Finding(("vllm", "max_model_len"), fact, remedy)


@rule("max-model-len-below-sequence-len", "warning", "both are lengths of prompt and answer")
def max_model_len_below_sequence_len(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A window shorter than sequence_len cannot hold a training example."""
    window = file.vllm.window
    if window and window < file.sequence_len:
        fact = (
            f"{window} is below sequence_len, {file.sequence_len}: a training example does not fit"
        )
        yield Finding(("vllm", "max_model_len"), fact, "Raise it.")


@rule("rope-scaling-differs", "error", "positions must mean the same in training and serving")
def rope_scaling_differs(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Rope scaling must be the same in training and in serving."""
    trained, served = (
        float(rope["factor"]) if rope else None for rope in (file.training_rope, file.serving_rope)
    )
    if file.is_served and file.config.adapter and trained != served:
        fact = f"rope factor is {trained or 'unset'} in training, {served or 'unset'} in serving"
        key = ("vllm", "hf_overrides") if served else ("vllm",)
        yield Finding(key, fact, "Set the same factor for both, or for neither.")


@rule(
    "kv-cache-too-large", "error",
    "vLLM 0.32: v1/core/kv_cache_utils.py, check_enough_kv_cache_memory",
)  # fmt: skip
def kv_cache_too_large(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Weights, buffers and the KV cache of one request must fit in vLLM's share of the GPU."""
    longest = facts.longest_window
    if longest is None or not facts.model or not facts.gpu or not file.is_served:
        return
    positions = file.serving_positions(facts.model)
    window = min(file.vllm.window or positions, positions)
    if file.vllm.max_model_len == AUTO:  # vLLM then takes what fits
        window = min(window, max(longest, 1))
    if window > longest:
        fact = f"the KV cache of {window} tokens does not fit on {facts.gpu.name} with the weights"
        remedy = "Serve quantized weights, a smaller model, or on more GPUs."
        remedy = f"Set at most {longest}; 'seqctx plan' shows why." if longest else remedy
        yield Finding(("vllm", "max_model_len"), fact, remedy)


@rule("server-open", "error", "vLLM 0.32: --api-key; without it every request is answered")
def server_open(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A server that others can reach needs an API key."""
    if facts.api_key is not False:
        return
    for key, address in file.vllm.open_addresses.items():
        fact = f"{address} opens the server to the network without an API key"
        remedy = "Set 127.0.0.1, or set VLLM_API_KEY in the environment."
        yield Finding(("vllm", key), fact, remedy)


_NOT_REACHED = {
    "uds": "the server would answer on a socket file",
    "grpc": "the server would answer gRPC only",
    "headless": "the server would answer no requests",
    "data_parallel_multi_port_external_lb": "each engine would answer on a port of its own",
    "ssl_cert_reqs": "the server would ask its clients for a certificate",
}


@rule("served-elsewhere", "error", "vLLM 0.32: entrypoints/cli/serve.py, launchers/launcher.py")
def served_elsewhere(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Seqctx reaches a server over HTTP at its host and port only."""
    for key, fact in _NOT_REACHED.items():
        if file.vllm.get(key):
            fact = f"{fact}, and seqctx could not reach it"
            yield Finding(("vllm", key), fact, "Delete it, or start vllm serve yourself.")
    for key, other in (("ssl_keyfile", "ssl_certfile"), ("ssl_certfile", "ssl_keyfile")):
        if file.vllm.get(key) and not file.vllm.get(other):
            yield Finding(("vllm", key), f"TLS also needs {other}", f"Set {other}.")
    if problem := api_key_problem(file.config):
        yield Finding(("vllm", "api_key"), *problem)


@rule("unchecked-flags", "error", "vLLM 0.32: utils/argparse_utils.py, parse_args")
def unchecked_flags(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Two keys would replace what the file says about the server."""
    if file.vllm.get("config"):
        fact = "vLLM would read more flags from that file, and seqctx does not check them"
        yield Finding(("vllm", "config"), fact, "Write them under vllm:, and delete the key.")
    if file.vllm.get("model"):
        fact = "vLLM would serve this model instead of base_model"
        yield Finding(("vllm", "model"), fact, "Set base_model, and delete the key.")


@rule("other-ports", "note", "vLLM 0.32: docs/usage/security.md; config/kv_events.py, parallel.py")
def other_ports(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Some keys open ports that the API key does not guard."""
    given = [key for key in _OTHER_PORTS if file.vllm.get(key)]
    meeting = [key for key in file.vllm.open_addresses if key != "host"]
    for key in [*given, *meeting]:
        fact = "vLLM opens ports for it that no API key guards"
        yield Finding(("vllm", key), fact, "Keep these ports in a network of your own.")


_OTHER_PORTS = (
    "kv_events_config", "kv_transfer_config", "ec_transfer_config", "weight_transfer_config",
    "grpc_port",
)  # fmt: skip


@rule("blackwell-sequences", "warning", "reported by users: fewer than 9 fail at warm-up")
def blackwell_sequences(file: Effective, facts: Facts) -> Iterator[Finding]:
    """On Blackwell GPUs fewer than 9 sequences are reported to fail at warm-up."""
    sequences = file.vllm.max_num_seqs
    if facts.gpu and facts.gpu.architecture == "blackwell" and sequences and sequences < 9:
        fact = f"{sequences} is reported to fail at warm-up on {facts.gpu.name}"
        yield Finding(("vllm", "max_num_seqs"), fact, "Set 9 or more.")


@rule("served-heads", "error", "vLLM 0.32: model_executor/models/llama.py, an assertion (run)")
def served_heads(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A GPU needs whole heads; vLLM copies key heads if there are more GPUs than key heads."""
    gpus = file.serving_sizes["tensor_parallel_size"]
    if facts.model and (what := facts.model.indivisible(gpus, copies=True)) is not None:
        remedy = set_a_divisor(facts.model, copies=True)
        yield Finding(("vllm", "tensor_parallel_size"), f"{gpus} GPUs cannot share {what}", remedy)


@rule("pipeline-layers", "error", "vLLM 0.32: distributed/utils.py, get_pp_indices (run)")
def pipeline_layers(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Each stage of pipeline parallel needs a layer; one without layers fails."""
    layers = facts.model and facts.model.layers
    stages = file.serving_sizes["pipeline_parallel_size"]
    if layers and stages > layers:
        fact = f"{stages} stages are too many for {layers} layers"
        yield Finding(("vllm", "pipeline_parallel_size"), fact, f"Set at most {layers}.")


@rule("served-cards", "note", "vLLM 0.32: config/parallel.py, __post_init__")
def served_cards(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A server needs tensor x pipeline x data parallel GPUs, all here unless nodes are named."""
    sizes, vllm = file.serving_sizes, file.vllm
    backends = ("distributed_executor_backend", "data_parallel_backend")
    elsewhere = any(vllm.get(key) in ("ray", "external_launcher") for key in backends)
    elsewhere = elsewhere or vllm.get("nnodes", 1) not in (0, 1)
    if elsewhere or vllm.get("data_parallel_size_local") or not facts.cards:
        return
    if prod(sizes.values()) > facts.cards:
        fact = f"the server needs {in_factors(sizes)} GPUs, and this machine has {facts.cards}"
        remedy = "Lower it, or name other machines: distributed_executor_backend: ray, or nnodes."
        yield Finding(("vllm", key_of_largest(sizes)), fact, remedy)


@rule("served-on-cpu", "error", "vLLM 0.32: v1/executor/ray_utils.py, v1/worker/cpu_worker.py")
def served_on_cpu(file: Effective, facts: Facts) -> Iterator[Finding]:
    """On a CPU vLLM has no Ray, and pipeline parallel fails with enforce_eager."""
    if not facts.gpu or not facts.gpu.is_cpu:
        return
    for key in ("distributed_executor_backend", "data_parallel_backend"):
        if file.vllm.get(key) == "ray":
            yield Finding(("vllm", key), f"ray needs GPUs, and {why_no_gpu(file)}", "Delete it.")
    if file.vllm.get("enforce_eager") and file.serving_sizes["pipeline_parallel_size"] > 1:
        fact = "fails with pipeline_parallel_size at the first request on a CPU"
        yield Finding(("vllm", "enforce_eager"), fact, "Set it to false.")
