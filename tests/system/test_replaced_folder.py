"""A folder is replaced as a whole or not at all, and no file of the user's with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seqctx import CheckError, InputError
from seqctx.system.replaced_folder import real_folder, replaced_folder
from seqctx.system.users_files import FolderKind

ANY = FolderKind("a", lambda folder: None, lambda name, written: True)
"""Folders whose files are all ours, if they have the file a."""


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failed_run_leaves_the_old_folder_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    folder = tmp_path / "out"
    with replaced_folder(folder, kind=ANY) as partial:
        (partial / "a").write_text("1")
    with pytest.raises(error), replaced_folder(folder, kind=ANY) as partial:
        (partial / "b").write_text("2")
        raise error
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert [p.name for p in folder.iterdir()] == ["a"]


def test_the_next_run_repairs_what_was_killed_between_the_renames(tmp_path: Path) -> None:
    (tmp_path / "out.seqctx-old").mkdir()
    (tmp_path / "out.seqctx-old" / "a").write_text("1")
    (tmp_path / "out.seqctx-partial").mkdir()
    with pytest.raises(RuntimeError), replaced_folder(tmp_path / "out", kind=ANY):
        raise RuntimeError
    assert (tmp_path / "out" / "a").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_a_run_killed_after_the_renames_left_does_not_stop_the_next(tmp_path: Path) -> None:
    for name in ("out", "out.seqctx-old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("1")
    with replaced_folder(tmp_path / "out", kind=ANY) as partial:
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            "out", "out.seqctx-partial", "out.seqctx-partial.lock",
        ]  # fmt: skip
        (partial / "a").write_text("2")
    assert (tmp_path / "out" / "a").read_text() == "2"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_run_leaves_alone_what_another_is_replacing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its two renames a run has no folder, but a partial one that is whole."""
    folder, original, seen = tmp_path / "out", Path.rename, []

    def watched(self: Path, target: Path) -> Path:
        done = original(self, target)
        if target.name == "out.seqctx-old":
            seen.append(sorted(p.name for p in tmp_path.iterdir()))
            with pytest.raises(CheckError, match="another run is writing it"):
                with replaced_folder(folder, kind=ANY):
                    raise AssertionError
            assert sorted(p.name for p in tmp_path.iterdir()) == seen[-1]
        return done

    monkeypatch.setattr(Path, "rename", watched)
    for text in ("1", "2"):
        with replaced_folder(folder, kind=ANY) as partial:
            (partial / "a").write_text(text)
    assert seen == [["out.seqctx-old", "out.seqctx-partial", "out.seqctx-partial.lock"]]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (folder / "a").read_text() == "2"


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "novel.txt").write_text("years of work")
    with pytest.raises(CheckError, match="was not made by seqctx"):
        with replaced_folder(folder, kind=ANY):
            raise AssertionError
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "novel.txt"]


def test_an_empty_folder_that_cannot_be_renamed_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container whose image has it: rename(2) gives EXDEV on overlayfs."""
    folder, rename = tmp_path / "out", Path.rename
    folder.mkdir()

    def refuse(self: Path, target: Path) -> Path:
        if self == folder:
            raise OSError(18, "Invalid cross-device link", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with replaced_folder(folder, kind=ANY) as partial:
        (partial / "a").write_text("whole")
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "a"]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk" / "out").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "out")
    for text in ("1", "2"):
        with replaced_folder(tmp_path / "out", kind=ANY) as partial:
            (partial / "a").write_text(text)
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "out" / "a").read_text() == "2"
    assert [p.name for p in (tmp_path / "disk").iterdir()] == ["out"]


def test_two_runs_do_not_destroy_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with replaced_folder(folder, kind=ANY) as partial:
        (partial / "a").write_text("1")
        with pytest.raises(CheckError, match="another run is writing it"):
            with replaced_folder(folder, kind=ANY):
                raise AssertionError
    assert (folder / "a").read_text() == "1"


HOLDER = """
import sys, time
from pathlib import Path
from tests.system.test_replaced_folder import ANY, replaced_folder
with replaced_folder(Path(sys.argv[1]), kind=ANY) as partial:
    print("holds it", flush=True)
    time.sleep(600)
"""


def test_a_killed_process_frees_its_lock(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with subprocess.Popen([sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline() == b"holds it\n"
        with pytest.raises(CheckError, match="another run is writing it. Wait until it ends"):
            with replaced_folder(folder, kind=ANY):
                raise AssertionError
        holder.kill()
    with replaced_folder(folder, kind=ANY) as partial:
        (partial / "a").write_text("1")
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "a"]


def test_a_name_that_is_too_long_is_one_line() -> None:
    with pytest.raises(InputError, match="File name too long"):
        real_folder(Path("9" * 300))
