"""Files on this machine: what is written is whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fanfold.errors import UserError
from fanfold.storage import (
    AccessDenied,
    Changed,
    NotFound,
    exists,
    open_reader,
    place,
    stat,
    write_bytes,
)
from fanfold.storage.local import LocalStorage, write_text, written_beside


def everything(folder: Path) -> dict[str, str]:
    """Relative name -> content of all that lies in a folder, hidden files too."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else "(folder)"
        for path in sorted(folder.rglob("*"))
    }


def test_a_file_appears_whole_when_the_block_ends(tmp_path: Path) -> None:
    with written_beside(tmp_path / "file.txt") as beside:
        assert beside.suffixes == [".txt"]  # what looks at the name's ending sees the right one
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


@contextmanager
def as_nobody() -> Iterator[None]:
    """Within the block, root is no root: it may read every file."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    (tmp_path / "secret").chmod(0)
    with as_nobody(), pytest.raises(UserError, match="secret' may not be read by this user"):
        open_reader(str(tmp_path / "secret"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.csv", "a link leads back to itself"),
        ("a.csv/below", "a link leads back to itself"),
        ("n" * 300, "the name is too long"),
        ("zero\0byte", "the name holds a zero byte"),
    ],
)
def test_a_path_at_which_nothing_can_be_is_the_users_mistake(
    tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "a.csv").symlink_to("b.csv")
    (tmp_path / "b.csv").symlink_to("a.csv")
    path = str(tmp_path / name)
    for use in (
        open_reader,
        stat,
        place,
        exists,
        lambda path: write_bytes(path, b""),
        lambda path: list(LocalStorage(path).list()),
    ):
        with pytest.raises(NotFound, match=f"^no file can be reached at '.*: {why}$"):
            use(path)


def test_a_folder_that_is_closed_to_this_user_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(0o700)
    path = str(tmp_path / "closed" / "file")
    for folder in tmp_path, *list(tmp_path.parents)[:3]:
        if folder.stat().st_uid == os.geteuid() and "pytest" in str(folder):
            folder.chmod(0o755)
    with as_nobody(), pytest.raises(AccessDenied, match="file' may not be read by this user"):
        place(path)


def test_a_file_that_is_written_to_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * 3_000_000)
    with open_reader(str(path)) as stream:
        stream.read(10)
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(Changed, match="file' was changed while it was read: run again"):
            stream.read()


def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * 3_000_000)
    with open_reader(str(path)) as stream:
        stream.read(10)
        write_text(path, "new")
        assert stream.read() == b"a" * 2_999_990


def test_a_pipe_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"through",))
    writer.start()
    with open_reader(str(tmp_path / "pipe")) as stream:
        assert stream.read() == b"through"
    writer.join()


def test_what_is_being_written_is_not_listed_nor_what_a_killed_writer_left(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("folder/file", b"1")
    with written_beside(tmp_path / "folder/other") as beside:
        beside.write_bytes(b"half")
        assert [entry.key for entry in storage.list()] == ["folder/file"]
        storage.write(".hidden/.file.gz", b"2")
        assert [entry.key for entry in storage.list()] == [".hidden/.file.gz", "folder/file"]


def test_a_folder_is_listed_while_others_write_into_it(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("a/stays", b"1")
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            storage.write("a/comes", b"2")
            storage.remove("a/comes")

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(300):
            keys = [entry.key for entry in storage.list()]
            assert keys in (["a/stays"], ["a/comes", "a/stays"])
    finally:
        done.set()
        for writer in writers:
            writer.join()


def test_links_to_files_and_folders_are_followed_and_those_to_nothing_left_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "disk/deep").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"123")
    (tmp_path / "disk/deep/file").write_bytes(b"1")
    (tmp_path / "root/link").symlink_to(tmp_path / "file")
    (tmp_path / "root/a").symlink_to(tmp_path / "disk")
    (tmp_path / "root/broken").symlink_to(tmp_path / "missing")
    (tmp_path / "root/below").symlink_to(tmp_path / "file/below")
    (tmp_path / "root/itself").symlink_to(tmp_path / "root/itself")
    storage = LocalStorage(tmp_path / "root")
    listed = [(entry.key, entry.size) for entry in storage.list()]
    assert listed == [("a/deep/file", 1), ("link", 3)]
    assert [entry.key for entry in storage.list("a/d")] == ["a/deep/file"]
    storage.write("a/deep/other", b"12")
    assert [entry.key for entry in storage.list("a/")] == ["a/deep/file", "a/deep/other"]
    assert (tmp_path / "disk/deep/other").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's place")
def test_a_link_to_where_one_may_not_look_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "root/file").write_bytes(b"1")
    (tmp_path / "root/link").symlink_to(tmp_path / "theirs")
    code = (
        "import os, sys; from fanfold.storage.local import LocalStorage; os.chdir(sys.argv[1]);"
        "found = LocalStorage('.').list; list(found());"  # all is imported, wherever it may lie
        "os.setuid(65534); print([entry.key for entry in found()])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "root"], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "['file']\n"


def test_links_that_lead_back_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "root/a/b").mkdir(parents=True)
    (tmp_path / "root/a/file").touch()
    (tmp_path / "root/loop").symlink_to(tmp_path / "root")
    (tmp_path / "root/a/b/up").symlink_to(tmp_path / "root/a")
    (tmp_path / "root/twice").symlink_to(tmp_path / "root/a")  # another way, and no loop
    keys = [entry.key for entry in LocalStorage(tmp_path / "root").list()]
    assert keys == ["a/file", "twice/file"]


@pytest.mark.parametrize("before", ["something", None])
def test_what_a_link_leads_to_is_replaced_and_the_link_stays(
    before: str | None, tmp_path: Path
) -> None:
    (tmp_path / "big").mkdir()
    link, goal = tmp_path / "found", tmp_path / "big" / "found"
    link.symlink_to(goal)
    if before:
        goal.mkdir()
        (goal / before).touch()
    with written_beside(link) as beside:
        beside.mkdir()
        (beside / "file").write_text("x")
    assert link.is_symlink()
    assert everything(goal) == {"file": "x"}
    assert [each.name for each in goal.parent.iterdir()] == ["found"]


def test_what_is_written_through_a_link_has_the_links_ending(tmp_path: Path) -> None:
    (tmp_path / "words.csv.gz").symlink_to(tmp_path / "latest")
    with written_beside(tmp_path / "words.csv.gz") as beside:
        assert beside.suffixes == [".csv", ".gz"]
        beside.write_text("x")
    assert (tmp_path / "latest").read_text() == "x"


@pytest.mark.parametrize("name", ["out/sub/..", "out/.", "replaced", "new"])
def test_a_folder_of_any_name_is_replaced_and_nothing_beside_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "neighbour").write_text("stays")
    goal = (tmp_path / name).resolve()
    (tmp_path / "out" / "sub").mkdir(parents=True)
    goal.mkdir(exist_ok=True)
    (goal / "old").touch()
    with written_beside(tmp_path / name) as beside:
        beside.mkdir()
        (beside / "file").write_text("x")
    assert everything(goal) == {"file": "x"}
    assert {each.name for each in tmp_path.iterdir()} == {"neighbour", "out", goal.name}


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("a/b", b"1")
    with pytest.raises(UserError, match="a' is a folder, and a file is to be written"):
        storage.write("a", b"2")
    with pytest.raises(UserError, match="b/c' cannot be written: a part of it is a file"):
        storage.write("a/b/c", b"2")
    assert everything(tmp_path) == {"a": "(folder)", "a/b": "1"}
