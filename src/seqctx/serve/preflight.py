"""All that can be found wrong before vLLM loads for minutes."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Any

from seqctx.artifacts.run_record import RUN_RECORD, Run
from seqctx.catalog.gpus import Gpu, find_gpu, machine_gpu
from seqctx.catalog.model_folder import check_base, fingerprint_model, safetensors_header
from seqctx.check.check import check
from seqctx.check.facts import gather_facts
from seqctx.check.rule import RULES
from seqctx.check.rules import serving
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.render import max_lora_rank
from seqctx.config.source import Document
from seqctx.errors import CheckError, InputError
from seqctx.plan.serving import ServingPlan, plan_serving
from seqctx.serve.address import address_of
from seqctx.serve.registry import known
from seqctx.serve.target import read_json
from seqctx.system.host import has_gpu

_OF_SERVING = {rule.id for rule in RULES if rule.look.__module__ == serving.__name__}


def check_served(cfg: Config) -> ServingPlan | None:
    """Look at all that the server needs.

    Returns:
        The plan of its memory; None where it cannot be planned.

    Raises:
        CheckError: when the model is not there, the adapter is not there, is damaged or was
            trained on another base, a key cannot be served, the cache does not fit, or the port is
            taken.
    """
    check_base(cfg.base_model)
    if cfg.adapter:
        check_adapter(cfg)
    gpu = machine_gpu() if has_gpu() else find_gpu("cpu")
    # on this machine, whatever card the file is meant for; vLLM's defaults are served, too
    here = cfg.seqctx.model_copy(update={"gpu": None})
    cfg = cfg.model_copy(update={"vllm": cfg.vllm, "seqctx": here})
    _check_keys(cfg, gpu)
    address_of(cfg)
    check_port(cfg)
    return planned(cfg, gpu)


def planned(cfg: Config, gpu: Gpu | None) -> ServingPlan | None:
    """The plan for the card that is here; None for models and keys that are not covered."""
    try:
        return plan_serving(cfg, gpu=gpu)
    except InputError:
        return None


def _check_keys(cfg: Config, gpu: Gpu | None) -> None:
    """That no rule of serving finds an error, on the card that is here.

    Raises:
        CheckError: with all that is found.
    """
    document = Document("served", cfg.model_dump(exclude_unset=True), {})
    facts = gather_facts(cfg, gpu=gpu, any_model=True)
    problems = check(document, cfg, facts)
    found = [p for p in problems if p.severity == "error" and p.rule in _OF_SERVING]
    if found:
        raise CheckError("\n".join(f"{p.key}: {p.message}. {p.remedy}" for p in found))


def check_port(cfg: Config) -> None:
    """That the server can listen where the file says.

    Raises:
        CheckError: when the port is taken, or the host is no address of this machine.
    """
    host, port = cfg.vllm.host, cfg.vllm.port
    for server in known(port):  # one that still loads has bound the port, and lets others bind it
        raise CheckError(
            f"vllm.port: {port} has a server of ours ({server.target or server.base}, pid "
            f"{server.pid}). Stop it: seqctx serve --stop --set vllm.port={port}; or set another."
        )
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (UnicodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise CheckError(
                f"vllm.port: {host}:{port} cannot be had ({error.strerror}). "
                "Stop what listens there, or set vllm.port to another."
            ) from None
        why = error.strerror if isinstance(error, OSError) else "no host name"
        raise CheckError(
            f"vllm.host: {host} is no address of this machine ({why}). Set 127.0.0.1, or one of "
            "its own."
        ) from None


def check_adapter(cfg: Config) -> None:
    """That ``output_dir`` holds an adapter, whole, of this base and rank.

    vLLM itself would load an adapter of any base of the same model, and answer.

    Raises:
        CheckError: when it does not.
    """
    folder = Path(cfg.output_dir)
    if not (folder / "adapter_config.json").is_file():
        raise CheckError(f"output_dir: {folder}: holds no adapter. Run 'seqctx train' first.")
    adapter = read_json(folder / "adapter_config.json")
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file() and not (folder / "adapter_model.bin").is_file():
        raise CheckError(f"output_dir: {folder}: holds no weights. Run 'seqctx train' again.")
    if weights.is_file() and safetensors_header(weights) is None:
        raise CheckError(f"{weights}: is damaged or cut short. Restore it, or train again.")
    rank = Effective.of(cfg).lora_r
    if adapter.get("r") not in (None, rank):
        raise CheckError(
            f"lora_r: {rank}, but the adapter in {folder} has {adapter['r']}. "
            "Train again, or set it back."
        )
    highest = max([rank, *(adapter.get("rank_pattern") or {}).values()])
    if highest > (cfg.vllm.get("max_lora_rank") or max_lora_rank(rank)):
        raise CheckError(
            f"{folder}: some layers of the adapter have rank {highest}. "
            f"Set vllm.max_lora_rank: {max_lora_rank(highest)}."
        )
    if strange := _strange_to_vllm(adapter):
        raise CheckError(
            f"{folder}: the adapter has {', '.join(strange)}, which vLLM does not load. "
            "Run 'seqctx merge', and serve with --merged."
        )
    if adapter.get("modules_to_save"):
        raise CheckError(
            f"{folder}: the adapter holds whole modules ({', '.join(adapter['modules_to_save'])}), "
            "which vLLM does not load. Run 'seqctx merge', and serve with --merged."
        )
    _check_base(cfg, folder, adapter.get("base_model_name_or_path"))


_STRANGE = (  # vLLM 0.32: lora/peft_helper.py, _validate_features
    "use_dora", "lora_bias", "alora_invocation_tokens", "layer_replication", "use_bdlora",
    "use_qalora",
)  # fmt: skip
_PLAIN_INITS = ("gaussian", "eva", "orthogonal", "mica", "lora_ga")  # others change the base


def _strange_to_vllm(adapter: dict[str, Any]) -> list[str]:
    """What of an adapter's config vLLM refuses after it has loaded the base."""
    found = [key for key in _STRANGE if adapter.get(key)]
    init, kind = adapter.get("init_lora_weights"), adapter.get("peft_type") or "LORA"
    if isinstance(init, str) and init.lower() not in _PLAIN_INITS:
        found.append(f"init_lora_weights: {init}")
    if adapter.get("bias") not in (None, "none"):
        found.append(f"bias: {adapter['bias']}")
    return found if kind == "LORA" else [*found, f"peft_type: {kind}"]


def _check_base(cfg: Config, folder: Path, trained_on: str | None) -> None:
    """That the adapter was trained on this base.

    Raises:
        CheckError: when it was not.
    """
    record = Run.read(folder / RUN_RECORD)
    if record:
        belongs = record.base_fingerprint == fingerprint_model(cfg.base_model)
        trained_on = record.base_model
    else:
        belongs = not trained_on or Path(trained_on).absolute() == Path(cfg.base_model).absolute()
    if not belongs:
        compared = "weights are compared, not names" if record else "its config names another"
        raise CheckError(
            f"output_dir: {folder}: the adapter belongs to {trained_on}, not to this base_model "
            f"(got {cfg.base_model}; {compared}). Serve it with its own base, or train again."
        )
