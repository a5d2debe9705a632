"""Run vLLM on a file, a model or an adapter: preflight, start, wait until it answers, stop."""

from __future__ import annotations

import json
import re
import shlex
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqctx.errors import CheckError, InputError, ToolError
from seqctx.files import check_base, explain_os_errors, fingerprint_model
from seqctx.process import failure, find_tool, has_gpu, running, tool_environment
from seqctx.schema.config import Config, load_config, parse_config
from seqctx.schema.manifest import RUN_RECORD, Run
from seqctx.schema.render import adapter_name, base_name, vllm_command
from seqctx.schema.source import Document

_REMEDIES = {
    r"address already in use": "Set vllm.port to another",
    r"max_model_len|max_position_embeddings": "Lower vllm.max_model_len",
    r"KV cache|gpu_memory_utilization|gpu memory utilization": (
        "Lower vllm.max_model_len, or raise vllm.gpu_memory_utilization "
        "(vllm.kv_cache_memory_bytes on a CPU)"
    ),
    r"LoRA rank|max_lora_rank": "Lower lora_r, or merge the adapter",
}
_STAGES = {  # what vLLM logs when a stage begins
    "Initializing a V1 LLM engine": "starting the engine",
    "Starting to load model": "loading the weights",
    "Loading weights took": "profiling memory",
    "KV cache size": "warming up",
    "Application startup complete": "ready",
}
_CPU_KV_GIB = "4"  # vLLM on a CPU else takes half of the machine's memory


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    Attributes:
        url: its root, such as ``http://127.0.0.1:8000``.
        base: model name of the base.
        adapter: model name of the adapter; None where only the base is served.
        log: all that vLLM printed.
        wait: blocks until the server ends by itself, which is an error.
    """

    url: str
    base: str
    adapter: str | None
    log: Path
    wait: Callable[[], None]


def target_config(target: str, overrides: Mapping[str, Any] | None = None) -> Config:
    """The Config of what shall be served.

    Args:
        target: a YAML file; a folder with a model (base or merged) or an adapter; or a hub id.
        overrides: dotted keys laid over it.

    Raises:
        InputError: when it is none of these.
    """
    path = Path(target)
    if path.is_file() or path.suffix in (".yaml", ".yml"):
        return load_config(path, overrides)
    if (path / "adapter_config.json").is_file():
        adapter = _read_json(path / "adapter_config.json")
        data = {
            "base_model": adapter.get("base_model_name_or_path"),
            "adapter": "lora",
            "lora_r": adapter.get("r"),
            "output_dir": str(path),
        }
        return parse_config(Document(str(path / "adapter_config.json"), data, {}), overrides)
    if (path / "config.json").is_file():
        return parse_config(Document(target, {"base_model": target.rstrip("/")}, {}), overrides)
    if path.is_dir():
        raise InputError(f"{path}: holds no config.json or adapter_config.json. Name a model.")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", target) and not path.parent.is_dir():
        return parse_config(Document(target, {"base_model": target}, {}), overrides)
    raise InputError(f"{target}: no such file or folder. Name a YAML, a model or an adapter.")


def serve_command(cfg: Config) -> list[str]:
    """The whole command with the program that is installed here.

    vLLM's CPU build installs a ``vllm`` script that fails for want of its own metadata, so the
    server's module is started with the interpreter beside it; it takes the same flags.

    Raises:
        ToolError: when vLLM is not installed.
    """
    script = find_tool("vllm").resolve()
    python = script.parent / "python3"
    module = "vllm.entrypoints.openai.api_server"
    if python.exists():
        return vllm_command(cfg, program=(str(python), "-m", module, "--model"))
    return vllm_command(cfg, program=(str(script), "serve"))


def check_served(cfg: Config) -> None:
    """All that can be found wrong before vLLM loads for minutes.

    Raises:
        CheckError: when the model is not there, the adapter is not there or was trained on
            another base, or the port is taken.
    """
    check_base(cfg.base_model)
    if cfg.adapter:
        check_adapter(cfg)
    check_port(cfg)


def check_port(cfg: Config) -> None:
    """That the server can listen where the file says.

    Raises:
        CheckError: when the port is taken, or the host is no address of this machine.
    """
    host, port = cfg.vllm.host, cfg.vllm.port
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CheckError(
            f"vllm.port: {host}:{port} cannot be had ({error.strerror}). "
            "Stop what listens there, or set vllm.port to another."
        ) from None


def check_adapter(cfg: Config) -> None:
    """That ``output_dir`` holds an adapter, and that it was trained on this base.

    vLLM itself would load an adapter of any base of the same shape, and answer.

    Raises:
        CheckError: when it does not.
    """
    folder = Path(cfg.output_dir)
    if not (folder / "adapter_config.json").is_file():
        raise CheckError(f"output_dir: {folder}: holds no adapter. Run 'seqctx train' first.")
    trained_on = _read_json(folder / "adapter_config.json").get("base_model_name_or_path")
    record = Run.read(folder / RUN_RECORD)
    if record:
        belongs = record.base_fingerprint == fingerprint_model(cfg.base_model)
        trained_on = record.base_model
    else:
        belongs = not trained_on or Path(trained_on).absolute() == Path(cfg.base_model).absolute()
    if not belongs:
        raise CheckError(
            f"output_dir: {folder}: the adapter belongs to {trained_on}, not to this base_model "
            f"(got {cfg.base_model}; weights are compared, not names). "
            "Serve it with its own base, or train again."
        )


@contextmanager
def serving(
    cfg: Config, log: Path, *, on_stage: Callable[[str], None] = lambda stage: None
) -> Iterator[Server]:
    """Start vLLM, wait until it answers, and stop all of it when the block is left.

    Args:
        cfg: what is served.
        log: file for all that vLLM prints.
        on_stage: called with each stage of the start, from vLLM's log.

    Raises:
        CheckError: see `check_served`.
        ToolError: when vLLM is not there, or ends before it answers.
    """
    import httpx

    command = serve_command(cfg)
    check_served(cfg)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(cfg.vllm.host, cfg.vllm.host)
    url = f"http://[{host}]:{cfg.vllm.port}" if ":" in host else f"http://{host}:{cfg.vllm.port}"
    env = tool_environment(Path(command[0]), offline=cfg.base_model_is_local)
    if not has_gpu() and not (cfg.vllm.model_extra or {}).get("kv_cache_memory_bytes"):
        env.setdefault("VLLM_CPU_KVCACHE_SPACE", _CPU_KV_GIB)
    with explain_os_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
    stage = ""
    with explain_os_errors(log), log.open("wb") as f:
        f.write(f"$ {shlex.join(command)}\n".encode())
    with log.open("ab") as f, running(command, env, log=f) as process:
        while True:
            if (code := process.poll()) is not None:
                raise failure("vllm", code or 1, log, _REMEDIES)
            text = log.read_text("utf-8", "replace")
            now = [name for mark, name in _STAGES.items() if mark in text]
            if now and now[-1] != stage:
                on_stage(stage := now[-1])
            try:
                if httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.5)

        def wait() -> None:
            raise failure("vllm", process.wait() or 1, log, _REMEDIES)

        yield Server(url, base_name(cfg), adapter_name(cfg) if cfg.adapter else None, log, wait)


def log_path(cfg: Config) -> Path:
    """Where the server's log goes: beside the run it serves, else by its port."""
    run = Path(cfg.output_dir) / "run"
    return run / "serve.log" if run.is_dir() else Path(f"outputs/serve-{cfg.vllm.port}.log")


def ask(
    server: Server,
    model: str,
    messages: list[dict[str, str]],
    *,
    max_tokens: int,
    temperature: float = 0.7,
    seed: int = 0,
) -> str:
    """One chat completion.

    Raises:
        ToolError: when the server refuses the request, with its reason, or does not answer.
    """
    import httpx

    body = {
        "model": model,
        "messages": messages,
        "max_tokens": max_tokens,
        "temperature": temperature,
        "seed": seed,
    }
    try:
        with httpx.Client(timeout=600, trust_env=False) as client:
            answer = client.post(f"{server.url}/v1/chat/completions", json=body)
    except httpx.TransportError as error:
        raise ToolError(f"vllm: no answer ({error}). See the log: {server.log}.") from None
    if answer.status_code != 200:
        reason = " ".join(answer.text.split())[:400]
        raise ToolError(f"vllm: HTTP {answer.status_code}: {reason} See the log: {server.log}.")
    return str(answer.json()["choices"][0]["message"]["content"])


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        InputError: when it is none.
    """
    try:
        with explain_os_errors(path):
            data = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        data = None
    if not isinstance(data, dict):
        raise InputError(f"{path}: no JSON object. Restore the file.")
    return data
