"""Files on this machine: opened as streams, written beside and then renamed."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from fanfold.errors import UserError
from fanfold.storage.errors import CHANGED, AccessDenied, Changed, NotFound
from fanfold.storage.room import room_told
from fanfold.storage.store import Entry, checked_key

BUFFER_BYTES = 1 << 20
UNREACHABLE = {
    errno.ELOOP: "a link leads back to itself",
    errno.ENAMETOOLONG: "the name is too long",
    None: "the name holds a zero byte",
}
"""Why nothing can be at a path, by the number of the system's error."""

SCRATCH = re.compile(r"\..+\.[a-z0-9_]{8}")  # what tempfile makes of the prefix `.NAME.`


class LocalStorage:
    """A folder; it need not exist before something is written."""

    def __init__(self, root: str | Path) -> None:
        self.root = str(Path(root))

    def open_reader(self, key: str, version: str | None = None) -> BinaryIO:
        """A stream of the file's bytes."""
        return open_reader(self._path(key), version)

    def write(self, key: str, source: bytes | BinaryIO) -> None:
        """Write the file beside, then rename it."""
        write(self._path(key), source)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """The files, also behind links; not what is being written, nor what vanishes meanwhile."""
        yield from _entries(self.root, "", prefix, frozenset())

    def stat(self, key: str) -> Entry:
        """The file's entry."""
        return entry_at(self._path(key), key)

    def remove(self, key: str) -> None:
        """Remove the file; folders stay."""
        path = self._path(key)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            pass
        except PermissionError:
            if not path.is_dir():  # which some systems say in this way
                raise AccessDenied(f"{str(path)!r} may not be removed by this user") from None

    def _path(self, key: str) -> Path:
        return Path(self.root, checked_key(key, self.root))


def open_reader(path: str | Path, version: str | None = None) -> BinaryIO:
    """A binary stream over the file at `path`.

    Raises:
        UserError: nothing is there, it is a folder, or it may not be read.
        Changed: the file is not of this `version`, or is written to before its end is read.
    """
    with _told(path):
        file = _UnchangedFile(path)
    if version not in (None, file.version):
        file.close()
        raise Changed(f"{str(path)!r} {CHANGED}")
    return io.BufferedReader(file, BUFFER_BYTES)


def check_reachable(path: str | Path) -> None:
    """Raise `NotFound` where no file can ever be: a link that leads to itself, too long a name.

    Raises:
        AccessDenied: a folder on the way is closed to this user.
    """
    try:
        os.stat(path)
    except PermissionError:
        raise AccessDenied(f"{str(path)!r} may not be read by this user") from None
    except (OSError, ValueError) as error:
        _refuse_unreachable(path, error)


def entry_at(path: str | Path, key: str) -> Entry:
    """The entry of the file at `path`, under a key of the caller's.

    Raises:
        NotFound: no file is there.
    """
    with _told(path):
        status = Path(path).stat()
    if stat.S_ISDIR(status.st_mode):
        raise NotFound(f"{str(path)!r} is a folder, and a file is needed")
    return Entry(key, status.st_size, _version(status))


def write(path: str | Path, source: bytes | BinaryIO) -> None:
    """Write the bytes, or what the stream still holds, to the file at `path`: whole or not at all.

    Raises:
        UserError: a folder is there, a file stands where a folder must, or it is forbidden.
    """
    check_reachable(path)
    if Path(path).is_dir():
        raise UserError(f"{str(path)!r} is a folder, and a file is to be written")
    try:
        with written_beside(path) as beside, beside.open("wb") as file:
            if isinstance(source, bytes):
                file.write(source)
            else:
                shutil.copyfileobj(source, file, BUFFER_BYTES)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"{str(path)!r} cannot be written: a part of it is a file") from None
    except PermissionError:
        raise AccessDenied(f"{str(path)!r} may not be written by this user") from None


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """A temporary path next to `path` that takes its name when the block ends well.

    The file (or folder) at `path` is complete or absent: a block that raises, Ctrl-C
    included, leaves what was there before. Where `path` is a link, it is what that leads to.
    """
    endings, path = "".join(Path(path).suffixes), Path(path).resolve()
    with scratch_beside(path) as scratch:
        beside = scratch / f"new{endings}"  # by which some choose what they write
        yield beside
        beside.stat()  # nothing was written: raise before what is there has moved
        if path.is_dir():
            os.replace(path, scratch / "replaced")
        os.replace(beside, path)


@contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """A temporary folder on the disk of `path`, hidden beside it; gone when the block ends.

    Raises:
        NoRoom: that disk is full, before or within the block.
    """
    with room_told(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        with room_told(path.parent):  # while what fills the disk is still there
            yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` (UTF-8) to `path`, whole or not at all."""
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


class _UnchangedFile(io.FileIO):
    """A file whose end, when it is reached, is checked to be that of the file that was opened."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, "rb")
        status = os.fstat(self.fileno())
        self._shown = str(path)
        # What is not on a disk (a pipe, a terminal) has no version that could stay.
        self.version = _version(status) if stat.S_ISREG(status.st_mode) else None

    def readinto(self, buffer: Any, /) -> int | None:
        count = super().readinto(buffer)
        if count == 0:
            self._check()
        return count

    def readall(self) -> bytes:
        content = super().readall() or b""
        self._check()
        return content

    def _check(self) -> None:
        if self.version not in (None, _version(os.fstat(self.fileno()))):
            raise Changed(f"{self._shown!r} was changed while it was read: run again")


def _entries(
    folder: str, below: str, prefix: str, way: frozenset[tuple[int, int]]
) -> Iterator[Entry]:
    """The entries in `folder`, whose keys start with `below`, in order.

    `way` has device and inode of the folders that lead to it: a link back to one is not followed.
    """
    try:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in way:
            return
        way |= {(status.st_dev, status.st_ino)}
        with os.scandir(folder) as listing:
            found = {
                f"{below}{entry.name}{'/' if _is_folder(entry) else ''}": entry for entry in listing
            }
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        raise AccessDenied(f"{folder!r} may not be read by this user") from None
    except (OSError, ValueError) as error:
        _refuse_unreachable(folder, error)
        raise
    for key, entry in sorted(found.items()):  # a folder where its `/` puts its files
        if key.endswith("/"):
            relevant = key.startswith(prefix) or prefix.startswith(key)
            if relevant and not SCRATCH.fullmatch(entry.name):
                yield from _entries(entry.path, key, prefix, way)
        elif key.startswith(prefix):
            try:
                status = entry.stat()
            except OSError as error:
                if isinstance(error, FileNotFoundError) or entry.is_symlink():
                    continue  # removed meanwhile, or a link to what is not there or not seen
                raise
            if stat.S_ISREG(status.st_mode):
                yield Entry(key, status.st_size, _version(status))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether to look into it: not where a link leads to what this user may not see."""
    try:
        seen = not entry.is_symlink() or os.access(entry.path, os.R_OK | os.X_OK)
        return seen and entry.is_dir()
    except OSError:  # a link to itself
        return False


def _version(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"


@contextmanager
def _told(path: str | Path) -> Iterator[None]:
    """Why the file at `path` cannot be opened, in one line."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"no file at {str(path)!r}: check the path") from None
    except IsADirectoryError:
        raise NotFound(f"{str(path)!r} is a folder, and a file is needed") from None
    except PermissionError:
        raise AccessDenied(f"{str(path)!r} may not be read by this user") from None
    except (OSError, ValueError) as error:
        _refuse_unreachable(path, error)
        raise


def _refuse_unreachable(path: str | Path, error: OSError | ValueError) -> None:
    """Raise `NotFound` where `error` says that no file can be at `path`."""
    why = UNREACHABLE.get(getattr(error, "errno", None))
    if why:
        raise NotFound(f"no file can be reached at {str(path)[:200]!r}: {why}") from None
