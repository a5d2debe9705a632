"""What serving would run, and why that would fail."""

from __future__ import annotations

from dataclasses import dataclass

from seqctx.config.config import Config
from seqctx.config.render import shown, vllm_command
from seqctx.errors import SeqctxError, ToolError
from seqctx.serve.access import check_access, guard_arguments, guard_variables
from seqctx.serve.launch import serve_command
from seqctx.serve.preflight import check_can_serve


@dataclass(frozen=True, slots=True)
class ServingDryRun:
    """What ``seqctx serve`` would run.

    Attributes:
        line: vLLM's command line, quoted for a shell, with its variables.
        failures: what would go wrong, in the order in which the run would meet it.
    """

    line: str
    failures: tuple[SeqctxError, ...]


def dry_run_of_serving(cfg: Config) -> ServingDryRun:
    """What serving would run; nothing is run or written.

    Raises:
        InputError: when the server would be open without a key, or the key cannot be used.
    """
    check_access(cfg)
    failures: list[SeqctxError] = []
    try:
        command = serve_command(cfg)
    except ToolError as error:
        command = [*vllm_command(cfg), *guard_arguments(cfg)]
        failures.append(error)
    try:
        check_can_serve(cfg)
    except SeqctxError as error:
        failures.append(error)
    return ServingDryRun(shown(command, cfg, guard_variables(cfg)), tuple(failures))
