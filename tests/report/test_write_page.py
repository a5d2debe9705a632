"""A page of the user's choice of name replaces only a page that we wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seqctx.errors import InputError
from seqctx.report.write_page import write_page
from tests.conftest import ROOT, seqctx
from tests.users_files import refusal


def test_a_page_is_written_again_but_not_over_another_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "plan.html"
    for text in ("<p>one</p>\n", "<p>two</p>"):
        write_page(path, text)
        assert path.read_text().startswith(text)
    path.write_text(path.read_text().replace("two", "my notes"))
    for text in (path.read_text(), "my own page", ""):
        path.write_text(text)
        with pytest.raises(InputError, match="is not an unchanged page of seqctx. Choose another"):
            write_page(path, "<p>three</p>")
        assert path.read_text() == text


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "plan.html").symlink_to("public.html")
    for text in ("one", "two"):
        write_page(tmp_path / "plan.html", text)
    assert (tmp_path / "plan.html").is_symlink()
    assert (tmp_path / "public.html").read_text().startswith("two")


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for place in (tmp_path / "fifo", Path("/dev/null"), tmp_path):
        with pytest.raises(InputError):
            write_page(place, "page")
        assert not place.is_file()


def test_plan_does_not_overwrite_a_config_or_a_manuscript(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    text = (ROOT / "axolotl_configs/llama-3.1-8b-qlora-32gb.yaml").read_text()
    config.write_text(text)
    (tmp_path / "novel.html").write_text("years of work")
    for name in ("c.yaml", "novel.html"):
        line = refusal(seqctx("plan", "c.yaml", "--html", name, cwd=tmp_path))
        assert line.endswith("Choose another name, or move the file away.")
    assert config.read_text() == text
    assert (tmp_path / "novel.html").read_text() == "years of work"
    for _ in range(2):
        answer = seqctx("plan", "c.yaml", "--html", "plan.html", cwd=tmp_path)
        assert answer.returncode == 0, answer.stderr
