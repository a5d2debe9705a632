"""Hands pip's settings to uv, which does not read them itself."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from seqctx.errors import InputError
from seqctx.system.regular_file import read_file_text

# pip's option -> uv's variable, and what stands between the entries of a list; see
# docs.astral.sh/uv/reference/environment and pip.pypa.io/en/stable/cli/pip_install.
_ONE = {
    "cert": ("SSL_CERT_FILE",),
    "proxy": ("HTTPS_PROXY", "HTTP_PROXY"),
    "timeout": ("UV_HTTP_TIMEOUT",),
    "default-timeout": ("UV_HTTP_TIMEOUT",),
}
_MANY = {
    "find-links": ("UV_FIND_LINKS", ","),
    "constraint": ("UV_CONSTRAINT", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
}


def uv_environment(
    settings: Mapping[str, str], environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment for uv: ``environ`` (unset: ours) with pip's settings in uv's variables.

    A variable of uv that is set already stays. Folders that do not exist are left out, as pip does.
    Of all indexes the best version is taken, as pip does. uv uses the Python that is here and
    downloads no other. PYTHONPATH is left out: packages that uv builds must not see it.

    """
    environ = os.environ if environ is None else environ
    found = {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
    }
    found |= _indexes(settings, environ)
    for option, value in settings.items():
        for variable in _ONE.get(option, ()):
            found[variable] = value.strip()
        if option in _MANY:
            variable, separator = _MANY[option]
            entries = [entry for entry in value.split() if _is_there(entry)]
            if entries:
                found[variable] = separator.join(entries)
    kept = {name: value for name, value in environ.items() if name != "PYTHONPATH"}
    return {**found, **kept}


def uses_no_index(settings: Mapping[str, str]) -> bool:
    """Whether pip takes packages from find-links alone; uv has no variable for it."""
    return settings.get("no-index", "").strip().lower() in ("1", "true", "yes", "on")


def _indexes(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for pip's indexes; none where uv has its own, or pip has none.

    Where several indexes have a version, uv takes it from the first, even if another has a file
    that fits this Python better. So index-url comes first, which is the most complete, and the
    extra indexes follow. uv reads its default index last of all.
    """
    own = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
    extra = [entry for entry in settings.get("extra-index-url", "").split() if _is_there(entry)]
    if any(environ.get(name) for name in own) or not (extra or "index-url" in settings):
        return {}
    if "index-url" not in settings:
        return {"UV_INDEX": " ".join(extra)}
    *first, last = [settings["index-url"].strip(), *extra]
    return {"UV_DEFAULT_INDEX": last, **({"UV_INDEX": " ".join(first)} if first else {})}


def read_pip_settings(
    environ: Mapping[str, str] | None = None, files: tuple[Path, ...] | None = None
) -> dict[str, str]:
    """The options of pip by their long names, as ``pip install`` would take them here.

    Args:
        environ: the environment; a variable such as PIP_INDEX_URL goes before all files, and an
            empty one takes back what they say.
        files: configuration files, the last one first in rank; unset: those that pip reads.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, str] = {}
    for path in config_files(environ) if files is None else files:
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(read_file_text(path))
        except (configparser.Error, UnicodeDecodeError, InputError):
            continue  # mostly it is not there; pip names another fault; uv goes on without
        for section in ("global", "install"):
            if parser.has_section(section):
                found |= {_plain(key): value for key, value in parser.items(section)}
    for name, value in environ.items():
        if name.startswith("PIP_"):
            found[_plain(name.removeprefix("PIP_"))] = value
    return {option: value for option, value in found.items() if value.strip()}


def config_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The files that pip reads: the system's, the user's, the environment's, PIP_CONFIG_FILE."""
    given = environ.get("PIP_CONFIG_FILE")
    if given == os.devnull:
        return ()
    home = Path(environ.get("HOME") or Path.home())
    shared = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return (
        *(Path(folder) / "pip" / "pip.conf" for folder in shared if folder),
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        home / "Library" / "Application Support" / "pip" / "pip.conf",
        user / "pip" / "pip.conf",
        Path(environ.get("VIRTUAL_ENV") or sys.prefix) / "pip.conf",
        *([Path(given)] if given else []),
    )


def _plain(option: str) -> str:
    return option.lower().replace("_", "-").removeprefix("--")


def _is_there(entry: str) -> bool:
    """Whether an entry is an address, or a file or folder that exists."""
    if entry.startswith("file://"):
        return Path(entry.removeprefix("file://")).exists()
    return "://" in entry or "/" not in entry or Path(entry).expanduser().exists()
