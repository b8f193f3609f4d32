"""Which files of a folder a search or a saved model wrote: no others are ever replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fanfold.errors import DamagedError
from fanfold.storage import AccessDenied
from fanfold.storage.json_files import read_json
from fanfold.storage.replacing import DROPPINGS

MODEL_FILES = ("manifest.json", "booster.ubj", "estimator.skops")


@dataclass(frozen=True)
class OwnFiles:
    """The files of a search, or those of a model.

    Attributes:
        names: relative to their folder.
        mark: the one that is always there, and tells them from others of the same names.
    """

    names: tuple[str, ...]
    mark: str

    def others_in(self, folder: Path) -> list[str]:
        """The names of what else is in `folder`, folders with a `/`: all, where the mark lacks."""
        try:
            if self._marks(folder):
                return list(_others(folder, set(self.names)))
            return list(_others(folder, set()))
        except PermissionError:
            raise AccessDenied(f"{str(folder)!r} may not be read by this user") from None

    def _marks(self, folder: Path) -> bool:
        try:
            return "corpus_digest" in read_json(folder / self.mark)
        except DamagedError:
            return False


SEARCH = OwnFiles(
    names=(
        *("leaderboard.csv", "scores.csv", "best.json", "metrics.json", "summary.json"),
        *("rejects.csv", "report.html"),
        *(f"model/{name}" for name in MODEL_FILES),
    ),
    mark="summary.json",
)

MODEL = OwnFiles(names=MODEL_FILES, mark="manifest.json")


def is_empty(folder: Path) -> bool:
    """Whether nothing is in `folder` but what a file manager leaves."""
    return next(_others(folder, set()), None) is None


def _others(folder: Path, own: set[str], below: str = "") -> Iterator[str]:
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda each: each.name)
    for entry in entries:
        name = below + entry.name
        if entry.name in DROPPINGS:
            continue
        if entry.is_dir(follow_symlinks=False):
            if any(each.startswith(f"{name}/") for each in own):
                yield from _others(Path(entry.path), own, f"{name}/")
            else:
                yield f"{name}/"
        elif name not in own or not entry.is_file(follow_symlinks=False):
            yield name
