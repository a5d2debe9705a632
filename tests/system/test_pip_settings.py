from __future__ import annotations

from pathlib import Path

import pytest

from seqctx.errors import without_url_secrets
from seqctx.system.pip_settings import (
    config_files,
    read_pip_settings,
    uv_environment,
)
from seqctx.system.uv import Uv, default_index, find_uv


def test_a_later_file_goes_first_and_a_variable_before_all(tmp_path: Path) -> None:
    shared, own = tmp_path / "shared.conf", tmp_path / "own.conf"
    shared.write_text("[global]\nindex-url = https://a/simple\ncert = /a.pem\ntimeout = 5\n")
    own.write_text("[global]\nindex_url = https://b/simple\n[install]\ntimeout = 7\n")
    files = (shared, own, tmp_path / "none.conf")
    assert read_pip_settings({}, files) == {
        "index-url": "https://b/simple", "cert": "/a.pem", "timeout": "7",
    }  # fmt: skip
    given = {"PIP_INDEX_URL": "https://c/simple", "PIP_CERT": "", "HOME": "/root"}
    found = read_pip_settings(given, files)
    assert found == {"index-url": "https://c/simple", "timeout": "7"}


def test_a_damaged_file_is_left_out(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.conf", tmp_path / "good.conf"
    bad.write_text("index-url = https://a/simple\n")
    good.write_text("[global]\ncert = /a.pem\n")
    assert read_pip_settings({}, (bad, good)) == {"cert": "/a.pem"}


def test_the_files_are_those_of_pip() -> None:
    environ = {"HOME": "/home/ann", "XDG_CONFIG_DIRS": "/a:/b", "PIP_CONFIG_FILE": "/c/my.conf",
               "VIRTUAL_ENV": "/venv"}  # fmt: skip
    found = [str(path) for path in config_files(environ)]
    assert found[:3] == ["/a/pip/pip.conf", "/b/pip/pip.conf", "/etc/pip.conf"]
    assert found[-3:] == ["/home/ann/.config/pip/pip.conf", "/venv/pip.conf", "/c/my.conf"]
    assert config_files({"PIP_CONFIG_FILE": "/dev/null"}) == ()


def test_pips_settings_become_uvs_variables(tmp_path: Path) -> None:
    settings = {
        "index-url": "https://a/simple",
        "extra-index-url": f"https://b/simple\nfile://{tmp_path} file:///none/simple",
        "find-links": f"{tmp_path} /none https://c/wheels",
        "cert": "/a.pem",
        "constraint": str(tmp_path),
        "trusted-host": "a b",
        "proxy": "http://p:1",
        "default-timeout": "180",
        "no-index": "true",
        "disable-pip-version-check": "1",
    }
    assert uv_environment(settings, {"PATH": "/bin", "PYTHONPATH": "/src"}) == {
        "PATH": "/bin",
        "UV_INDEX": "https://a/simple https://b/simple",
        "UV_DEFAULT_INDEX": f"file://{tmp_path}",
        "UV_FIND_LINKS": f"{tmp_path},https://c/wheels",
        "SSL_CERT_FILE": "/a.pem",
        "UV_CONSTRAINT": str(tmp_path),
        "UV_INSECURE_HOST": "a b",
        "HTTPS_PROXY": "http://p:1",
        "HTTP_PROXY": "http://p:1",
        "UV_HTTP_TIMEOUT": "180",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
    }


def test_the_most_complete_index_comes_first() -> None:
    """As uv takes a version from the first index that has it, and reads its default index last."""
    assert not {"UV_INDEX", "UV_DEFAULT_INDEX"} & uv_environment({}, {}).keys()
    assert "UV_INDEX" not in uv_environment({"index-url": "https://a/simple"}, {})
    found = uv_environment({"extra-index-url": "https://b/simple"}, {})
    assert found["UV_INDEX"] == "https://b/simple" and "UV_DEFAULT_INDEX" not in found
    found = uv_environment({"extra-index-url": "https://b/simple", **default_index(find_uv())}, {})
    assert found["UV_INDEX"].endswith("/simple") and "//b/" not in found["UV_INDEX"]
    assert found["UV_DEFAULT_INDEX"] == "https://b/simple"


def test_what_is_set_for_uv_stays() -> None:
    given = {"UV_DEFAULT_INDEX": "https://mine/simple", "UV_INDEX_STRATEGY": "first-index"}
    found = uv_environment({"extra-index-url": "https://a/simple"}, given)
    assert found["UV_DEFAULT_INDEX"] == "https://mine/simple" and "UV_INDEX" not in found
    assert found["UV_INDEX_STRATEGY"] == "first-index"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at https://ann:pw@host/x, http://tok@h", "at https://***@host/x, http://***@h"),
        ("https://host/a@b and me@home", "https://host/a@b and me@home"),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    assert without_url_secrets(text) == shown


def test_pips_no_index_is_an_option_of_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv has no variable for it: without the option it went on to the public index."""
    program = tmp_path / "uv"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    program.chmod(0o755)
    for value, option in (("1", True), ("true", True), ("0", False), ("", False)):
        monkeypatch.setenv("PIP_NO_INDEX", value)
        Uv(tmp_path, program=program).install(tmp_path, "package")
        assert ("--no-index" in (tmp_path / "asked").read_text()) == option
