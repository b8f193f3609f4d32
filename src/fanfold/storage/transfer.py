"""Whole files and folders, to an object store and back."""

from __future__ import annotations

import shutil
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from fanfold.errors import UserError
from fanfold.storage import local
from fanfold.storage.errors import AccessDenied, NotFound
from fanfold.storage.store import checked_key
from fanfold.storage.uris import object_at, open_reader, open_storage, write

BUFFER_BYTES = 1 << 20


def download(uri: str, path: str | Path) -> None:
    """Copy one object to a file, or all that lies below a prefix to a folder.

    What is at `path` is replaced, at once and only when all is there.

    Raises:
        NotFound: there is neither an object nor anything below it.
    """
    entry = object_at(uri)
    if entry is None:
        _download_all(uri, path)
        return
    with open_reader(uri, entry.version) as stream, local.written_beside(path) as beside:
        _copy(stream, beside)


def upload(path: str | Path, uri: str) -> None:
    """Copy a file to one object, or each file of a folder to below the prefix.

    Each object is replaced whole; others below the prefix stay. The last of a folder's files, in
    the order of their names, is there only when all are: an older one is removed first, where
    that is allowed.

    Raises:
        NotFound: nothing is at `path`.
    """
    if not Path(path).is_dir():
        with local.open_reader(path) as stream:
            write(uri, stream)
        return
    source, target = local.LocalStorage(path), open_storage(uri)
    keys = [entry.key for entry in source.list()]
    with suppress(AccessDenied):
        for last in keys[-1:]:
            target.remove(last)
    for key in keys:
        with source.open_reader(key) as stream:
            target.write(key, stream)


def _download_all(uri: str, path: str | Path) -> None:
    storage = open_storage(uri)
    entries = storage.list()
    first = next(entries, None)
    if first is None:
        raise NotFound(f"nothing is at {uri!r}: no object, and none below it")
    with local.written_beside(path) as folder:
        folder.mkdir()
        for entry in chain((first,), entries):
            # A bucket's keys may hold `..`, which must not lead out of the folder.
            target = folder / checked_key(entry.key, storage.root)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError):
                raise UserError(
                    f"{storage.root}/{entry.key} cannot be copied here, as a part of its name is an"
                    " object too, and what is a file is no folder: rename one of them"
                ) from None
            with storage.open_reader(entry.key, entry.version) as stream:
                _copy(stream, target)


def _copy(stream: BinaryIO, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file, BUFFER_BYTES)
