"""Folders of temporary files: gone when their block ends, cleared when their process is gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fanfold.storage.errors import NoRoom
from fanfold.storage.room import IN_USE
from fanfold.storage.scratch import scratch_folder

HOLD = """
from fanfold.storage import scratch_folder
with scratch_folder() as scratch:
    (scratch / "corpus").mkdir()
    (scratch / "corpus" / "rows").write_text("some")
    print(scratch, flush=True)
    input()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, and nothing in it."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


@contextmanager
def holding(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that is in such a block, and its folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_a_folder_is_gone_when_its_block_ends_however_it_does(temporary: Path) -> None:
    for error in (None, ValueError, KeyboardInterrupt):
        try:
            with scratch_folder() as scratch:
                assert scratch.parent == temporary
                (scratch / "file").write_text("x")
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
        assert list(temporary.iterdir()) == []


def test_the_folder_of_a_killed_process_is_cleared_by_the_next(temporary: Path) -> None:
    with holding(temporary) as (process, left):
        with scratch_folder():
            assert (left / "corpus" / "rows").exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (left / "corpus" / "rows").exists()
        with scratch_folder() as own:
            assert list(temporary.iterdir()) == [own]
    assert list(temporary.iterdir()) == []


def test_a_folder_in_use_stays_and_so_does_one_within_the_same_process(temporary: Path) -> None:
    with holding(temporary) as (_, theirs), scratch_folder() as own, scratch_folder() as inner:
        assert {*temporary.iterdir()} == {theirs, own, inner}


def left_by_a_killed_process(temporary: Path) -> Path:
    with holding(temporary) as (process, left):
        process.kill()
        process.wait()
    return left


def test_nothing_is_cleared_that_has_another_name_or_mark_or_is_a_link(temporary: Path) -> None:
    left = left_by_a_killed_process(temporary)
    mark = (left / IN_USE).read_bytes()
    for name in ("fanfold-kept-abcdefgh", "my-fanfold-abcdefgh", "fanfold-abcdefgh-results"):
        shutil.copytree(left, temporary / name)
    shutil.copytree(left, temporary / "fanfold-unmarked")
    (temporary / "fanfold-unmarked" / IN_USE).unlink()
    shutil.copytree(left, temporary / "fanfold-another_")
    (temporary / "fanfold-another_" / IN_USE).write_bytes(mark + b"of another machine")
    shutil.copytree(left, temporary.parent / "elsewhere")
    (temporary / "fanfold-linked_0").symlink_to(temporary.parent / "elsewhere")
    (temporary / "fanfold-is_afile").write_text("mine")
    before = {each.name for each in temporary.iterdir()} - {left.name}
    with scratch_folder():
        pass
    assert {each.name for each in temporary.iterdir()} == before
    assert (temporary.parent / "elsewhere" / "corpus" / "rows").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="makes another user's folder")
def test_what_another_user_left_stays(temporary: Path) -> None:
    left = left_by_a_killed_process(temporary)
    os.chown(left, 65534, 65534)
    with scratch_folder():
        pass
    assert (left / "corpus" / "rows").exists()


def test_processes_that_start_at_once_do_not_take_each_others_folders(temporary: Path) -> None:
    program = """
import sys
from fanfold.storage import scratch_folder
input()
for number in range(150):
    with scratch_folder() as scratch:
        (scratch / "file").write_text(str(number))
        with scratch_folder() as inner:
            (inner / "file").write_text("inner")
            assert (scratch / "file").read_text() == str(number)
            assert (inner / "file").read_text() == "inner"
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == ["", "", "", ""]
    assert list(temporary.iterdir()) == []


def test_where_no_folder_takes_temporary_files_it_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc"])
    said = "no folder takes temporary files.*set TMPDIR to"
    with pytest.raises(NoRoom, match=said), scratch_folder():
        pass
