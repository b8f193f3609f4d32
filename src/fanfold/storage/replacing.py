"""A new file or folder takes a place, and replaces only what was seen there when work began.

What came since (notes, the results of another search) stays, and the new is kept beside it.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fanfold.errors import FanfoldError
from fanfold.storage.local import scratch_beside

logger = logging.getLogger(__name__)

Seen = Mapping[str, str]
"""What lies at a place: relative name -> version; a file itself has the name ``."""

DROPPINGS = {".DS_Store", ".directory", ".ipynb_checkpoints", "Thumbs.db", "desktop.ini"}
"""What file managers and notebooks leave in a folder: it is no reason to keep the folder, and
moves on into the new one."""

SHOWN = 5
"""Names that a message shows."""


class KeptBeside(FanfoldError):
    """The place was not free: the message says where the new file or folder lies instead."""


def seen_here(path: Path) -> dict[str, str]:
    """Every file and folder at or in `path` and its version; links are not followed."""
    if not path.is_dir():
        return {"": _version(path)} if os.path.lexists(path) else {}
    found = {}
    for folder, folders, files in os.walk(path):
        folders[:] = [each for each in folders if each not in DROPPINGS]
        for name in [*folders, *files]:
            if name not in DROPPINGS:
                each = Path(folder, name)
                found[each.relative_to(path).as_posix()] = _version(each)
    return found


def some_of(names: Iterable[str]) -> str:
    """The first of the names, and how many more there are."""
    ordered = sorted(names)
    more = f" and {len(ordered) - SHOWN:,} more" if len(ordered) > SHOWN else ""
    return ", ".join(ordered[:SHOWN]) + more


@contextmanager
def replacing(path: Path, replaceable: Seen) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well.

    Raises:
        KeptBeside: something is there that is not `replaceable`.
    """
    endings, path = "".join(path.suffixes), path.resolve()
    with scratch_beside(path) as scratch:
        new = scratch / f"new{endings}"  # by which some choose what they write
        yield new
        new.stat()  # nothing was written: raise before what is there has moved
        _settle(new, path, scratch / "replaced", replaceable)


def move_to(made: Path, path: Path, replaceable: Seen) -> None:
    """Move a finished file or folder to `path`; where that fails it is whole at `made`.

    Raises:
        KeptBeside: something is there that is not `replaceable`.
    """
    path = path.resolve()
    with scratch_beside(path) as scratch:
        new = scratch / "new"
        try:
            _bring(made, new)
            _settle(new, path, scratch / "replaced", replaceable)
        except BaseException:
            if os.path.lexists(new) and not os.path.lexists(made):
                os.rename(new, made)
            raise


def _bring(made: Path, new: Path) -> None:
    """Rename, or copy to another disk: what is made stays until all has gone well."""
    try:
        os.rename(made, new)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copytree(made, new) if made.is_dir() else shutil.copy2(made, new)


def _settle(new: Path, path: Path, aside: Path, replaceable: Seen) -> None:
    """`new` becomes `path`, or is kept beside it."""
    try:
        _take_place(new, path, aside, replaceable)
    except Exception as error:
        why = f"{str(path)!r} cannot be replaced: {getattr(error, 'strerror', None) or error}"
        why = str(error) if isinstance(error, FanfoldError) else why
        kept = _keep_beside(new, path)
        raise KeptBeside(
            f"{why}; nothing is lost: what was to lie there is {str(kept)!r}, take it from there"
        ) from error
    except BaseException:
        if os.path.lexists(new):
            logger.warning("kept path=%r", str(_keep_beside(new, path)))
        raise


def _take_place(new: Path, path: Path, aside: Path, replaceable: Seen) -> None:
    """`new` becomes `path`, where only what is replaceable lies there; else nothing has moved."""
    if _take_free(new, path):
        return
    _check(path, path, replaceable)
    if not path.is_dir():
        os.replace(new, path)
        return
    try:
        os.rename(path, aside)
        _check(aside, path, replaceable)  # once more, as nothing comes into it any longer
        for name in DROPPINGS & set(os.listdir(aside)):
            os.rename(aside / name, new / name)
        if not _take_free(new, path):
            _check(path, path, {})
            raise FanfoldError(f"{str(path)!r} was made anew in this very moment")
    except BaseException:
        moved = os.path.lexists(aside) and os.path.lexists(new)
        if moved and not _take_free(aside, path):
            logger.warning("kept path=%r", str(_keep_beside(aside, path)))
        raise


def _check(there: Path, path: Path, replaceable: Seen) -> None:
    """Raise `FanfoldError` where something lies `there` that may not go."""
    now = seen_here(there)
    came = [name for name, version in now.items() if replaceable.get(name) != version]
    if came:
        said = f" ({some_of(came)})" if any(came) else ""
        raise FanfoldError(
            f"{str(path)!r} holds what was written there meanwhile{said}, and nothing of it was"
            " replaced"
        )


def _take_free(new: Path, path: Path) -> bool:
    """Whether `new` became `path`: only where nothing is there, or an empty folder."""
    try:
        if new.is_dir():
            os.rename(new, path)  # refused by the system for a folder that holds something
        else:
            os.link(new, path)
            os.unlink(new)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        if new.is_dir() or os.path.lexists(path):
            raise
        os.rename(new, path)  # some file systems have no hard links
    return True


def _keep_beside(new: Path, path: Path) -> Path:
    """Rename `new` to the first free name such as `found-2` or `found-2.csv`."""
    endings = "" if new.is_dir() else "".join(path.suffixes)
    for number in itertools.count(2):
        kept = path.with_name(f"{path.name.removesuffix(endings)}-{number}{endings}")
        if not os.path.lexists(kept) and _take_free(new, kept):
            return kept
    raise AssertionError("numbers do not end")


def _version(path: Path) -> str:
    """A folder has none: what is in it has."""
    status = path.lstat()
    return "" if path.is_dir() else f"{status.st_mtime_ns}-{status.st_size}"
