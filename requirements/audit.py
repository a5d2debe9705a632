"""Looks for known vulnerabilities in the packages of the three environments, with pip-audit.

    make audit

Ends with status 1 where one is found, and with 3 where the vulnerability service cannot be asked:
pip-audit itself would then report that nothing was found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pin_list import SHIPPED, Pin, list_of, read_pins

COULD_NOT_ASK = "audit: the vulnerability service cannot be asked from here"


def pip_audit(pins: list[Pin]) -> list[dict[str, Any]]:
    """What pip-audit knows of each pin that this Python would install; nothing is installed.

    Raises:
        SystemExit: when it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "list.txt")
        listed.write_text("\n".join(pin.line for pin in pins), "utf-8")
        command = [
            sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format",
            "json", "--progress-spinner", "off", "--requirement", str(listed),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        why = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"{COULD_NOT_ASK}: {why[:300]}", file=sys.stderr)
        sys.exit(3)
    return found


def main() -> None:
    """Ask for each list, print what is found, and say how many packages were looked up."""
    asked, known, unknown = set[str](), set[str](), set[str]()
    vulnerable = False
    for name in SHIPPED:
        pins = read_pins(list_of(name).read_text("utf-8"))
        # torch's CPU build has no hash: the lists for CUDA have the same version
        new = [pin for pin in pins if pin.hashes and str(pin) not in asked]
        asked |= {str(pin) for pin in new}
        for found in pip_audit(new):
            pin = f"{found['name']}=={found.get('version', '')}"
            (unknown if "skip_reason" in found else known).add(pin)
            for problem in found.get("vulns", ()):
                vulnerable = True
                fixed = ", ".join(problem["fix_versions"]) or "no version"
                print(f"{name}: {pin}: {problem['id']}, fixed in {fixed}")
    if not known:
        print(f"{COULD_NOT_ASK}: it knows none of {len(unknown)} packages.", file=sys.stderr)
        sys.exit(3)
    print(f"{len(known)} packages looked up, {len(unknown)} are not known to the service")
    sys.exit(1 if vulnerable else 0)


if __name__ == "__main__":
    main()
