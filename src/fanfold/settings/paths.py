"""Where a search or a command writes: looked at before it works for hours."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fanfold.errors import UserError
from fanfold.settings.own_files import MODEL, SEARCH, is_empty
from fanfold.storage import Seen, exists, is_remote, place, seen
from fanfold.storage.replacing import some_of

if TYPE_CHECKING:
    from fanfold.settings.search import Settings

NOWHERE = ("sample:", "frame:")
"""How data begins that is generated or was given in memory: it lies in no folder."""


def placed(settings: Settings) -> Settings:
    """`settings` with the user's home for a leading `~`; `UserError` for what is no address."""
    return replace(settings, data=place(settings.data), ledger=place(settings.ledger))


def check_places(settings: Settings, output: str | Path | None, overwrite: bool) -> Seen:
    """Look where a search will write: its ledger, and the folder of its files.

    Returns:
        What lies in `output` and may be replaced when the search has ended.

    Raises:
        UserError: one of them cannot be reached or written, `output` exists and may not be
            replaced, or the table or the ledger lies in it and would be gone with it.
    """
    if settings.ledger:
        _check_ledger(settings.ledger)
    if output is None:
        return {}
    output = _named(output)
    here = not is_remote(output) and not Path(output).is_file()
    for name in ("data", "ledger"):
        source = getattr(settings, name)
        if source and here and not is_remote(source) and not source.startswith(NOWHERE):
            _check_outside(name, Path(source), Path(output))
    return check_folder(output, overwrite)


def check_apart(data: str, output: str) -> None:
    """Raise `UserError` where the file `output` would replace the very table that is read."""
    source, to = place(data), place(output)
    here = not is_remote(source) and not is_remote(to)
    if source == to or (here and Path(source).resolve() == Path(to).resolve()):
        raise UserError(
            f"the output {output!r} would replace the table {data!r}, which is read: name another"
        )


def check_file(output: str, overwrite: bool) -> Seen:
    """What lies at the file `output` and may be replaced.

    Raises:
        UserError: it cannot be written, or may not be replaced.
    """
    output = _named(output)
    if not is_remote(output) and Path(output).is_dir():
        raise UserError(f"the output {output!r} is a folder: name a file")
    there = exists(output)  # asked in any case: a bucket that cannot be reached is told now
    if there and not overwrite:
        raise UserError(f"the output {output!r} exists: name another, or add --overwrite")
    _check_writable(output)
    return seen(output) if there else {}


def check_folder(output: str, overwrite: bool) -> Seen:
    """What lies in the folder `output` and may be replaced: the files of an earlier search.

    Raises:
        UserError: it cannot be written, or may not be replaced.
    """
    output = _named(output)
    if is_remote(output):
        there, others = exists(output), []
    elif Path(output).is_dir():
        there, others = not is_empty(Path(output)), SEARCH.others_in(Path(output))
    elif there := Path(output).exists():
        raise UserError(f"the output {output!r} is a file: name a folder")
    else:
        others = []
    written = f"it holds what no search wrote ({some_of(others)})" if others else ""
    if there and not overwrite:
        hint = f"; {written}" if others else ", or add --overwrite (in Python overwrite=True)"
        raise UserError(f"the output folder {output!r} exists and is not empty: name another{hint}")
    if not is_remote(output) and Path(output).is_dir():
        _check_replaceable(Path(output), written)
    if others:
        raise UserError(
            f"the output folder {output!r} is not replaced, as {written}: name another, such as"
            f" {str(Path(output, 'found'))!r}"
        )
    _check_writable(output)
    return _own(seen(output, SEARCH.names), SEARCH.names) if there else {}


def check_model_folder(folder: str | Path) -> Seen | None:
    """What lies in `folder` and may be replaced: the files of a model that was saved there.

    Returns:
        None in a bucket, where every object of the same name may.

    Raises:
        UserError: it is a file, or holds other files too.
    """
    folder = _named(folder)
    if is_remote(folder):
        return None
    if Path(folder).is_file():
        raise UserError(f"{folder!r} is a file: name a folder for the model")
    if Path(folder).is_dir() and (others := MODEL.others_in(Path(folder))):
        raise UserError(
            f"the folder {folder!r} is not replaced, as it holds what is no part of a model"
            f" ({some_of(others)}): name another, such as {str(Path(folder, 'model'))!r}"
        )
    if Path(folder).is_dir():
        _check_replaceable(Path(folder), "", "model")
    return _own(seen(folder), MODEL.names)


def _own(found: Seen, names: tuple[str, ...]) -> Seen:
    """What was `found`, without what may have come since its names were looked at."""
    folders = {name.partition("/")[0] for name in names}
    return {name: found[name] for name in found if name in names or name in folders}


def _named(output: str | Path) -> str:
    """The place of `output`; `UserError` for an empty name, which would be the current folder."""
    if not str(output):
        raise UserError("the output '' has no name, as of a variable that is not set: name a place")
    return place(output)


def _check_replaceable(folder: Path, written: str, below: str = "found") -> None:
    """Raise `UserError` for a folder whose place another one cannot take."""
    if Path.cwd().is_relative_to(folder.resolve()):
        why = "this command runs in it"
    elif os.path.ismount(folder.resolve()):
        why = "something is mounted there"
    else:
        return
    also = f"; {written}" if written else ""
    raise UserError(
        f"the output folder {str(folder)!r} cannot be replaced, as {why}:"
        f" name one below it, such as {str(folder / below)!r}{also}"
    )


def _check_outside(name: str, source: Path, output: Path) -> None:
    if source.resolve().is_relative_to(output.resolve()):
        raise UserError(
            f"{name}={str(source)!r} lies in the output folder {str(output)!r}, which is replaced"
            " as a whole: choose places side by side"
        )


def _check_ledger(ledger: str) -> None:
    exists(ledger)  # whether it can be reached at all
    if is_remote(ledger):
        return
    if Path(ledger).is_file():
        raise UserError(f"the ledger {ledger!r} is a file: name a folder")
    _check_writable(str(Path(ledger, "folds")))


def _check_writable(output: str) -> None:
    """Raise `UserError` where nothing can be written beside `output` on this machine."""
    if is_remote(output):
        return
    parent = next(each for each in Path(output).resolve().parents if each.exists())
    try:
        tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        raise UserError(
            f"cannot write {output!r}: {str(parent)!r}: {error.strerror}; name another place"
        ) from None
