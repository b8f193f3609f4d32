"""Folders for temporary files, all made here; what a killed process left is cleared."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fanfold.storage.errors import NoRoom
from fanfold.storage.room import IN_USE, room_told

logger = logging.getLogger(__name__)

PREFIX = "fanfold-"
NAME = re.compile(r"fanfold-[a-z0-9_]{8}")
"""What tempfile makes of the prefix. A folder that keeps results has a longer name."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder for temporary files; it is gone when the block ends.

    A file in it is locked as long as this process lives. Folders whose lock is free were left by
    processes that were killed: they are removed first.

    Raises:
        NoRoom: the disk is full, when the folder is made or within the block.
    """
    where = _temporary_folder()
    _clear_abandoned(where)
    with (
        room_told(where),
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        _in_use(Path(name)),
        room_told(Path(name)),  # while what fills the disk is still there
    ):
        yield Path(name)


def _temporary_folder() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:  # Python looks for one that takes a file of some bytes
        raise NoRoom(
            "no folder takes temporary files, as all that Python looks at are full or cannot be"
            " written: set TMPDIR to one that has room"
        ) from error


@contextmanager
def _in_use(folder: Path) -> Iterator[None]:
    """Mark the folder: the lock comes before the mark, so that what is marked was locked."""
    with (folder / IN_USE).open("wb") as file:
        with suppress(OSError):  # some file systems have no locks: then nobody clears the folder
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(_mark())
        file.flush()
        yield


def _mark() -> bytes:
    """Of this machine, since on a disk that several share a lock may hold on one alone."""
    return f"a folder of fanfold on {os.uname().nodename}\n".encode()


def _clear_abandoned(where: Path) -> None:
    """Remove the folders of this user in `where` whose processes have ended without doing so."""
    with suppress(OSError), os.scandir(where) as listing:
        for entry in listing:
            if NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):  # gone meanwhile, in use, or not marked
                    if entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                        _clear_if_free(Path(entry.path))


def _clear_if_free(folder: Path) -> None:
    with (folder / IN_USE).open("rb") as file:
        if file.read() != _mark():
            return
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
        logger.info("abandoned_folder_cleared path=%r", str(folder))
