"""What an archive may unpack to, held against the bytes that really come out."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from seqctx import InputError
from seqctx.system import archives
from seqctx.system.archives import open_archive


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_member_beyond_the_limit_is_not_unpacked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED", 3_000_000)
    path = zipped(tmp_path / "a.epub", {"a": bytes(2_000_000), "b": bytes(2_000_000)})
    with open_archive(path, ".epub") as archive:
        assert len(archive.read("a")) == 2_000_000
        with pytest.raises(InputError, match=r"a\.epub: b in it unpacks to over 1 MB"):
            archive.read("b")
        assert archive.unpacked < 3_100_000


def test_the_real_bytes_count_and_not_the_size_that_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_SMALL", 100_000)
    path = zipped(tmp_path / "a.docx", {"a": bytes(2_000_000)})
    raw = path.read_bytes().replace(struct.pack("<I", 2_000_000), struct.pack("<I", 2_000))
    path.write_bytes(raw)
    with open_archive(path, ".docx") as archive, pytest.raises(InputError, match="damaged|unpacks"):
        archive.read("a")


def test_a_member_that_packs_too_well_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_SMALL", 100_000)
    path = zipped(tmp_path / "a.docx", {"a": bytes(2_000_000)})
    with open_archive(path, ".docx") as archive, pytest.raises(InputError, match="a in it unpacks"):
        archive.read("a")


def test_too_many_members_are_refused_before_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 50)
    path = zipped(tmp_path / "a.odt", {f"m{k}": b"" for k in range(51)})
    with pytest.raises(InputError, match="holds more than 50 members"), open_archive(path, ".odt"):
        raise AssertionError("it was opened")


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"%PDF-1.7", "it is a PDF"), (b"{\\rtf1", "it is an .rtf file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old .doc file, or locked by a password"),
        (b"", "not a .docx file"), (b"PK\3\4", "not a .docx file"), (b"x" * 5000, "damaged"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_named(tmp_path: Path, start: bytes, said: str) -> None:
    (tmp_path / "a.docx").write_bytes(start)
    with (
        pytest.raises(InputError, match=re.escape(said)),
        open_archive(tmp_path / "a.docx", ".docx"),
    ):
        raise AssertionError("it was opened")


@pytest.mark.slow
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_flipped_bit_is_one_line(tmp_path: Path, method: int) -> None:
    whole = zipped(tmp_path / "a.epub", {"a": b"Once upon a time. " * 40}, method).read_bytes()
    path = tmp_path / "b.epub"
    read = refused = 0
    for bit in range(len(whole) * 8):
        raw = bytearray(whole)
        raw[bit // 8] ^= 1 << bit % 8
        path.write_bytes(raw)
        try:
            with open_archive(path, ".epub") as archive:
                archive.read("a")
            read += 1
        except InputError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)
            refused += 1
    assert read and refused


def test_names_that_lead_outside_or_come_twice_or_hold_signs(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    with zipfile.ZipFile(path, "w") as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("../a", "/etc/passwd", "a", "a", "\x1b]0;title\x07\n"):
            made.writestr(name, b"text")
    with open_archive(path, ".epub") as archive:
        assert archive.read("a") == archive.read("../a") == b"text"
        with pytest.raises(InputError, match=r"\\x1b\\n is not in it") as found:
            archive.read("\x1b\n")
        assert "\n" not in str(found.value)


def test_a_reader_takes_a_member_piece_by_piece(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.odt", {"a": bytes(range(256)) * 5000})
    with open_archive(path, ".odt") as archive, archive.stream("a") as stream:
        assert stream.read(1000) == (bytes(range(256)) * 5000)[:1000]
        assert archive.unpacked < 200_000
        assert isinstance(stream, io.BufferedReader)
