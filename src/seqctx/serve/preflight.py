"""Problems that can be found before vLLM loads the model, which takes minutes."""

from __future__ import annotations

import errno
import socket
import time
from pathlib import Path
from typing import Any

from seqctx.artifacts.layout import RunDir
from seqctx.artifacts.run_record import TrainingRun
from seqctx.catalog.gpus import Gpu, find_gpu, machine_gpu
from seqctx.catalog.model_folder import check_base, fingerprint_model, safetensors_header
from seqctx.catalog.models import Model
from seqctx.check.check import SERVING_RULES, check
from seqctx.check.facts import Facts, gather_facts
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.render import max_lora_rank
from seqctx.config.source import Document
from seqctx.errors import CheckError, InputError
from seqctx.plan.serving import ServingPlan, plan_serving
from seqctx.serve.access import check_access
from seqctx.serve.registry import running_servers, was_killed
from seqctx.system.host import has_gpu
from seqctx.system.regular_file import read_json

_UNSUPPORTED = (  # vLLM 0.32: lora/peft_helper.py, _validate_features
    "use_dora", "lora_bias", "alora_invocation_tokens", "layer_replication", "use_bdlora",
    "use_qalora",
)  # fmt: skip
_ENDING = 10.0  # seconds until the port of a server that was killed must be free
_PLAIN_INITS = ("gaussian", "eva", "orthogonal", "mica", "lora_ga")  # others change the base


def check_can_serve(cfg: Config) -> ServingPlan | None:
    """Check all that the server needs.

    Returns:
        The plan of its memory; None where it cannot be planned.

    Raises:
        CheckError: when the model or the adapter is missing, when the adapter is damaged or was
            trained on another base model, when vLLM cannot serve what a key asks for, when the KV
            cache does not fit, or when the port is taken.
        InputError: see `check_access`; or when the base model's folder is missing.
    """
    check_access(cfg)
    check_base(cfg.base_model)
    if cfg.adapter:
        check_adapter(cfg)
    gpu = machine_gpu() if has_gpu() else find_gpu("cpu")
    # the file may be meant for another GPU; vllm: is served even where the file does not have it
    here = cfg.seqctx.model_copy(update={"gpu": None})
    cfg = cfg.model_copy(update={"vllm": cfg.vllm, "seqctx": here})
    facts = gather_facts(cfg, gpu=gpu, any_model=True)
    _check_keys(cfg, facts)
    check_port(cfg)
    return serving_plan(cfg, gpu, facts.model)


def serving_plan(cfg: Config, gpu: Gpu | None, model: Model | None = None) -> ServingPlan | None:
    """The planned memory of a server.

    Args:
        cfg: the file.
        gpu: the GPU that serves; None where there is none, or it is not known.
        model: the base model's row; None: it is looked up.

    Returns:
        The plan; None for models and keys that the planner does not cover.
    """
    try:
        return plan_serving(cfg, gpu=gpu, model=model)
    except InputError:
        return None


def _check_keys(cfg: Config, facts: Facts) -> None:
    """Check the rules of serving for the GPU of this machine.

    Raises:
        CheckError: with all errors.
    """
    document = Document("vllm", cfg.model_dump(exclude_unset=True), {})
    problems = check(document, cfg, facts)
    found = [p for p in problems if p.severity == "error" and p.rule in SERVING_RULES]
    if found:
        raise CheckError(*(f"{p.key}: {p.message}. {p.remedy}" for p in found))


