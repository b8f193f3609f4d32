"""A full disk, told in one line: which folder, how much of it is free, and what to do."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fanfold.storage.errors import NoRoom

IN_USE = ".fanfold-in-use"
"""The file that marks a folder of temporary files, see `fanfold.storage.scratch`."""

FULL_BYTES = 64 << 10
"""A disk that has less is full: of what failed, the part that found room is still there."""


@contextmanager
def room_told(folder: Path | None = None) -> Iterator[None]:
    """Within the block an `OSError` for want of room on the disk of `folder` is a `NoRoom`.

    Without a folder it is that of the file that the error names, else that of temporary files.
    """
    try:
        yield
    except OSError as error:
        named = folder or Path(error.filename2 or error.filename or tempfile.gettempdir())
        there = next(
            each for each in (named.absolute(), *named.absolute().parents) if each.is_dir()
        )
        if not _for_want_of_room(error, there):
            raise
        raise no_room(there) from error


def no_room(folder: Path) -> NoRoom:
    """The exception that says that nothing more can be written to `folder`."""
    marked = [each for each in (folder, *folder.parents) if (each / IN_USE).exists()]
    if marked or str(folder) == tempfile.tempdir:
        folder = marked[-1].parent if marked else folder
        what, remedy = "for temporary files in", "set TMPDIR to a folder with more room"
    else:
        what, remedy = "in", "name a place on another disk"
    return NoRoom(
        f"no space is left {what} {str(folder)!r} ({free_text(folder)}): {remedy}, or free some"
    )


def free_text(folder: Path) -> str:
    """How much of the disk of `folder` is free, in words."""
    disk = os.statvfs(folder)
    if disk.f_files and not disk.f_favail:
        return "no further file can be made there"
    free, whole = (blocks * disk.f_frsize / 2**20 for blocks in (disk.f_bavail, disk.f_blocks))
    return f"{free:,.1f} of {whole:,.1f} MiB free"


def _for_want_of_room(error: OSError, folder: Path) -> bool:
    """Whether the disk of `folder` is why; some errors, such as numpy's, have no number."""
    if error.errno == errno.EDQUOT:  # which no number of the disk shows
        return True
    disk = os.statvfs(folder)
    full = disk.f_bavail * disk.f_frsize < FULL_BYTES or (disk.f_files > 0 and not disk.f_favail)
    return full and error.errno in (errno.ENOSPC, None)
