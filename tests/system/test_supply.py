"""Bills of materials and licences say what the pin lists say; the audit says what it could ask."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "requirements"))
try:
    import audit
    import licences
    from pin_list import PINS, SHIPPED, Pin, list_of, read_pins
finally:
    sys.path.pop(0)

PAGE = (ROOT / "docs" / "licences.md").read_text("utf-8")


def pins_of(name: str) -> list[Pin]:
    return read_pins(list_of(name).read_text("utf-8"))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_line_of_a_list_is_a_pin(name: str) -> None:
    text = list_of(name).read_text("utf-8")
    pins = pins_of(name)
    assert len(pins) == len(re.findall(r"^\w", text, re.M)) > 50
    assert sum(len(pin.hashes) for pin in pins) == text.count("--hash=sha256:")
    assert [pin.name for pin in pins if not pin.hashes] == (
        ["torch"] if name.endswith("cpu") else []
    )
    assert [pin.condition for pin in pins if "hash" in pin.condition] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_bill_of_materials_has_the_packages_of_its_list(name: str) -> None:
    file = PINS / f"{name}.cdx.json"
    bill = json.loads(file.read_text("utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    found = {
        Pin(
            part["name"],
            part["version"],
            "".join(each["value"] for each in part.get("properties", ())),
            tuple(sorted(h["content"] for h in part["externalReferences"][0].get("hashes", ()))),
        )
        for part in bill["components"]
    }
    listed = {Pin(p.name, p.version, p.condition, tuple(sorted(p.hashes))) for p in pins_of(name)}
    assert found == listed, "run `make sbom`"
    assert len(bill["components"]) == len(listed)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_bill_of_materials_is_small_and_the_same_every_time(name: str) -> None:
    text = (PINS / f"{name}.cdx.json").read_text("utf-8")
    assert len(text) < 1_000_000
    assert "serialNumber" not in text and "timestamp" not in text
    assert set(re.findall(r"\w+://[^/\"]+", text)) == {"http://cyclonedx.org"}


def test_the_table_of_licences_has_the_packages_of_the_lists() -> None:
    listed: dict[tuple[str, str], set[str]] = {}
    for name in SHIPPED:
        for pin in pins_of(name):
            listed.setdefault((pin.name, pin.version), set()).add(name.partition("-")[0])
    table = PAGE.partition("### All packages")[2]
    rows = re.findall(r"^\| ([\w.-]+) \| (\S+) \| (.+) \| ([a-z, ]+) \|$", table, re.M)
    found = {(name, version): set(places.split(", ")) for name, version, _, places in rows}
    found.pop(("package", "version"), None)
    assert found == listed, "run `make licences`"
    unknown = sum(licence in (licences.UNKNOWN, licences.NOT_ASKED) for _, _, licence, _ in rows)
    assert unknown < len(rows) / 8
    copyleft = PAGE.partition("### Copyleft")[2].partition("###")[0]
    for name, version, licence, _ in rows:
        assert not licences.COPYLEFT.search(licence) or f"| {name} | {version} |" in copyleft


def test_all_data_that_is_shipped_has_its_licence() -> None:
    named = re.findall(r"`(src/[^`]+|prepare/[^`]+)`", PAGE.partition("## What is installed")[0])
    data = [
        path.relative_to(ROOT).as_posix()
        for place in ("src/seqctx", "prepare/manuscripts", "prepare/notes")
        for path in (ROOT / place).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".typed")
    ]
    own = ("src/seqctx/report/templates/", "src/seqctx/prepare/prompts.yaml")  # of the first row
    for path in data:
        assert path.startswith((*(n for n in named if n != "src/seqctx"), *own)), path
    notice = (ROOT / "NOTICE").read_text("utf-8")
    for name in ("axolotl", "vllm"):
        assert f"src/seqctx/catalog/{name}.json" in notice


@pytest.mark.parametrize(
    "found, licence",
    [
        ({"license_expression": "MIT", "license": "x", "classifier": []}, "MIT"),
        ({"classifier": ["License :: OSI Approved :: MIT License"]}, "MIT License"),
        ({"classifier": ["License :: OSI Approved"], "license": "BSD"}, "BSD"),
        (
            {"license": "LGPL-2.1-or-later", "classifier": ["License :: OSI Approved :: X"]},
            "LGPL-2.1-or-later",
        ),
        ({"license": "GNU LESSER GENERAL PUBLIC LICENSE\n" + "x" * 99}, None),
        ({}, licences.UNKNOWN),
        ({"license": "  "}, licences.UNKNOWN),
    ],
)
def test_the_licence_that_metadata_names(found: dict[str, Any], licence: str | None) -> None:
    named = licences.licence(found)
    assert named == licence if licence else licences.COPYLEFT.search(named) and len(named) == 60


@pytest.mark.parametrize(
    "answer, status, line",
    [
        ({"skip_reason": "not found"}, 3, "the vulnerability service cannot be asked from here"),
        ({"version": "1", "vulns": []}, 0, "1 packages looked up, 0 are not known"),
        (
            {"version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]},
            1,
            "core: p==1: X-1, fixed in 2",
        ),
    ],
)
def test_the_audit_tells_nothing_found_from_not_asked(
    answer: dict[str, Any],
    status: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "pip_audit", lambda pins: [{"name": "p", **answer}])
    with pytest.raises(SystemExit) as ended:
        audit.main()
    assert ended.value.code == status
    out, err = capsys.readouterr()
    assert line in out + err


def test_an_audit_that_fails_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Here pip-audit is not installed beside the tests."""
    with pytest.raises(SystemExit) as ended:
        audit.pip_audit([Pin("p", "1", "", ("a",))])
    assert ended.value.code == 3 and len(capsys.readouterr().err.splitlines()) == 1
