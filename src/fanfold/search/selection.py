"""The winner: ranked by the mean of a metric over folds, chosen by a rule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from fanfold.errors import FanfoldError
from fanfold.estimators.base import EstimatorParameters
from fanfold.search.baseline import BASELINE
from fanfold.search.comparison import BETTER, Comparison, compare
from fanfold.search.grid import Candidate
from fanfold.search.leaderboard import Row, best_first, leaderboard, mean_row
from fanfold.search.simplicity import complexity, simplicity


@dataclass(frozen=True)
class Selection:
    """What a search found.

    Attributes:
        leaderboard: a row for each candidate, best first; the baseline and candidates that could
            not be fitted have no rank. See `fanfold.search.leaderboard`.
        winner: the chosen candidate.
        metric, selection: what it was chosen by.
        comparison: of the winner with the baseline.
    """

    leaderboard: pd.DataFrame
    winner: Candidate
    metric: str
    selection: str
    comparison: Comparison

    def as_dict(self) -> dict[str, Any]:
        """The winner, as `best.json` holds it."""
        row = self.leaderboard.set_index("candidate").loc[self.winner.id]
        return {
            "candidate": self.winner.id,
            "parameters": self.winner.parameters,
            "metric": self.metric,
            "selection": self.selection,
            "mean": as_number(row[f"{self.metric}_mean"]),
            "std_err": as_number(row[f"{self.metric}_std_err"]),
            "beats_baseline": self.comparison.verdict == BETTER,
            "verdict": self.comparison.verdict,
            "sentence": self.comparison.sentence,
        }


def as_number(value: Any) -> float | None:
    """A float that JSON can hold: NaN is null."""
    return None if pd.isna(value) else float(value)


def select(
    scores: pd.DataFrame,
    candidates: Sequence[Candidate],
    estimator: EstimatorParameters,
    *,
    metric: str = "rmse",
    selection: str = "best",
    simplest_by: str = "",
    same: Mapping[str, str] = MappingProxyType({}),
) -> Selection:
    """Rank `candidates` by the mean of `metric` over folds and choose the winner.

    Args:
        scores: the tidy table, baseline rows included.
        candidates: in grid order, which breaks ties.
        estimator: knows which parameters make a model simple.
        metric: `rmse`, `mae` (least wins) or `rsq` (most wins).
        selection: `best`, or `one_std_err`: the simplest candidate whose mean is within one
            standard error of the best (Breiman et al. 1984, the 1-SE rule).
        simplest_by: parameters, comma-separated, in order; small is simple, `-name`: large is.
        same: candidates that are the same as another, see `fanfold.search.same_columns`.

    Raises:
        FanfoldError: no candidate could be fitted.
        UserError: `simplest_by` names a parameter that is not in the grid.
    """
    by_candidate = dict(tuple(scores.groupby("candidate", sort=False)))
    rows = [mean_row(each.id, by_candidate[each.id]) for each in candidates]
    order = best_first(rows, metric)
    if not order:
        raise FanfoldError(_why_none(rows, metric))
    keys = simplicity(simplest_by, candidates, estimator)
    chosen = order[0]
    if selection == "one_std_err":
        near = _within_one_std_err(order, rows, metric)
        chosen = min(near, key=lambda place: complexity(candidates[place], keys, estimator))
    baseline = mean_row(BASELINE, by_candidate[BASELINE])
    board = leaderboard(rows, baseline, candidates, order, same)
    winner = candidates[chosen]
    comparison = compare(by_candidate[winner.id], by_candidate[BASELINE], metric)
    return Selection(board, winner, metric, selection, comparison)


def _why_none(rows: Sequence[Row], metric: str) -> str:
    reasons = [row["error"] for row in rows if row["error"]]
    if reasons:
        return f"none of the {len(rows)} candidates could be fitted; the first: {reasons[0]}"
    return (
        f"{metric} is undefined for all {len(rows)} candidates, as their predictions, or the"
        " targets of a fold, are constant: choose another metric, another grid or fewer folds"
    )


def _within_one_std_err(order: Sequence[int], rows: Sequence[Row], metric: str) -> list[int]:
    """Positions of the rows whose mean is within one standard error of the best, best first."""
    best = rows[order[0]]
    margin = 0.0 if math.isnan(best[f"{metric}_std_err"]) else best[f"{metric}_std_err"]
    return [
        place
        for place in order
        if rows[place][f"{metric}_n"] == best[f"{metric}_n"]
        and abs(rows[place][f"{metric}_mean"] - best[f"{metric}_mean"]) <= margin
    ]
