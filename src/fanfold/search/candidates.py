"""The grid as a file: checked, numbered, and shared out to tasks, as the steps hand it on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fanfold.errors import UserError
from fanfold.estimators.base import Estimator, get_estimator
from fanfold.features.text import TextSettings
from fanfold.search.grid import Candidate, Unit, expand, make_candidate, make_units, pack
from fanfold.settings.search import SEED_GRID, Settings
from fanfold.storage.json_files import read_json, write_json

GRID_SETTINGS = ("grid", "estimator", "share_fits", "ledger", "max_tasks")
"""The settings that `expand_grid` reads or keeps for later steps, beside those of the text."""


@dataclass(frozen=True)
class Search:
    """What is searched: the candidates, in grid order, and what fits them.

    Attributes:
        estimator: fits them.
        candidates: the grid's, checked.
        settings: those of the grid and of the text.
    """

    estimator: Estimator
    candidates: list[Candidate]
    settings: dict[str, Any]

    def units(self, ids: Sequence[str] | None = None) -> list[Unit]:
        """The fits that serve the candidates of these ids; None for all.

        Raises:
            UserError: an id that is not in the grid.
        """
        known = {each.id for each in self.candidates}
        for name in ids or ():
            if name not in known:
                raise UserError(f"no candidate {name!r} in the grid of {len(known)}")
        chosen = [each for each in self.candidates if ids is None or each.id in ids]
        return make_units(chosen, self.estimator, share_fits=self.settings["share_fits"])

    def shares(self, limit: int | None = None) -> list[dict[str, str]]:
        """What to loop over, an item a task.

        Each has a `label`, for people, and `candidates`, the ids of the task's share, separated
        by spaces.

        Raises:
            UserError: as JSON they take more than `limit` bytes.
        """
        packed = pack(self.units(), self.estimator, self.settings["max_tasks"])
        items = [_item(share) for share in packed]
        size = len(json.dumps(items).encode())
        if limit is not None and size > limit:
            raise UserError(
                f"the grid has {len(self.candidates):,} candidates, whose names take {size:,} bytes"
                f" of the {limit:,} that KFP can hand to a loop: make the grid smaller"
            )
        return items


def _item(share: Sequence[Unit]) -> dict[str, str]:
    more = f" and {len(share) - 1} more" if len(share) > 1 else ""
    ids = [each.id for unit in share for each in unit.candidates]
    return {"label": share[0].label + more, "candidates": " ".join(ids)}


def search_of(settings: Settings) -> Search:
    """The search that `settings` describe; `UserError` where grid or rule are not right."""
    estimator = get_estimator(settings.estimator)
    text = {name: getattr(settings, name) for name in TextSettings.names()}
    kept = {name: getattr(settings, name) for name in GRID_SETTINGS} | text
    _check_grid_given(settings)
    candidates = expand(settings.grid, estimator, text)
    if settings.simplest_by:  # its names are used when all has been fitted: a bad one is told now
        from fanfold.search.selection import simplicity

        simplicity(settings.simplest_by, candidates, estimator)
    return Search(estimator, candidates, kept)


def _check_grid_given(settings: Settings) -> None:
    """Raise `UserError` where an estimator is left with the default grid, which is xgboost's."""
    from fanfold.estimators.scikit_learn import EXAMPLE_GRIDS

    example = EXAMPLE_GRIDS.get(settings.estimator)
    if settings.grid == SEED_GRID and example:
        raise UserError(
            f"the default grid is that of xgboost: give --grid (in Python grid=...) with parameters"
            f" of {settings.estimator}, such as '{example}'"
        )


def write_search(path: str, search: Search) -> None:
    """Write `search` to the JSON file `path`."""
    grid = [{"id": each.id, "parameters": each.parameters} for each in search.candidates]
    write_json(path, {"settings": search.settings, "candidates": grid})


def read_search(path: str) -> Search:
    """What `write_search` wrote, checked again."""
    facts = read_json(path)
    estimator = get_estimator(facts["settings"]["estimator"])
    grid = [make_candidate(each["parameters"], estimator) for each in facts["candidates"]]
    return Search(estimator, grid, facts["settings"])
