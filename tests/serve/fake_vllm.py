"""A stand-in for vLLM without a model: it binds its port, loads until it may go on, and listens.

Started as ``vllm serve``; FAKE names a folder: it loads until ``go`` is there, and fails where
``fail`` is, with the text in it. Where ``stubborn`` is, it ends by SIGKILL only.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PAGES = {
    "/health": "",
    "/v1/models": json.dumps({"data": [{"id": "base"}, {"id": "voice"}]}),
    "/metrics": "".join(
        f'vllm:kv_cache_usage_perc{{engine="{n}"}} {share}\n'
        f'vllm:num_requests_running{{engine="{n}"}} 1.0\n'
        for n, share in ((0, 0.9), (1, 0.4))
    ),
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        key = os.environ.get("VLLM_API_KEY")
        guarded = self.path.startswith("/v1") and key
        known = not guarded or self.headers["Authorization"] == f"Bearer {key}"
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(PAGES[self.path].encode() if known else b"")


def main() -> None:
    options = dict(zip(sys.argv, sys.argv[1:], strict=False))
    folder = Path(os.environ["FAKE"])
    if (folder / "stubborn").exists():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    print("Initializing a V1 LLM engine", flush=True)
    server = HTTPServer((options["--host"], int(options["--port"])), Pages, bind_and_activate=False)
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if not (folder / "fail").exists():
        server.server_bind()
    while not (folder / "go").exists():
        time.sleep(0.05)
    if (folder / "fail").exists():
        raise SystemExit(
            f"OSError: [Errno 98] Address already in use{(folder / 'fail').read_text('utf-8')}"
        )
    if "--ssl-certfile" in options:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["--ssl-certfile"], options["--ssl-keyfile"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.server_activate()
    print("Application startup complete", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
