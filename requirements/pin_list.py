"""Reads a pin list: each package with its version, its condition and its hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PINS = Path(__file__).parents[1] / "src" / "seqctx" / "system" / "pins"
SHIPPED = ("core", "train-cpu", "train-cuda", "serve-cpu", "serve-cuda")
"""The lists of the three environments, which ship in the wheel."""


@dataclass(frozen=True, order=True)
class Pin:
    """One package of a list.

    Attributes:
        name: the package's.
        version: the only one that is installed.
        condition: where it is installed, as pip writes it; empty: everywhere.
        hashes: SHA-256 of each of its files.
    """

    name: str
    version: str
    condition: str
    hashes: tuple[str, ...]

    def __str__(self) -> str:
        """Name and version."""
        return f"{self.name}=={self.version}"

    @property
    def line(self) -> str:
        """As it stands in a list, in one line."""
        condition = f" ; {self.condition}" if self.condition else ""
        return f"{self}{condition}" + "".join(f" --hash=sha256:{each}" for each in self.hashes)


def read_pins(text: str) -> list[Pin]:
    """The pins of a list."""
    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        if found := re.match(r"([\w.-]+)==([^\s;]+)(?: *;((?:(?! --hash).)*))?", line):
            hashes = tuple(re.findall(r"--hash=sha256:(\w+)", line))
            pins.append(Pin(found[1], found[2], (found[3] or "").strip(), hashes))
    return pins


def list_of(name: str) -> Path:
    """The file of a shipped list."""
    return PINS / f"{name}.txt"
