"""What is no regular file is refused by its kind, at once."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from seqctx import InputError
from seqctx.system.regular_file import open_file, read_file, read_file_text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"a\r\nb\xc3\xa4\rc\n")
    (tmp_path / "good").symlink_to("file")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pipe", "is a named pipe"),
        ("link", "is a named pipe"),
        ("loop", "symbolic links"),
        ("folder", "is a folder"),
        ("none", "no such file"),
        ("file/below", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("a\0b", "is not a path"),
        ("a\ud800b", "is not a path"),
        ("/dev/zero", "is a device"),
        ("/dev/tty", "is a device"),
        ("/proc/self/mem", "a file of the kernel"),
        ("/proc/cpuinfo", "a file of the kernel"),
        ("/sys/kernel/notes", "a file of the kernel"),
    ],
)
def test_other_kinds_are_refused_in_one_line(folder: Path, name: str, kind: str) -> None:
    if name.startswith(("/proc", "/sys")) and not os.path.exists(name):
        pytest.skip("this machine has no such file")
    with pytest.raises(InputError) as error:
        read_file(folder / name)
    assert kind in str(error.value)
    assert "\n" not in str(error.value)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may have 107 characters
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(InputError, match="is a socket"):
            open_file(Path("socket"))


def test_a_regular_file_is_read(folder: Path) -> None:
    assert read_file(folder / "good") == b"a\r\nb\xc3\xa4\rc\n"
    assert read_file_text(folder / "file") == (folder / "file").read_text("utf-8") == "a\nbä\nc\n"
    with open_file(folder / "file") as f:
        assert f.read(1) == b"a"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as f:
        f.truncate(10**12)
    with pytest.raises(InputError, match="is larger than 500 MB"):
        read_file(tmp_path / "sparse")
    (tmp_path / "small").write_bytes(b"12345")
    assert read_file(tmp_path / "small", most=5) == b"12345"
    with pytest.raises(InputError, match="is larger than"):
        read_file(tmp_path / "small", most=4)


def test_a_file_that_becomes_a_pipe_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, original = tmp_path / "file", os.open
    path.write_text("x")

    def exchanged(name: Path, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        return original(name, flags)

    monkeypatch.setattr(os, "open", exchanged)
    caught: list[BaseException] = []

    def reading() -> None:
        try:
            open_file(path)
        except InputError as error:
            caught.append(error)

    thread = threading.Thread(target=reading, daemon=True)
    thread.start()
    thread.join(5)
    assert "is a named pipe" in str(caught[0])
