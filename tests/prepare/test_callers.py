"""Mistakes of a caller: one sentence of ours, never a traceback of another library."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqctx import Book, InputError, chunk, coverage, load_tokenizer, read_manuscript
from seqctx.artifacts.manifest import Manifest
from seqctx.prepare.analysis.near_duplicates import find_near_duplicates, sketches
from seqctx.prepare.tokenizer import Tokenizer
from seqctx.report.page import page
from seqctx.report.plots import histogram
from tests.prepare.test_formats import as_docx, as_epub, as_odt


@pytest.fixture(scope="module")
def book(novella: Path) -> Book:
    return read_manuscript(novella)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"book": "text"}, "book: must be a Book (got str). Read one with read_manuscript."),
        ({"tokenizer": "gpt2"}, "tokenizer: must be a Tokenizer (got str). Load one with"),
        ({"max_tokens": 0}, "max_tokens: must be a whole number of at least 1 (got 0)."),
        ({"max_tokens": 99.5}, "max_tokens: must be a whole number of at least 1 (got 99.5)."),
        ({"min_tokens": -1}, "min_tokens: must be a whole number of at least 0 (got -1)."),
        ({"overlap": -0.5}, "overlap: must be a share of the chunk"),
        ({"overlap": float("nan")}, "overlap: must be a share of the chunk"),
        ({"overlap": "half"}, "overlap: must be a share of the chunk"),
        ({"strategy": "chapters"}, "strategy: must be 'sequential', 'overlap' or 'scenes'"),
        ({"strategy": 5}, "strategy: must be 'sequential', 'overlap' or 'scenes' (got 5)."),
        ({"counts": 5}, "counts: must be a list (got int). Pass what paragraph_tokens gave"),
        ({"counts": []}, "counts: must have one number for each of"),
    ],
)
@pytest.mark.parametrize("function", [chunk, coverage])
def test_wrong_arguments(
    book: Book, tokenizer: Tokenizer, function: Callable[..., Any], arguments: dict[str, Any],
    message: str,
) -> None:  # fmt: skip
    given: dict[str, Any] = {"book": book, "tokenizer": tokenizer, "max_tokens": 500, **arguments}
    if function is coverage:
        given["sequence_len"] = given.pop("max_tokens")
        message = message.replace("max_tokens", "sequence_len")
    with pytest.raises(InputError) as found:
        function(given.pop("book"), given.pop("tokenizer"), **given)
    assert message in str(found.value) and "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (chunk, {"start": "x"}, "start: must be a whole number of at least 0 (got 'x')."),
        (chunk, {"end": -1}, "end: must be a whole number of at least 0 (got -1)."),
        (coverage, {"lengths": 5}, "lengths: must be a tuple or list (got int)."),
        (coverage, {"lengths": (0,)}, "lengths: must be a whole number of at least 1 (got 0)."),
        (coverage, {"example_spans": 5}, "example_spans: must be a tuple or list (got int)."),
    ],
)
def test_wrong_arguments_of_one(
    book: Book, tokenizer: Tokenizer, function: Callable[..., Any], arguments: dict[str, Any],
    message: str,
) -> None:  # fmt: skip
    length = {"max_tokens" if function is chunk else "sequence_len": 500}
    with pytest.raises(InputError) as found:
        function(book, tokenizer, **length, **arguments)
    assert message in str(found.value) and "\n" not in str(found.value)


def test_what_cannot_be_read_or_loaded() -> None:
    with pytest.raises(InputError, match=r"path: must be a str or Path \(got int\)"):
        read_manuscript(5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"base_model: must be a str or Path \(got int\)"):
        load_tokenizer(5)  # type: ignore[arg-type]


def test_a_folder_may_be_a_path(model_folder: Path) -> None:
    assert load_tokenizer(model_folder).count("a") == 1


def test_a_damaged_tokenizer_is_one_line(model_folder: Path, tmp_path: Path) -> None:
    for file in model_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0", "model": {"type": "none"}}')
    with pytest.raises(InputError, match="its tokenizer cannot be loaded") as found:
        load_tokenizer(str(tmp_path))
    assert "\n" not in str(found.value)


def write_texts(folder: Path) -> None:
    as_docx(folder / "tale.docx")
    as_odt(folder / "tale.odt")
    as_epub(folder / "tale.epub")
    (folder / "tale.md").write_text("Once.")
    (folder / "tale.txt").write_bytes("雨下了一整夜，没有人睡觉。河水很高。".encode("gb18030"))
    (folder / "tokenizer.json").write_text("{}")


def near_duplicates(folder: Path) -> object:
    return find_near_duplicates(sketches(read_manuscript(folder / "tale.md")))


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("lxml", lambda folder: read_manuscript(folder / "tale.docx")),
        ("lxml", lambda folder: read_manuscript(folder / "tale.odt")),
        ("lxml", lambda folder: read_manuscript(folder / "tale.epub")),
        ("markdown_it", lambda folder: read_manuscript(folder / "tale.md")),
        ("charset_normalizer", lambda folder: read_manuscript(folder / "tale.txt")),
        ("datasketch", near_duplicates),
        ("jinja2", lambda folder: page("t", [])),
        ("matplotlib", lambda folder: histogram({1: 1}, 10)),
        ("tokenizers", lambda folder: load_tokenizer(str(folder))),
        ("transformers", lambda folder: load_tokenizer(str(folder))),
    ],
)
def test_a_missing_package_is_named_with_the_command(
    package: str, use: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_texts(tmp_path)
    block(package, monkeypatch)
    with pytest.raises(InputError) as found:
        use(tmp_path)
    assert f"needs the package {package}, which is not installed." in str(found.value)
    assert str(found.value).endswith("Run: pip install 'seqctx[prepare]'")


def test_the_chat_template_needs_a_package(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    block("jinja2", monkeypatch)
    with pytest.raises(InputError, match="the chat template: needs the package jinja2"):
        tokenizer.render([{"role": "user", "content": "a"}])


@pytest.mark.parametrize("package", ["wordfreq", "numpy"])
def test_a_package_that_coverage_lacks(
    package: str, book: Book, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqctx.prepare.analysis import motifs

    motifs._language.cache_clear()
    motifs._top.cache_clear()
    block(package, monkeypatch)
    with pytest.raises(InputError, match=f"needs the package {package}, which is not installed"):
        coverage(book, tokenizer, sequence_len=2048)


def block(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the import of a package, and of all within it, fail as if it were not installed."""
    for name in [*sys.modules]:
        if name.partition(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)


def test_a_manifest_of_another_kind_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"fingerprint": 3}')
    with pytest.raises(InputError, match="manifest.json: "):
        Manifest.read(tmp_path / "manifest.json")


@pytest.mark.parametrize("where", ["tokenizer_config.json", "config.json"])
def test_code_of_a_model_is_neither_run_nor_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Transformers would ask on the terminal whether it may run the code."""
    ran = tmp_path / "ran"
    (tmp_path / "theirs.py").write_text(f"open({str(ran)!r}, 'w')\nclass T: pass\n")
    code = {"auto_map": {"AutoTokenizer": ["theirs.T", "theirs.T"], "AutoConfig": "theirs.T"}}
    given = {
        "config.json": {"model_type": "of_their_own", "hidden_size": 64},
        "tokenizer_config.json": {"tokenizer_class": "Other"},
        "tokenizer.json": {},
    }
    for name, data in given.items():
        (tmp_path / name).write_text(json.dumps(data | (code if name == where else {})))
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked"))
    with pytest.raises(InputError, match="base_model: .*its tokenizer") as error:
        load_tokenizer(tmp_path)
    assert len(str(error.value).splitlines()) == 1 and not ran.exists()
