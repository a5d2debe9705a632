"""Writes the table of licences in docs/licences.md: all packages of the three environments.

    make licences

pip asks the package index for the metadata of each pin; nothing is installed. A pin of another
Python or system than this one is not asked for, and the table says so.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from pin_list import SHIPPED, Pin, list_of, read_pins

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"
BEGIN, END = "<!-- begin: make licences -->\n", "<!-- end: make licences -->\n"
COPYLEFT = re.compile(
    r"\b(?:[AL]?GPL|MPL|EPL|CDDL|EUPL|SSPL|OSL)|General Public|Mozilla|Eclipse|Affero", re.I
)
OWN_TERMS = re.compile(r"proprietary|EULA|End User|commercial|NVIDIA", re.I)
NOT_ASKED = "not read: another Python or system"
UNKNOWN = "unknown: its metadata names none"


def metadata(pins: list[Pin]) -> dict[str, dict[str, Any]]:
    """The metadata of each pin that this Python would install, by `str` of the pin.

    Raises:
        SystemExit: when pip fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed, report = Path(folder, "list.txt"), Path(folder, "report.json")
        listed.write_text("\n".join(pin.line for pin in pins), "utf-8")
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
            "--no-deps", "--report", str(report), "--requirement", str(listed),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"pip: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        found = json.loads(report.read_text("utf-8"))["install"]
    return {
        f"{canonical(item['metadata']['name'])}=={item['metadata']['version']}": item["metadata"]
        for item in found
    }


def canonical(name: str) -> str:
    """The name of a package as a pin list writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(found: dict[str, Any]) -> str:
    """The licence that a package's metadata names: its expression, classifiers or text."""
    if expression := found.get("license_expression"):
        return str(expression)
    classifiers = [c for c in found.get("classifier", ()) if c.startswith("License ::")]
    names = [c.rpartition(" :: ")[2] for c in classifiers if c != "License :: OSI Approved"]
    text = " ".join(str(found.get("license") or "").split())
    if names and not (text and len(text) <= 40 and COPYLEFT.search(text)):
        return ", ".join(sorted(set(names)))
    if not text:
        return UNKNOWN
    return text if len(text) <= 60 else f"{text[:57]}..."


def table(known: dict[str, str], places: dict[str, set[str]]) -> str:
    """The page's tables: copyleft, a vendor's own terms, what is not known, and all packages."""
    rows = {
        f"| {pin.replace('==', ' | ')} | {known.get(pin, NOT_ASKED).replace('|', '/')} | "
        f"{', '.join(sorted(found))} |": known.get(pin, NOT_ASKED)
        for pin, found in sorted(places.items())
    }
    head = "| package | version | licence | environment |\n|---|---|---|---|\n"
    parts = [
        ("Copyleft licences", [row for row, name in rows.items() if COPYLEFT.search(name)]),
        ("Terms of a vendor", [row for row, name in rows.items() if OWN_TERMS.search(name)]),
        ("Licences that are not known", [r for r, n in rows.items() if n in (UNKNOWN, NOT_ASKED)]),
        ("All packages", list(rows)),
    ]
    text = "".join(
        f"\n### {title}\n\n{len(chosen)} packages.\n\n{head}" + "".join(f"{r}\n" for r in chosen)
        for title, chosen in parts
    )
    return text + "\n"


def main() -> None:
    """Read the metadata of all lists and write the table."""
    known: dict[str, str] = {}
    places: dict[str, set[str]] = defaultdict(set)
    for name in SHIPPED:
        pins = read_pins(list_of(name).read_text("utf-8"))
        for pin in pins:
            places[str(pin)].add(name.partition("-")[0])
        # pip takes hashes for all packages or for none: torch's CPU build is asked for by the
        # lists for CUDA
        asked = [pin for pin in pins if pin.hashes and str(pin) not in known]
        print(f"{name}: reading the metadata of {len(asked)} packages", file=sys.stderr)
        for pin_name, found in metadata(asked).items():
            known[pin_name] = licence(found)
    page = PAGE.read_text("utf-8")
    head, _, rest = page.partition(BEGIN)
    PAGE.write_text(head + BEGIN + table(known, places) + END + rest.partition(END)[2], "utf-8")
    print(f"{PAGE.name}: {len(places)} packages, {len(known)} licences read")


if __name__ == "__main__":
    main()
