"""Rules on code: keys and models that make Axolotl or vLLM run code that is not their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from seqctx.catalog.keys import KeyPath
from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.effective import Effective

# axolotl 0.19: integrations/base.py, core/trainers/grpo, core/builders; vLLM 0.32:
# launchers/cli_args.py, engine/arg_utils.py, distributed/kv_transfer, v1/kv_offload
_NAMES_CODE = re.compile(
    r"plugins|middleware|\w+_plugin|(worker|worker_extension|scheduler|trainer)_cls"
    r"|logits_processors|reward_funcs|rollout_func|(\w+_)?module_path|model_class_overrides|serve_module"
    r"|log_config_file|torchdistx_path|auto_map|nemo_gym_(dir|auto_clone|auto_start)"
)
_DATA = ("datasets", "test_datasets", "pretraining_dataset")
_TRUST = "trust_remote_code"
# Code of the packages themselves, and seqctx's plugins
_OWN = re.compile(
    r"(axolotl|vllm|seqctx\.train\.axolotl_plugin)\.[\w.:]+|auto"
    r"|kernels-community/[\w.@-]+"  # transformers itself loads attention from there
)
_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\.[A-Z]\w*")  # such as my_package.MyExecutor
_CHECK_IT = "Make sure that you trust this code."
# axolotl 0.19: prompt_strategies/
_OWN_TYPES = re.compile(
    r"(alpaca(_\w+)?|bradley_terry|chat(_template)?|chatml|completion|context_qa|creative_acr|dpo"
    r"|ebft(_\w+)?|input_output|kto|llama2_chat|llama3|messages|metharme|orcamini|orpo"
    r"|passthrough|pretrain|pygmalion|sharegpt|stepwise_supervised|user_defined|zephyr|axolotl)\."
)


@rule("runs-code", "note", "axolotl 0.19 and vLLM 0.32 import what these keys name")
def runs_code(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Some keys name code that Axolotl or vLLM imports and runs."""
    given = file.config.model_dump(exclude_unset=True, exclude={"seqctx"})
    for path, value in _walk(given, ()):
        if path[-1] in (_TRUST, _TRUST.replace("_", "-")):
            if value:
                brings = "the data set" if path[0] in _DATA else "the model"
                fact = f"{brings} may bring Python code, and it is run"
                yield Finding(path, fact, "Read that code first, or delete the key.", "warning")
        elif names := _foreign(path, value):
            yield Finding(path, f"names code that is run: {_clipped(names)}", _CHECK_IT)
    if file.get("use_kernels"):
        fact = "kernels are downloaded from the model hub and run"
        yield Finding(("use_kernels",), fact, _CHECK_IT)


@rule("model-brings-code", "note", "transformers 5.16: dynamic_module_utils.py, auto_map")
def model_brings_code(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A model's own files may name Python code, which runs with trust_remote_code only."""
    if not facts.model_code:
        return
    fact = f"the model's files name Python code: {_clipped(facts.model_code)}"
    remedy = "It runs only with trust_remote_code: true. Read it before you set that."
    yield Finding(("base_model",), fact, remedy)


def _foreign(path: KeyPath, value: Any) -> list[str]:
    """What a key names of code that is neither the packages' own nor seqctx's."""
    key = str(path[-1]).replace("-", "_")
    names = [name for name in _names(value) if not _OWN.fullmatch(name)]
    if _NAMES_CODE.fullmatch(key):
        return names
    if path[0] in _DATA and key == "type":
        return [name for name in names if "." in name and not _OWN_TYPES.match(name)]
    if path == ("attn_implementation",):
        return [name for name in names if "/" in name]  # a kernel on the hub
    if path[0] == "vllm" and key == "tool_server":
        return [name for name in names if name == "demo"]  # runs Python that the model writes
    if path[0] == "vllm" and (len(path) > 2 or key == "distributed_executor_backend"):
        return [name for name in names if _CLASS.fullmatch(name)]
    return []


def _walk(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Every key of nested mappings and lists with its path; JSON in text is read, too."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, inner in items:
        at = (*path, key)
        if isinstance(key, str):
            yield at, inner
        yield from _walk(inner, at)


def _names(value: Any) -> list[str]:
    """The texts in a value."""
    if isinstance(value, dict):
        return [name for inner in value.values() for name in _names(inner)]
    if isinstance(value, list | tuple):
        return [name for inner in value for name in _names(inner)]
    if value is True:
        return ["true"]
    return [value] if isinstance(value, str) and value.strip() else []


def _clipped(names: Sequence[str]) -> str:
    """Names, short enough for a line."""
    text = ", ".join(names)
    return text if len(text) <= 120 else f"{text[:117]}..."
