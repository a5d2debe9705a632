"""The tables of names are what the packages say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

HERE = ROOT / "src" / "seqctx" / "catalog"
FIELDS = """
import json
from axolotl.utils.schemas.config import AxolotlInputConfig as Input
names = set(Input.model_fields) | {f.alias for f in Input.model_fields.values() if f.alias}
print("\\nNAMES" + json.dumps(sorted(names)))
"""


def test_axolotls_own_model_has_the_same_keys() -> None:
    quiet = {"AXOLOTL_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1", "CUDA_VISIBLE_DEVICES": ""}
    answer = subprocess.run(
        [ROOT / ".venv-train/bin/python", "-c", FIELDS],
        env={**os.environ, **quiet, "HF_HUB_OFFLINE": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    keys = json.loads((HERE / "axolotl.json").read_text("utf-8"))["keys"]
    ours = [name for name, entry in keys.items() if entry.get("only") != "0.21"]
    assert sorted(ours) == json.loads(answer.stdout.partition("\nNAMES")[2])


@pytest.mark.parametrize("name", ["axolotl.json", "vllm.json"])
def test_generated_again_it_is_the_same(name: str, generated: Path) -> None:
    new, old = (json.loads((folder / name).read_text("utf-8")) for folder in (generated, HERE))
    assert new == old


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalog")
    subprocess.run([sys.executable, ROOT / "scripts/catalog.py", "--out", folder], check=True)
    return folder
