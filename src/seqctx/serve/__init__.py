"""Runs vLLM: checks first, starts it, waits until it answers, stops it."""

from seqctx.serve.access import access_notes, check_access
from seqctx.serve.address import Address, address_at, address_of
from seqctx.serve.client import ServerStatus, complete, server_status, stream_completion
from seqctx.serve.launch import VllmServer, serve_command, serve_detached, server_log, serving
from seqctx.serve.preflight import check_can_serve, check_port
from seqctx.serve.target import target_config, trained_config

__all__ = [
    "Address", "ServerStatus", "VllmServer", "access_notes", "address_at", "address_of",
    "check_access", "check_can_serve", "check_port", "complete", "serve_command",
    "serve_detached", "server_log", "server_status", "serving", "stream_completion",
    "target_config", "trained_config",
]  # fmt: skip
