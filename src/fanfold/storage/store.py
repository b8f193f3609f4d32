"""What every storage can do, and what an entry in one is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from fanfold.errors import UserError


@dataclass(frozen=True)
class Entry:
    """A file or object: its key below the root, its size in bytes, and which version it is.

    The version changes when the content is replaced: the etag on S3, the generation on Google
    Cloud Storage, time, size and inode of a local file.
    """

    key: str
    size: int
    version: str


class Storage(Protocol):
    """A folder, or a bucket and a prefix: keys are relative to it, with `/` between their parts."""

    root: str
    """The URI, without a `/` at its end."""

    def open_reader(self, key: str, version: str | None = None) -> BinaryIO:
        """A stream of the bytes as they are stored; it can seek.

        A stream that breaks goes on where it broke, of the same version.

        Raises:
            NotFound: there is nothing at the key.
            Changed: it is not of this `version`, or is replaced before the end is read.
        """

    def write(self, key: str, source: bytes | BinaryIO) -> None:
        """Store what `source` holds from where it stands to its end, whole or not at all."""

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """The entries whose keys start with `prefix`, at any depth, in the order of their keys."""

    def stat(self, key: str) -> Entry:
        """The entry at this key.

        Raises:
            NotFound: there is none.
        """

    def remove(self, key: str) -> None:
        """Remove what is at the key; nothing there is no error."""


def leads_elsewhere(key: str) -> bool:
    """Whether a part of the key or prefix is `.` or `..`, which storages take in different ways."""
    return bool({".", ".."} & set(key.split("/")))


def checked_key(key: str, root: str) -> str:
    """The key, once it is seen to name something below the root in every storage.

    Raises:
        UserError: it is empty, absolute, ends with `/`, or has a part `.` or `..`.
    """
    if not key.strip("/") or leads_elsewhere(key) or "\0" in key:
        raise UserError(f"{key!r} cannot be a key in {root}: a key has parts other than . and ..")
    if key.startswith("/") or key.endswith("/"):
        raise UserError(f"{key!r} cannot be a key in {root}: it begins or ends with /")
    return key


def sized(source: bytes | BinaryIO) -> tuple[BinaryIO, int | None]:
    """A stream over the source, and how many bytes are left in it; None where it cannot tell."""
    if isinstance(source, bytes):
        return io.BytesIO(source), len(source)
    if not source.seekable():
        return source, None
    start = source.tell()
    size = source.seek(0, io.SEEK_END) - start
    source.seek(start)
    return source, size
