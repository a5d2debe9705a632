"""Run vLLM on a file, a model or an adapter: preflight, start, wait until it answers, stop."""

from seqctx.serve.address import Address, address_at, address_of
from seqctx.serve.client import Health, ask, health, stream
from seqctx.serve.launch import Server, detach, log_path, serve_command, serving
from seqctx.serve.preflight import check_port, check_served
from seqctx.serve.target import as_trained, target_config

__all__ = [
    "Address", "Health", "Server", "address_at", "address_of", "as_trained", "ask", "check_port",
    "check_served", "detach", "health", "log_path", "serve_command", "serving", "stream",
    "target_config",
]  # fmt: skip
