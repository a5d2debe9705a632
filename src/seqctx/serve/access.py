"""Who can use a server: whether it needs a key, which paths the key guards, what else is open."""

from __future__ import annotations

import os
from pathlib import Path

from seqctx.check.facts import Facts
from seqctx.check.rules.serving import server_open
from seqctx.config.api_key import find_api_key
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.errors import InputError

GUARD = "api_key_guard.ApiKeyGuard"
"""Import path of our middleware, which lies in `GUARD_FOLDER`."""
GUARD_FOLDER = Path(__file__).parent / "inside"
_RUST_FRONTEND = "VLLM_USE_RUST_FRONTEND"
_SWITCHES = {  # vLLM 0.32: envs.py
    "VLLM_SERVER_DEV_MODE": "clients may run functions of the workers and change the weights",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "clients may load adapters from any folder of this machine",
    "VLLM_LORA_RESOLVER_CACHE_DIR": "a request may load any adapter of that folder by its name",
    "VLLM_LORA_RESOLVER_HF_REPO_LIST": "a request may load adapters from these hub repositories",
    "VLLM_ALLOW_INSECURE_SERIALIZATION": "messages between vLLM's processes may run code",
    "VLLM_DEBUG_LOG_API_SERVER_RESPONSE": "the log holds all that the models answer",
    "VLLM_MODEL_REDIRECT_PATH": "vLLM may read another model than base_model",
    "VLLM_LOGGING_CONFIG_PATH": "that file may name code that is run",
    "VLLM_PLUGINS": "vLLM loads the plugins that it names",
}


def check_access(cfg: Config) -> None:
    """Check that only those who know the API key reach a server that is open to the network.

    Raises:
        InputError: when the server would be open without a key, or the key cannot be used.
    """
    key = find_api_key(cfg)
    file, facts = Effective.of(cfg), Facts(api_key=key is not None)
    found = [f"vllm.{f.path[-1]}: {f.message}. {f.remedy}" for f in server_open(file, facts)]
    if key and _is_on(_RUST_FRONTEND):
        found.append(f"{_RUST_FRONTEND}: vLLM's Rust frontend does not guard all paths. Unset it.")
    if found:
        raise InputError(*found)


def guard_arguments(cfg: Config) -> list[str]:
    """Arguments for vLLM with which every path but ``/health`` needs the key; none without a key.

    vLLM's own key guards the paths that begin with /v1, /v2, /inference and /cohere only.

    Raises:
        InputError: when the key cannot be used.
    """
    return ["--middleware", GUARD] if find_api_key(cfg) else []


def guard_variables(cfg: Config) -> dict[str, str]:
    """Environment variables with which vLLM finds `GUARD`; none without a key.

    Raises:
        InputError: when the key cannot be used.
    """
    if not find_api_key(cfg):
        return {}
    paths = [str(GUARD_FOLDER), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def access_notes(cfg: Config) -> list[str]:
    """What whoever starts the server should know of its access, each in one line.

    Raises:
        InputError: when the key cannot be used.
    """
    opened = cfg.vllm.open_addresses.items()
    notes = [f"vllm.{key}: {address} opens the server to the network." for key, address in opened]
    if find_api_key(cfg):
        notes.append("Every path of the server but /health needs the API key.")
    notes += [f"{name} is set: {fact}." for name, fact in _SWITCHES.items() if _is_on(name)]
    return notes


def _is_on(variable: str) -> bool:
    """Whether an environment variable is set to something else than off."""
    return os.environ.get(variable, "").strip().lower() not in ("", "0", "false")
