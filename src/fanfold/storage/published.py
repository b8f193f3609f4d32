"""What lies in a bucket, for code that needs a file or folder on this machine, and back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fanfold.storage.local import written_beside
from fanfold.storage.transfer import download, upload
from fanfold.storage.uris import is_remote


@contextmanager
def published(uri: str | Path) -> Iterator[Path]:
    """A path on this machine; the file or folder written there is at `uri` when the block ends.

    Here it takes its name at once, when it is whole. In a bucket each object does, in the order
    of their names; others that lie there stay. A block that raises leaves what was there before.
    """
    if not is_remote(str(uri)):
        with written_beside(uri) as beside:
            yield beside
        return
    with tempfile.TemporaryDirectory(prefix="fanfold-") as scratch:
        beside = Path(scratch, PurePosixPath(str(uri)).name)
        yield beside
        upload(beside, str(uri))


@contextmanager
def fetched(uri: str | Path) -> Iterator[Path]:
    """The path of the file or folder at `uri`: a copy, for the time of the block, if far away."""
    if not is_remote(str(uri)):
        yield Path(uri)
        return
    with tempfile.TemporaryDirectory(prefix="fanfold-") as scratch:
        copy = Path(scratch, PurePosixPath(str(uri)).name)
        download(str(uri), copy)
        yield copy
