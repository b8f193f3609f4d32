"""The plan of a search: its candidates, what fits them, and how tasks share them.

It is made once from the settings, and checked there. As a file the steps hand it on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fanfold.errors import UserError
from fanfold.estimators.base import Estimator, get_estimator
from fanfold.features.text import TextSettings
from fanfold.search.grid import Candidate, Unit, expand, make_candidate, make_units, pack
from fanfold.search.simplicity import simplicity
from fanfold.settings.search import Settings
from fanfold.storage.json_files import read_json, write_json

PLAN_SETTINGS = ("grid", "estimator", *TextSettings.names(), "share_fits", "ledger", "max_tasks")
"""The settings that a plan is made of and keeps for later steps."""

LOOP_BYTES = 100_000
"""What the items of a loop may take: KFP passes them all in one argument, of at most 128 KiB."""


@dataclass(frozen=True)
class Plan:
    """What is searched.

    Attributes:
        estimator: fits the candidates.
        candidates: the grid's, checked, in grid order.
        settings: the values of `PLAN_SETTINGS`, by name.
    """

    estimator: Estimator
    candidates: list[Candidate]
    settings: dict[str, Any]

    @classmethod
    def of(cls, settings: Settings) -> Plan:
        """The plan that `settings` describe.

        Raises:
            UserError: the estimator, the grid or `simplest_by` is wrong.
        """
        estimator = get_estimator(settings.estimator)
        kept = {name: getattr(settings, name) for name in PLAN_SETTINGS}
        text = {name: kept[name] for name in TextSettings.names()}
        candidates = expand(settings.grid, estimator, text)
        simplicity(settings.simplest_by, candidates, estimator)  # first used after all fits
        return cls(estimator, candidates, kept)

    def write(self, path: str | Path) -> None:
        """Write the plan to the JSON file `path`."""
        grid = [{"id": each.id, "parameters": each.parameters} for each in self.candidates]
        write_json(path, {"settings": self.settings, "candidates": grid})

    @classmethod
    def read(cls, path: str | Path) -> Plan:
        """The plan that `write` wrote, checked again."""
        content = read_json(path)
        estimator = get_estimator(content["settings"]["estimator"])
        grid = [make_candidate(each["parameters"], estimator) for each in content["candidates"]]
        return cls(estimator, grid, content["settings"])

    def candidate(self, name: str) -> Candidate:
        """The candidate of this id; `UserError` where the grid has none."""
        for each in self.candidates:
            if each.id == name:
                return each
        raise UserError(f"no candidate {name!r} in the grid of {len(self.candidates)}")

    def units(self, ids: Sequence[str] | None = None) -> list[Unit]:
        """The fits that serve the candidates of these ids; None for all.

        Raises:
            UserError: an id that is not in the grid.
        """
        chosen = self.candidates
        if ids is not None:
            wanted = {self.candidate(name).id for name in ids}
            chosen = [each for each in self.candidates if each.id in wanted]
        return make_units(chosen, self.estimator, share_fits=self.settings["share_fits"])

    def shares(self, limit: int | None = None) -> list[dict[str, str]]:
        """What a pipeline loops over, an item for each task.

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
