"""Files on this machine: what is written is whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fanfold.errors import UserError
from fanfold.storage import open_reader
from fanfold.storage.local import write_text, written_beside


def everything(folder: Path) -> dict[str, str]:
    """Relative name -> content of all that lies in a folder, hidden files too."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else "(folder)"
        for path in sorted(folder.rglob("*"))
    }


def test_a_file_appears_whole_when_the_block_ends(tmp_path: Path) -> None:
    with written_beside(tmp_path / "file.txt") as beside:
        assert beside.name == "file.txt"  # what looks at the name's ending sees the right one
        beside.write_text("half")
        assert not (tmp_path / "file.txt").exists()
        beside.write_text("whole")
    assert everything(tmp_path) == {"file.txt": "whole"}


def test_a_folder_appears_whole_when_the_block_ends(tmp_path: Path) -> None:
    with written_beside(tmp_path / "model") as beside:
        beside.mkdir()
        (beside / "a").write_text("1")
        assert not (tmp_path / "model").exists()
    assert everything(tmp_path) == {"model": "(folder)", "model/a": "1"}


def test_parents_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "file.txt", "größe")
    assert (tmp_path / "a/b/file.txt").read_text(encoding="utf-8") == "größe"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_raises_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error), written_beside(tmp_path / "file.txt") as beside:
        beside.write_text("half")
        raise error
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_raises_leaves_what_was_there_before(
    error: type[BaseException], tmp_path: Path
) -> None:
    (tmp_path / "file.txt").write_text("old")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_text("old")
    before = everything(tmp_path)
    with pytest.raises(error), written_beside(tmp_path / "file.txt") as beside:
        beside.write_text("half")
        raise error
    with pytest.raises(error), written_beside(tmp_path / "model") as beside:
        beside.mkdir()
        raise error
    assert everything(tmp_path) == before


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    write_text(tmp_path / "file.txt", "a long old text")
    write_text(tmp_path / "file.txt", "new")
    assert everything(tmp_path) == {"file.txt": "new"}


def test_an_existing_folder_is_replaced_with_all_that_it_held(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("old")
    with written_beside(tmp_path / "model") as beside:
        beside.mkdir()
        (beside / "new").write_text("new")
        assert (tmp_path / "model" / "old").exists()
    assert everything(tmp_path) == {"model": "(folder)", "model/new": "new"}


def test_a_block_that_writes_nothing_leaves_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("old")
    with pytest.raises(FileNotFoundError), written_beside(tmp_path / "model"):
        pass
    with pytest.raises(FileNotFoundError), written_beside(tmp_path / "file.txt"):
        pass
    assert everything(tmp_path) == {"model": "(folder)", "model/old": "old"}


def test_this_very_folder_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with written_beside(".") as beside:
        beside.mkdir()
        (beside / "a").write_text("1")
    assert everything(tmp_path) == {"here": "(folder)", "here/a": "1"}


def test_others_may_read_what_is_written_as_they_may_any_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "file.txt", "")
    with written_beside(tmp_path / "folder") as beside:
        beside.mkdir()
    (tmp_path / "plain_folder").mkdir()
    for ours, plain in (("file.txt", "plain"), ("folder", "plain_folder")):
        assert (tmp_path / ours).stat().st_mode == (tmp_path / plain).stat().st_mode


def test_a_file_is_opened_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xff")
    with open_reader(str(tmp_path / "file")) as stream:
        assert stream.read() == b"\x00\xff"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("missing.csv", "no file at '.*missing.csv': check the path"),
        ("", "is a folder, and a file is needed"),
        ("file/inside.csv", "no file at|cannot be read"),
    ],
)
def test_what_cannot_be_opened_is_told_in_one_line(uri: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=message):
        open_reader(str(tmp_path / uri))


def test_an_unknown_scheme_is_named() -> None:
    with pytest.raises(UserError, match="cannot read 'ftp://a/b.csv': ftp:// is not supported"):
        open_reader("ftp://a/b.csv")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    (tmp_path / "secret").chmod(0)
    with pytest.raises(UserError, match="secret' may not be read by this user"):
        open_reader(str(tmp_path / "secret"))
