"""The summary of a search: rows, settings and cost, as far as its steps have come."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fanfold.resources import cpu_seconds, peak_memory
from fanfold.settings.search import Settings
from fanfold.versions import git_revision, versions

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.search.plan import Plan

RULE_SETTINGS = ("metric", "selection", "simplest_by")
"""The settings by which `select_best` picks the winner."""

COST_SETTINGS = ("cpu_hour_price", "estimated_cpu_hours")
"""The settings that say how `train_final` shows the cost. They reach no other step, since they
must not change its cached tasks or remembered folds."""


@dataclass
class Cost:
    """Wall time, processor time and memory of one step of this process."""

    started: str = field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds")
    )
    clock: float = field(default_factory=time.time)
    cpu: float = field(default_factory=cpu_seconds)

    def spent(self) -> dict[str, Any]:
        """Seconds, processor seconds, and the largest resident size of the process in bytes."""
        return {
            "seconds": time.time() - self.clock,
            "cpu_seconds": cpu_seconds() - self.cpu,
            "peak_memory_bytes": peak_memory(),
        }


def preprocessed_summary(
    accounting: Mapping[str, Any], settings: Mapping[str, Any], cost: Cost
) -> dict[str, Any]:
    """The summary after `preprocess`.

    Args:
        accounting: where each row of the table went, see `fanfold.features.preprocess`.
        settings: those of the corpus, by name.
        cost: of the step.
    """
    provenance = {
        "started": cost.started,
        "settings": dict(settings),
        "versions": versions(),
        "git": git_revision(),
    }
    return {**accounting, **provenance, **cost.spent()}


def selected_summary(
    preprocessed: Mapping[str, Any], plan: Plan, best: Mapping[str, Any], board: pd.DataFrame
) -> dict[str, Any]:
    """The summary after `select_best`: the settings so far, and the baseline.

    Args:
        preprocessed: the summary after `preprocess`.
        plan: of the search.
        best: the winner, as `best.json` holds it.
        board: the leaderboard.
    """
    rule = {name: best[name] for name in RULE_SETTINGS}
    settings = {**preprocessed["settings"], **plan.settings, **rule}
    return {**preprocessed, "settings": _in_order(settings), "baseline": baseline_means(board)}


def final_summary(
    selected: Mapping[str, Any], settings: Settings, scores: pd.DataFrame, cost: Cost
) -> dict[str, Any]:
    """The summary of the whole search: wall time since its first step began, and its cost.

    A fold that was remembered cost this search nothing.

    Args:
        selected: the summary after `select_best`.
        settings: those of the cost; the others are in `selected`.
        scores: the tidy rows.
        cost: of `train_final`.
    """
    from fanfold.search.baseline import BASELINE

    spent = cost.spent()
    begun = datetime.fromisoformat(selected["started"]).timestamp()
    folds = scores[scores["candidate"] != BASELINE].drop_duplicates(["candidate", "fold"])
    computed = folds[~folds["remembered"]]
    fits = float(computed["cpu_seconds"].sum())
    peaks = [selected["peak_memory_bytes"], *computed["peak_memory_bytes"]]
    shown = {name: getattr(settings, name) for name in COST_SETTINGS}
    return {
        **selected,
        "settings": _in_order({**selected["settings"], **shown}),
        "folds_computed": len(computed),
        "folds_remembered": len(folds) - len(computed),
        "seconds": time.time() - begun,
        "cpu_seconds": selected["cpu_seconds"] + fits + spent["cpu_seconds"],
        "peak_memory_bytes": int(max(*peaks, spent["peak_memory_bytes"])),
    }


def _in_order(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in the order in which they are documented."""
    return {name: settings[name] for name in Settings().as_dict() if name in settings}


def baseline_means(board: pd.DataFrame) -> dict[str, float | None]:
    """Mean of each metric over the folds where the training mean is predicted."""
    from fanfold.search.baseline import BASELINE
    from fanfold.search.selection import as_number
    from fanfold.tasks.regression import HIGHER_IS_BETTER

    row = board.set_index("candidate").loc[BASELINE]
    return {metric: as_number(row[f"{metric}_mean"]) for metric in HIGHER_IS_BETTER}