def check_port(cfg: Config) -> None:
    """Check that the server can listen at the host and port of the file.

    When seqctx was killed at the same port, vLLM needs some seconds to end: this waits for it.

    Raises:
        CheckError: when the port is taken, or the host is not an address of this machine.
    """
    host, port = cfg.vllm.host, cfg.vllm.port
    deadline = time.monotonic() + (_ENDING if was_killed(port) else 0)
    refuse_registered_server(port)
    try:
        while not _can_listen(host, port, wait=time.monotonic() < deadline):
            time.sleep(0.1)
    except (UnicodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise CheckError(
                f"vllm.port: {host}:{port} cannot be used ({error.strerror}). Stop the program "
                "that uses it, or set vllm.port to another port."
            ) from None
        why = error.strerror if isinstance(error, OSError) else "not a host name"
        raise CheckError(
            f"vllm.host: {host} is not an address of this machine ({why}). Set 127.0.0.1, or an "
            "address that this machine has."
        ) from None


def _can_listen(host: str, port: int, *, wait: bool) -> bool:
    """Whether the port is free; where it is taken and we do not wait, an OSError says so."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if not wait or error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def refuse_registered_server(port: int) -> None:
    """Check that no server of seqctx has the port, even one that is not listening yet.

    vLLM binds its port before it loads the model, in a way that lets others bind it, too.

    Raises:
        CheckError: when one has it.
    """
    for server in running_servers(port):
        raise CheckError(
            f"vllm.port: {port} is used by a server that seqctx started "
            f"({server.target or server.base}, pid {server.pid}). Stop it with 'seqctx serve "
            f"--stop --set vllm.port={port}', or set vllm.port to another port."
        )


def check_adapter(cfg: Config) -> None:
    """Check that ``output_dir`` holds a complete adapter of this base model and rank.

    vLLM itself would load an adapter of any base model with the same shape, and answer.

    Raises:
        CheckError: when it does not.
    """
    folder = Path(cfg.output_dir)
    if not (folder / "adapter_config.json").is_file():
        raise CheckError(f"output_dir: {folder}: holds no adapter. Run 'seqctx train' first.")
    adapter = _read_adapter(folder / "adapter_config.json")
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file() and not (folder / "adapter_model.bin").is_file():
        raise CheckError(f"output_dir: {folder}: holds no weights. Run 'seqctx train' again.")
    if weights.is_file() and safetensors_header(weights) is None:
        raise CheckError(f"{weights}: is damaged or cut short. Restore it, or train again.")
    _check_rank(cfg, folder, adapter)
    if unsupported := _unsupported_by_vllm(adapter):
        raise CheckError(
            f"{folder}: the adapter uses {', '.join(unsupported)}, which vLLM does not support. "
            "Run 'seqctx merge', and serve with --merged."
        )
    if adapter.get("modules_to_save"):
        raise CheckError(
            f"{folder}: the adapter holds whole modules ({', '.join(adapter['modules_to_save'])}), "
            "which vLLM does not load. Run 'seqctx merge', and serve with --merged."
        )
    _check_trained_base(cfg, folder, adapter.get("base_model_name_or_path"))


def _read_adapter(path: Path) -> dict[str, Any]:
    """An adapter_config.json whose values that are read here have the types that PEFT writes.

    Raises:
        InputError: when it cannot be read.
        CheckError: when a value has another type.
    """
    adapter = read_json(path)
    pattern, modules = adapter.get("rank_pattern") or {}, adapter.get("modules_to_save") or []
    valid = {
        "r": adapter.get("r") is None or isinstance(adapter["r"], int),
        "rank_pattern": isinstance(pattern, dict)
        and all(isinstance(rank, int) for rank in pattern.values()),
        "modules_to_save": isinstance(modules, list)
        and all(isinstance(name, str) for name in modules),
        "base_model_name_or_path": isinstance(adapter.get("base_model_name_or_path") or "", str),
    }
    for key, is_valid in valid.items():
        if not is_valid:
            raise CheckError(
                f"{path}: {key}: has another type than PEFT writes (got {adapter[key]!r:.60}). "
                "Restore the file, or train again."
            )
    return adapter


def _check_rank(cfg: Config, folder: Path, adapter: dict[str, Any]) -> None:
    """Check that the adapter has the file's rank, and that vLLM is given room for it.

    Raises:
        CheckError: when it has another, or a higher one in some layers.
    """
    rank = Effective.of(cfg).lora_r
    if adapter.get("r") not in (None, rank):
        raise CheckError(
            f"lora_r: {rank}, but the adapter in {folder} has rank {adapter['r']}. Train again, or "
            f"set lora_r: {adapter['r']}."
        )
    highest = max([rank, *(adapter.get("rank_pattern") or {}).values()])
    room = cfg.vllm.get("max_lora_rank")
    if highest > (room if isinstance(room, int) and room else max_lora_rank(rank)):
        raise CheckError(
            f"{folder}: some layers of the adapter have rank {highest}. "
            f"Set vllm.max_lora_rank: {max_lora_rank(highest)}."
        )


def _unsupported_by_vllm(adapter: dict[str, Any]) -> list[str]:
    """Features in an adapter's config that vLLM refuses after it has loaded the base model."""
    found = [key for key in _UNSUPPORTED if adapter.get(key)]
    init, kind = adapter.get("init_lora_weights"), adapter.get("peft_type") or "LORA"
    if isinstance(init, str) and init.lower() not in _PLAIN_INITS:
        found.append(f"init_lora_weights: {init}")
    if adapter.get("bias") not in (None, "none"):
        found.append(f"bias: {adapter['bias']}")
    return found if kind == "LORA" else [*found, f"peft_type: {kind}"]


def _check_trained_base(cfg: Config, folder: Path, trained_on: str | None) -> None:
    """Check that the adapter was trained on this base model.

    Raises:
        CheckError: when it was not.
    """
    record = TrainingRun.read(RunDir(folder).record)
    if record:
        belongs = record.base_fingerprint == fingerprint_model(cfg.base_model)
        trained_on = record.base_model
        why = "seqctx compares the weights, not the names"
    else:
        belongs = not trained_on or Path(trained_on).absolute() == Path(cfg.base_model).absolute()
        why = "its adapter_config.json names another base model"
    if not belongs:
        raise CheckError(
            f"output_dir: {folder}: the adapter was trained on {trained_on}, not on this "
            f"base_model (got {cfg.base_model}; {why}). Serve it with its own base model, or "
            "train again."
        )
