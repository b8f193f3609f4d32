"""What lies in a bucket, for code that needs a file or folder on this machine, and back."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from fanfold.errors import FanfoldError
from fanfold.storage.local import written_beside
from fanfold.storage.transfer import download, upload
from fanfold.storage.uris import is_remote, place

logger = logging.getLogger(__name__)

KEPT = "fanfold-kept-"


@contextmanager
def published(uri: str | Path) -> Iterator[Path]:
    """A path on this machine; the file or folder written there is at `uri` when the block ends.

    Here it takes its name at once, when it is whole. In a bucket each object does, in the order
    of their names; others that lie there stay. A block that raises leaves what was there before.

    Raises:
        FanfoldError: the bucket does not take it; the message says where on this machine it is.
    """
    uri = place(uri)
    if not is_remote(uri):
        with written_beside(uri) as beside:
            yield beside
        return
    with tempfile.TemporaryDirectory(prefix="fanfold-") as scratch:
        beside = Path(scratch, PurePosixPath(uri).name)
        yield beside
        beside.stat()  # nothing was written: there is nothing to upload, nor to keep
        try:
            upload(beside, uri)
        except Exception as error:  # hours of work may be in it, and the scratch folder goes
            known = isinstance(error, FanfoldError)
            kind, why = (type(error), str(error)) if known else (FanfoldError, repr(error))
            raise kind(f"{why}; {_keep(beside, uri)}") from error
        except BaseException:  # a signal, from a person who has waited, or a machine that goes away
            logger.warning("not_published uri=%r: %s", uri, _keep(beside, uri))
            raise


def _keep(made: Path, uri: str) -> str:
    """Keep `made` in a new folder, below the current one if that takes it; says where."""
    safe, kept = made, None
    with suppress(OSError):  # on the same disk, and so at once: from here on it stays
        safe = made.rename(Path(tempfile.mkdtemp(prefix=KEPT), made.name))
        kept = safe
    try:
        kept = _copied(safe, os.getcwd())
        if safe != made:
            shutil.rmtree(safe.parent, ignore_errors=True)
    except OSError:  # the current folder is gone, may not be written, or is full
        pass
    except BaseException:
        if kept is not None:
            logger.warning("kept path=%r", str(kept))
        raise
    if kept is None:
        return "and it could not be kept on this machine either"
    return f"nothing is lost: what was to lie there is {str(kept)!r}, to be copied to {uri}"


def _copied(made: Path, below: str) -> Path:
    """A copy of `made` in a new folder, whole or not at all."""
    folder = Path(tempfile.mkdtemp(prefix=KEPT, dir=below))
    copy = folder / made.name
    try:
        shutil.copytree(made, copy) if made.is_dir() else shutil.copy2(made, copy)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return copy


@contextmanager
def fetched(uri: str | Path) -> Iterator[Path]:
    """The path of the file or folder at `uri`: a copy, for the time of the block, if far away."""
    uri = place(uri)
    if not is_remote(uri):
        yield Path(uri)
        return
    with tempfile.TemporaryDirectory(prefix="fanfold-") as scratch:
        copy = Path(scratch, PurePosixPath(uri).name)
        download(uri, copy)
        yield copy
