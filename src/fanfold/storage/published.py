"""What lies in a bucket, for code that needs a file or folder on this machine, and back."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fanfold.errors import FanfoldError
from fanfold.storage.keeping import keep
from fanfold.storage.local import LocalStorage
from fanfold.storage.replacing import KeptBeside, Seen, move_to, replacing, seen_here, some_of
from fanfold.storage.scratch import scratch_folder
from fanfold.storage.transfer import download, upload
from fanfold.storage.uris import is_remote, object_at, open_storage, place

logger = logging.getLogger(__name__)


def seen(uri: str | Path, names: Iterable[str] = ()) -> Seen:
    """What lies at `uri` now, and may be replaced there by what is published later.

    Args:
        uri: of a file or folder.
        names: what to look for below `uri`, where that is in a bucket.
    """
    uri = place(uri)
    if not is_remote(uri):
        return seen_here(Path(uri).resolve())
    entry = object_at(uri)
    found = {"": entry.version} if entry else {}
    storage = open_storage(uri)
    for name in names:  # listed, since S3 tells only some users what is not there
        first = next(storage.list(name), None)
        if first is not None and first.key == name:
            found[name] = first.version
    return found


@contextmanager
def published(uri: str | Path, replaceable: Seen | None = None) -> Iterator[Path]:
    """A path on this machine; the file or folder written there is at `uri` when the block ends.

    Here it takes its name at once, when it is whole. In a bucket each object does, in the order
    of their names; others that lie there stay. A block that raises leaves what was there before.

    Args:
        uri: where it is to lie.
        replaceable: what may be replaced there, see `seen`; None: what lies there when the block
            begins, and in a bucket any object of the same name.

    Raises:
        FanfoldError: something came to `uri` meanwhile, or the bucket does not take it; the
            message says where on this machine it is.
    """
    uri = place(uri)
    if not is_remote(uri):
        known = seen(uri) if replaceable is None else replaceable
        with replacing(Path(uri), known) as beside:
            yield beside
        return
    with scratch_folder() as scratch:
        made = scratch / PurePosixPath(uri).name
        yield made
        made.stat()  # nothing was written: there is nothing to upload, nor to keep
        publish(made, uri, replaceable)


def publish(made: Path, uri: str | Path, replaceable: Seen | None = None) -> None:
    """Move the finished file or folder `made`, a temporary one, to `uri`; see `published`.

    Raises:
        FanfoldError: `uri` does not take it; the message says where on this machine it is.
    """
    uri = place(uri)
    try:
        if is_remote(uri):
            _check_unchanged(made, uri, replaceable)
            upload(made, uri)
        else:
            move_to(made, Path(uri), seen(uri) if replaceable is None else replaceable)
    except KeptBeside:
        raise
    except Exception as error:  # hours of work may be in it, and the scratch folder goes
        kind = type(error) if isinstance(error, FanfoldError) else FanfoldError
        raise kind(f"{_why(error, uri)}; {_said(keep(made, uri), uri)}") from error
    except BaseException:  # a signal, from a person who has waited, or a machine that goes away
        if made.exists():
            logger.warning("not_published uri=%r: %s", uri, _said(keep(made, uri), uri))
        raise


def _why(error: Exception, uri: str) -> str:
    """What is wrong, in one line."""
    if isinstance(error, FanfoldError):
        return str(error)
    if isinstance(error, shutil.Error):  # a list, of each file that could not be copied
        return f"{uri!r} cannot be written: {error.args[0][0][2]}"
    if isinstance(error, OSError):
        return f"{uri!r} cannot be written: {error.strerror or error}"
    return repr(error)


def _said(kept: Path | None, uri: str) -> str:
    if kept is None:
        return "and it could not be kept on this machine either"
    return f"nothing is lost: what was to lie there is {str(kept)!r}, to be copied to {uri}"


def _check_unchanged(made: Path, uri: str, replaceable: Seen | None) -> None:
    """Raise `FanfoldError` where an object would be replaced that came to `uri` meanwhile."""
    if replaceable is None:
        return
    names = [entry.key for entry in LocalStorage(made).list()] if made.is_dir() else [""]
    there = seen(uri, filter(None, names))
    came = [name for name in names if there.get(name) != replaceable.get(name) and name in there]
    if came:
        said = f" ({some_of(came)})" if any(came) else ""
        raise FanfoldError(
            f"{uri!r} holds what was written there meanwhile{said}, and nothing of it was replaced"
        )


@contextmanager
def fetched(uri: str | Path) -> Iterator[Path]:
    """The path of the file or folder at `uri`: a copy, for the time of the block, if far away."""
    uri = place(uri)
    if not is_remote(uri):
        yield Path(uri)
        return
    with scratch_folder() as scratch:
        copy = scratch / PurePosixPath(uri).name
        download(uri, copy)
        yield copy
