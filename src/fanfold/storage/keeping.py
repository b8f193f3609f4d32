"""What could not be put where it was to lie is kept on this machine, and named."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from fanfold.storage.errors import NoRoom

logger = logging.getLogger(__name__)

KEPT = "fanfold-kept-"

WINNER = "best.json"
"""The file that a search has when its scores are complete."""


@contextmanager
def parts_kept(scratch: Path, parts: Mapping[str, str], uri: str | Path | None) -> Iterator[None]:
    """Within the block, a full disk leaves what is whole of a search that has its winner.

    Args:
        scratch: the search's folder of temporary files.
        parts: name in the folder of results -> pattern of its path below `scratch`.
        uri: where the results were to lie.

    Raises:
        NoRoom: the block's own; the message says where the parts are.
    """
    try:
        yield
    except NoRoom as error:
        found = {name: path for name, each in parts.items() for path in scratch.glob(each)}
        if WINNER not in found:
            raise
        whole = scratch / "whole"
        kept = None
        with suppress(OSError):
            whole.mkdir()
            for name, path in found.items():
                path.rename(whole / name)
            kept = keep(whole, str(uri or "found"))
        if kept is None:
            raise
        raise NoRoom(f"{error}; {', '.join(found)} are whole, and in {str(kept)!r}") from error


def keep(made: Path, uri: str) -> Path | None:
    """Move `made`, under the name of `uri`, to a new folder that stays.

    It lies below the current folder if that takes it, else among temporary files.

    Returns:
        Where it is; None where no disk has room.
    """
    safe, kept, name = made, None, PurePosixPath(uri).name or made.name
    with suppress(OSError):  # on the same disk, and so at once: from here on it stays
        safe = made.rename(Path(tempfile.mkdtemp(prefix=KEPT), name))
        kept = safe
    try:
        kept = _copied(safe, os.getcwd(), name)
        if safe != made:
            shutil.rmtree(safe.parent, ignore_errors=True)
    except OSError:  # the current folder is gone, may not be written, or is full
        pass
    except BaseException:
        if kept is not None:
            logger.warning("kept path=%r", str(kept))
        raise
    return kept


def _copied(made: Path, below: str, name: str) -> Path:
    """A copy of `made` in a new folder, whole or not at all."""
    folder = Path(tempfile.mkdtemp(prefix=KEPT, dir=below))
    copy = folder / name
    try:
        shutil.copytree(made, copy) if made.is_dir() else shutil.copy2(made, copy)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return copy
