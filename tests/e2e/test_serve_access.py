"""Which paths of real vLLM need the API key: all of them but one."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

from seqctx.serve import Address, complete, server_status
from tests.e2e.conftest import served
from tests.e2e.test_model import MODEL
from tests.e2e.test_serve_kills import KEY, base_project

METHODS = {"get", "post", "put", "delete", "patch"}


def test_every_path_but_health_needs_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("VLLM_API_KEY", KEY), ("VLLM_SERVER_DEV_MODE", "1"),
        ("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    project = base_project(tmp_path)
    command = (sys.executable, "-m", "seqctx", "serve", "base.yaml", "--set", "vllm.host=0.0.0.0")
    with served(*command, cwd=project) as line:
        url = line.split("/v1")[0]
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            bearer = {"Authorization": f"Bearer {KEY}"}
            paths = client.get("/openapi.json", headers=bearer).json()["paths"]
            assert {"/invocations", "/tokenize", "/v1/models", "/collective_rpc"} <= paths.keys()
            open_paths = {
                path
                for path, routes in {**paths, "/metrics": {"get": 0}, "/docs": {"get": 0}}.items()
                for method in METHODS & routes.keys()
                if client.request(method, path, json={}).status_code != 401
            }
            assert open_paths == {"/health"}
            request = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
            assert client.post("/invocations", json=request).status_code == 401
            assert client.post("/invocations", json=request, headers=bearer).status_code == 200
        address = Address(url, KEY)
        assert server_status(address).models == (MODEL.name,)
        said = complete(address, MODEL.name, [{"role": "user", "content": "Hi"}], max_tokens=4)
        assert said
