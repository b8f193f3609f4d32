"""Files on this machine: opened as streams, written beside and then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fanfold.errors import UserError


def open_reader(path: str | Path) -> BinaryIO:
    """A binary stream over the file at `path`.

    Raises:
        UserError: nothing is there, it is a folder, or it may not be read.
    """
    try:
        return Path(path).open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"no file at {str(path)!r}: check the path") from None
    except IsADirectoryError:
        raise UserError(f"{str(path)!r} is a folder, and a file is needed") from None
    except PermissionError:
        raise UserError(f"{str(path)!r} may not be read by this user") from None


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """A temporary path next to `path` that takes its name when the block ends well.

    The file (or folder) at `path` is complete or absent: a block that raises, Ctrl-C
    included, leaves what was there before.
    """
    path = Path(path).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        beside = scratch / path.name
        yield beside
        beside.stat()  # nothing was written: raise before what is there has moved
        if path.is_dir():
            os.replace(path, scratch / "replaced")
        os.replace(beside, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` (UTF-8) to `path`, whole or not at all."""
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")
