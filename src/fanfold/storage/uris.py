"""A URI names a storage, or one object in it: `gs://bucket/key`, `s3://bucket/key`, or a path.

It is taken as it is written: `%`, `+`, `#` and `?` are characters of the key.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from fanfold.errors import UserError
from fanfold.storage import local
from fanfold.storage.errors import NotFound
from fanfold.storage.store import Entry, Storage, leads_elsewhere

REMOTE_SCHEMES = ("gs", "s3")
WAS_A_PATH = re.compile(r"(gs|s3):/(?!/)")  # what a Path makes of an address


def is_remote(uri: str) -> bool:
    """Whether it is a URI of an object store, and not a path on this machine."""
    scheme, separator, _ = uri.partition("://")
    return bool(separator) and scheme in REMOTE_SCHEMES


def place(uri: str | Path) -> str:
    """`uri` as text, with the user's home for a leading `~` of a path on this machine.

    Raises:
        UserError: the scheme is not known, no bucket is named, or it was an address that is now
            a Path, which has one `/` behind `s3:`; or no file can ever be at the path.
    """
    text = str(uri)
    if not _checked_remote(text):
        path = os.path.expanduser(text)
        local.check_reachable(path)
        return path
    _parts(text)
    return text


def join(uri: str, *parts: str) -> str:
    """The URI of what lies below `uri`."""
    if is_remote(uri):
        return "/".join([uri.rstrip("/"), *(part.strip("/") for part in parts)])
    return str(Path(uri, *parts))


def open_storage(uri: str) -> Storage:
    """The storage rooted at a folder or at a bucket and prefix, neither of which need exist yet.

    Raises:
        UserError: the scheme is not known, or no bucket is named.
    """
    if not _checked_remote(uri):
        return local.LocalStorage(os.path.expanduser(uri))
    scheme, bucket, prefix = _parts(uri)
    # The libraries of both take a while to import, and most runs need neither.
    if scheme == "gs":
        from fanfold.storage.gcs import GcsStorage

        return GcsStorage(bucket, prefix)
    from fanfold.storage.s3 import S3Storage

    return S3Storage(bucket, prefix)


def open_reader(uri: str, version: str | None = None) -> BinaryIO:
    """A stream of the bytes of one object or file; it can seek, and goes on where it breaks.

    Raises:
        UserError: the scheme is not known, or there is nothing to read, or it may not be read.
        Changed: the object is not of this `version`, or is replaced before its end is read.
        Unreachable: the server does not answer.
    """
    if _checked_remote(uri):
        storage, key = _object(uri)
        return storage.open_reader(key, version)
    return local.open_reader(os.path.expanduser(uri), version)


def stat(uri: str) -> Entry:
    """The entry of one object or file; its key is the last part of the URI.

    Raises:
        NotFound: there is none.
    """
    if _checked_remote(uri):
        storage, key = _object(uri)
        entry = storage.stat(key)
        return Entry(key.rpartition("/")[2], entry.size, entry.version)
    return local.entry_at(os.path.expanduser(uri), Path(uri).name)


def read_bytes(uri: str) -> bytes:
    """All bytes of one object or file."""
    with open_reader(uri) as stream:
        return stream.read()


def write(uri: str, source: bytes | BinaryIO) -> None:
    """Write one object or file, whole or not at all."""
    if _checked_remote(uri):
        storage, key = _object(uri)
        storage.write(key, source)
    else:
        local.write(os.path.expanduser(uri), source)


def write_bytes(uri: str, data: bytes) -> None:
    """Write one object or file, whole or not at all."""
    write(uri, data)


def object_at(uri: str) -> Entry | None:
    """The entry of one object or file, or None where there is none, and none is named."""
    if is_remote(uri) and (uri.endswith("/") or not _parts(uri)[2]):
        return None
    try:
        return stat(uri)
    except NotFound:
        return None


def exists(uri: str) -> bool:
    """Whether an object or file is there, or anything below it as a prefix or folder."""
    return object_at(uri) is not None or next(open_storage(uri).list(), None) is not None


def _checked_remote(uri: str) -> bool:
    scheme, separator, _ = uri.partition("://")
    if separator and scheme not in REMOTE_SCHEMES:
        raise UserError(
            f"cannot read {uri!r}: {scheme}:// is not supported; give gs://bucket/key, "
            "s3://bucket/key or a local path"
        )
    if WAS_A_PATH.match(uri):
        raise UserError(
            f"{uri!r} lacks a / of an address, as a Path does: give it as text, such as"
            f" {uri.replace(':/', '://', 1)!r}"
        )
    return bool(separator)


def _parts(uri: str) -> tuple[str, str, str]:
    """Scheme, bucket, and key or prefix."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if not bucket:
        raise UserError(f"{uri!r} names no bucket: give {scheme}://bucket/key")
    if leads_elsewhere(key):
        raise UserError(f"{uri!r} has a part . or ..: give {scheme}://bucket/key")
    return scheme, bucket, key


def _object(uri: str) -> tuple[Storage, str]:
    """The bucket of an object, and its key."""
    scheme, bucket, key = _parts(uri)
    if not key or key.endswith("/"):
        raise UserError(f"{uri!r} names no object: give {scheme}://bucket/key")
    return open_storage(f"{scheme}://{bucket}"), key
