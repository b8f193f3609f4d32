"""The summary of a search: rows, settings, and what it cost, put together step by step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fanfold.resources import cpu_seconds, peak_memory
from fanfold.settings.search import Settings

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.search.candidates import Search

RULE_SETTINGS = ("metric", "selection", "simplest_by")
"""The settings by which `select_best` picks the winner."""

COST_SETTINGS = ("cpu_hour_price", "estimated_cpu_hours")
"""The settings of `train_final`: what to say of the cost. They reach no other step, whose cached
tasks and remembered folds they must not touch."""


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


def with_settings(
    summary: Mapping[str, Any],
    search: Search,
    winner: Mapping[str, Any],
    own: Settings | None = None,
) -> dict[str, Any]:
    """The summary of `preprocess`, its settings completed by those of the steps after it.

    Those of `train_final` are `own`, and missing where that is yet to come.
    """
    known = {**summary["settings"], **search.settings}
    known |= {name: winner[name] for name in RULE_SETTINGS}
    if own is not None:
        known |= {name: getattr(own, name) for name in COST_SETTINGS}
    ordered = [name for name in Settings().as_dict() if name in known]
    return {**summary, "settings": {name: known[name] for name in ordered}}


def whole_summary(
    preprocessed: dict[str, Any], board: pd.DataFrame, tidy: pd.DataFrame, cost: Cost
) -> dict[str, Any]:
    """The summary of the whole search: wall time since its first step began, and what it took.

    A fold that was remembered cost this search nothing.
    """
    from fanfold.search.scoring import BASELINE

    spent = cost.spent()
    begun = datetime.fromisoformat(preprocessed["started"]).timestamp()
    folds = tidy[tidy["candidate"] != BASELINE].drop_duplicates(["candidate", "fold"])
    computed = folds[~folds["remembered"]]
    fits = float(computed["cpu_seconds"].sum())
    peaks = [preprocessed["peak_memory_bytes"], *computed["peak_memory_bytes"]]
    return {
        **preprocessed,
        "baseline": baseline(board),
        "folds_computed": len(computed),
        "folds_remembered": len(folds) - len(computed),
        "seconds": time.time() - begun,
        "cpu_seconds": preprocessed["cpu_seconds"] + fits + spent["cpu_seconds"],
        "peak_memory_bytes": int(max(*peaks, spent["peak_memory_bytes"])),
    }


def baseline(board: pd.DataFrame) -> dict[str, float | None]:
    """Mean of each metric over the folds where the training mean is predicted."""
    from fanfold.search.scoring import BASELINE
    from fanfold.search.selection import as_number
    from fanfold.tasks.regression import HIGHER_IS_BETTER

    row = board.set_index("candidate").loc[BASELINE]
    return {metric: as_number(row[f"{metric}_mean"]) for metric in HIGHER_IS_BETTER}
