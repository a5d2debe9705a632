"""SECURITY.md: every promise names a test that exists."""

from __future__ import annotations

import re

from tests.conftest import ROOT

PAGE = (ROOT / "SECURITY.md").read_text("utf-8")


def promises() -> dict[str, list[str]]:
    """The promises of all tables, and the tests that each of them names."""
    rows = re.findall(r"^\| (?!promise|-)(.+) \| (.+) \|$", PAGE, re.M)
    return {promise: re.findall(r"`([^`]+)`", proofs) for promise, proofs in rows}


def test_every_promise_names_tests_that_exist() -> None:
    assert len(promises()) > 5
    for promise, proofs in promises().items():
        assert proofs, f"no test proves: {promise}"
        for proof in proofs:
            file, _, name = proof.partition("::")
            text = (ROOT / file).read_text("utf-8")
            assert re.search(rf"^def {re.escape(name)}\(", text, re.M), f"{promise}: {proof}"


def test_the_page_is_linked_and_packed() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        assert "](SECURITY.md)" in (ROOT / page).read_text("utf-8"), page
    (packed,) = re.findall(
        r"^license-files = (.*)$", (ROOT / "pyproject.toml").read_text("utf-8"), re.M
    )
    for name in ("LICENSE", "NOTICE", "SECURITY.md", "docs/licences.md"):
        assert f'"{name}"' in packed and (ROOT / name).is_file()


def test_no_address_is_made_up() -> None:
    assert "@" not in PAGE
