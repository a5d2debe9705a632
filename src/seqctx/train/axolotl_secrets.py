"""Secrets of a file on their way to Axolotl: in environment variables, never in a file.

Axolotl copies the YAML that it is given into the model card, and prints all settings into its log.
So what it is given holds no secrets. Those that Axolotl itself hands on as environment variables
are set there directly; `secrets_plugin.SecretsPlugin` puts all others back in Axolotl's memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqctx.config.config import Config
from seqctx.config.render import axolotl_mapping
from seqctx.errors import SeqctxError
from seqctx.system.atomic import atomic_write
from seqctx.system.regular_file import read_file
from seqctx.system.secrets import (
    Secret,
    find_secrets,
    without_secrets,
)
from seqctx.train.resolved import resolve

PLUGIN = "seqctx.train.secrets_plugin.SecretsPlugin"
PLUGIN_VARIABLE = "SEQCTX_AXOLOTL_SECRETS"
"""Paths and values that the plugin puts back, as JSON."""
_TRACKERS = ("wandb_", "comet_", "mlflow_", "hf_mlflow_", "trackio_")
_VARIABLES = {"swanlab_api_key": "SWANLAB_API_KEY"}  # axolotl 0.19: integrations/swanlab/plugins.py
_TEXTS = ("*.md", "*.log", "*.yaml", "*.yml")  # that Axolotl writes beside weights and tokenizer


def separate_secrets(mapping: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Separate an Axolotl YAML from its secrets.

    Args:
        mapping: the YAML, whole.

    Returns:
        The YAML without secrets, and environment variables that have them. Secrets of ``vllm:`` are
        in neither: Axolotl does not need them.
    """
    clean, variables, others = without_secrets(mapping), {}, []
    for secret in find_secrets(mapping):
        if secret.path[0] == "vllm":
            continue
        if name := _variable(secret):
            variables[name] = secret.value
            clean.pop(secret.path[0], None)  # a URL without its login would hide the variable
        else:
            others.append((secret.path, secret.value))
    if others:
        variables[PLUGIN_VARIABLE] = json.dumps(others, default=str)
        listed = [p for p in clean.get("plugins") or () if p != PLUGIN]
        clean["plugins"] = [PLUGIN, *listed]
    return clean, variables


def _variable(secret: Secret) -> str | None:
    """The variable that Axolotl makes of a top-level key (0.19: utils/wandb_.py and others)."""
    key = str(secret.path[0])
    if len(secret.path) > 1 or not isinstance(secret.value, str):
        return None
    return _VARIABLES.get(key) or (key.upper() if key.startswith(_TRACKERS) else None)


def secret_variables(cfg: Config) -> dict[str, str]:
    """Environment variables for what reads the YAML of a run that has ended.

    Args:
        cfg: the file that was trained.
    """
    try:
        mapping = resolve(cfg, Path(cfg.output_dir))
    except SeqctxError:  # its data is gone
        mapping = axolotl_mapping(cfg)
    return separate_secrets(mapping)[1]


def hide_in_outputs(folder: Path, hide: Callable[[str], str]) -> None:
    """Hide secrets in the texts that Axolotl wrote: its log, the model card, copies of its YAML."""
    for pattern in _TEXTS:
        for path in folder.rglob(pattern):
            if not path.is_file() or path.is_symlink():
                continue
            text = read_file(path, most=10**10).decode("utf-8", "surrogateescape")
            if (clean := hide(text)) != text:
                with atomic_write(path) as f:
                    f.write(clean.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
