"""Tidy rows become a leaderboard: means, standard errors, the baseline, the winner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from fanfold.errors import FanfoldError, UserError, did_you_mean
from fanfold.estimators.base import Estimator
from fanfold.estimators.hyperparameters import parameter_names
from fanfold.number_text import number_text
from fanfold.search.grid import Candidate
from fanfold.search.scoring import BASELINE, FoldScore
from fanfold.tasks.regression import HIGHER_IS_BETTER


@dataclass(frozen=True)
class Selection:
    """What a search found.

    Attributes:
        leaderboard: a row a candidate, best first; the baseline and candidates that could
            not be fitted have no rank. Columns: `rank`, `candidate`, one a hyperparameter (NA
            where the grid says nothing of it, None for the baseline),
            `<metric>_mean`, `<metric>_std_err`, `<metric>_n` for each metric, `n` (folds
            scored), `fit_seconds`, `cpu_seconds`, `error`.
        winner: the chosen candidate.
        metric, selection: what it was chosen by.
        sentence: how it stands to the baseline, in plain words.
        beats_baseline: whether it is better than predicting the mean.
    """

    leaderboard: pd.DataFrame
    winner: Candidate
    metric: str
    selection: str
    sentence: str
    beats_baseline: bool

    def as_dict(self) -> dict[str, Any]:
        """The winner as `best.json` has it."""
        row = self.leaderboard.set_index("candidate").loc[self.winner.id]
        return {
            "candidate": self.winner.id,
            "parameters": self.winner.parameters,
            "metric": self.metric,
            "selection": self.selection,
            "mean": as_number(row[f"{self.metric}_mean"]),
            "std_err": as_number(row[f"{self.metric}_std_err"]),
            "beats_baseline": self.beats_baseline,
            "sentence": self.sentence,
        }


def as_number(value: Any) -> float | None:
    """A float that JSON can hold: NaN is null."""
    return None if pd.isna(value) else float(value)


def scores_frame(rows: Sequence[FoldScore]) -> pd.DataFrame:
    """The tidy table of `rows`, one column a field of `FoldScore`."""
    names = [field.name for field in fields(FoldScore)]
    return pd.DataFrame([asdict(row) for row in rows], columns=names)


def mean_and_standard_error(values: Sequence[float]) -> tuple[float, float, int]:
    """Mean, standard error and count of the values that are not NaN.

    The standard error is sd / sqrt(n) with sd over n - 1 (R package tune 1.0.1,
    `collect_metrics`); NaN for fewer than two values.
    """
    known = np.array([value for value in values if not math.isnan(value)])
    if not len(known):
        return math.nan, math.nan, 0
    error = float(known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else math.nan
    return float(known.mean()), error, len(known)


def select(
    scores: pd.DataFrame,
    candidates: Sequence[Candidate],
    estimator: Estimator,
    *,
    metric: str = "rmse",
    selection: str = "best",
    simplest_by: str = "",
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

    Raises:
        FanfoldError: no candidate could be fitted.
        UserError: `simplest_by` names a parameter that is not in the grid.
    """
    by_candidate = dict(tuple(scores.groupby("candidate", sort=False)))
    rows = [_row(each.id, by_candidate[each.id]) for each in candidates]
    order = _order(rows, metric)
    if not order:
        raise FanfoldError(_why_none(rows, metric))
    keys = simplicity(simplest_by, candidates, estimator)
    chosen = order[0]
    if selection == "one_std_err":
        chosen = _one_std_err(order, rows, candidates, estimator, keys, metric)
    baseline = _row(BASELINE, by_candidate[BASELINE])
    sentence, beats = _against_baseline(rows[chosen], baseline, metric)
    board = _leaderboard(rows, baseline, candidates, order)
    return Selection(board, candidates[chosen], metric, selection, sentence, beats)


def _why_none(rows: Sequence[dict[str, Any]], metric: str) -> str:
    reasons = [row["error"] for row in rows if row["error"]]
    if reasons:
        return f"none of the {len(rows)} candidates could be fitted; the first: {reasons[0]}"
    return (
        f"{metric} is undefined for all {len(rows)} candidates, as their predictions, or the"
        " targets of a fold, are constant: choose another metric, another grid or fewer folds"
    )


def _row(name: str, scores: pd.DataFrame) -> dict[str, Any]:
    """A candidate's row; one that failed on any fold has no mean that compares."""
    failed = scores[~scores["ok"].astype(bool)]
    row: dict[str, Any] = {"candidate": name}
    for metric in HIGHER_IS_BETTER:
        values = scores.loc[scores["metric"] == metric, "value"].astype(float)
        found = mean_and_standard_error(values.tolist() if failed.empty else [])
        row |= dict(zip((f"{metric}_mean", f"{metric}_std_err", f"{metric}_n"), found, strict=True))
    once = scores.drop_duplicates("fold")
    row["n"] = int(once["ok"].astype(bool).sum())
    row["fit_seconds"] = float(once["fit_seconds"].sum())
    row["cpu_seconds"] = float(once["cpu_seconds"].sum())
    row["error"] = "" if failed.empty else str(failed["error"].iloc[0])
    return row


def _order(rows: Sequence[dict[str, Any]], metric: str) -> list[int]:
    """Positions of the candidates that have a mean, best first; ties keep grid order."""
    return sorted(
        (place for place, row in enumerate(rows) if row[f"{metric}_n"]),
        key=lambda place: worth(metric, rows[place][f"{metric}_mean"], rows[place][f"{metric}_n"]),
    )


def worth(metric: str, mean: float, known: int) -> tuple[int, float]:
    """Sorts means of `metric` over so many folds, the best first.

    A mean over fewer folds, where the metric is undefined on others, stands behind all over more;
    that of none is no number, and last.
    """
    sign = -1 if HIGHER_IS_BETTER[metric] else 1
    return -known, sign * mean if known else 0.0


def simplicity(
    simplest_by: str, candidates: Sequence[Candidate], estimator: Estimator
) -> tuple[str, ...]:
    """The hyperparameters by which one candidate is simpler than another, the first first.

    Args:
        simplest_by: names, separated by commas, `-` before those of which more is simpler; where
            empty, what the estimator says.
        candidates: the grid's.
        estimator: fits them.

    Raises:
        UserError: a name that is not in the grid.
    """
    asked = tuple(part.strip() for part in simplest_by.split(",") if part.strip())
    known = parameter_names(candidates)
    for name in asked:
        if name.lstrip("-") not in known:
            raise UserError(
                f"simplest_by names {name!r}, which is not in the grid"
                f"{did_you_mean(name.lstrip('-'), known)}; allowed: {', '.join(known)}"
            )
    return asked or tuple(key for key in estimator.simplest_by if key.lstrip("-") in known)


def _one_std_err(
    order: Sequence[int],
    rows: Sequence[dict[str, Any]],
    candidates: Sequence[Candidate],
    estimator: Estimator,
    keys: Sequence[str],
    metric: str,
) -> int:
    best = rows[order[0]]
    margin = 0.0 if math.isnan(best[f"{metric}_std_err"]) else best[f"{metric}_std_err"]
    near = [
        place
        for place in order
        if rows[place][f"{metric}_n"] == best[f"{metric}_n"]
        and abs(rows[place][f"{metric}_mean"] - best[f"{metric}_mean"]) <= margin
    ]

    def complexity(place: int) -> list[tuple[bool, float]]:
        each = candidates[place]  # whose defaults count as if the grid said them
        parameters = each.text.as_parameters() | estimator.effective(each.model_parameters)
        return [_rank_value(parameters.get(key.lstrip("-")), key.startswith("-")) for key in keys]

    return min(near, key=complexity)


def _rank_value(value: Any, large_is_simple: bool) -> tuple[bool, float]:
    """Sorts numbers by size and puts what is no number (None: no limit) last."""
    if not isinstance(value, int | float):
        return True, 0.0
    return False, -float(value) if large_is_simple else float(value)


def _against_baseline(
    winner: dict[str, Any], baseline: dict[str, Any], metric: str
) -> tuple[str, bool]:
    # A constant has no correlation, so rsq cannot tell a model from the mean: rmse does.
    by = "rmse" if metric == "rsq" else metric
    ours, mean = winner[f"{by}_mean"], baseline[f"{by}_mean"]
    if ours < mean:
        share = 100 * (1 - ours / mean)
        return (
            f"The winner's {by} of {number_text(ours)} is {share:.1f} % below the"
            f" {number_text(mean)} that predicting the mean gives.",
            True,
        )
    return (
        f"The winner does not beat the baseline: its {by} is {number_text(ours)}, and predicting"
        f" the mean gives {number_text(mean)}. The text tells nothing here that this grid can use.",
        False,
    )


def _leaderboard(
    rows: Sequence[dict[str, Any]],
    baseline: dict[str, Any],
    candidates: Sequence[Candidate],
    order: Sequence[int],
) -> pd.DataFrame:
    names = parameter_names(candidates)
    unranked = [place for place in range(len(rows)) if place not in set(order)]
    lines = []
    for rank, place in enumerate([*order, *unranked], start=1):
        said = candidates[place].parameters
        shown = {name: said.get(name, pd.NA) for name in names}  # None is what one may say
        head = {"rank": rank if rank <= len(order) else None, "candidate": candidates[place].id}
        lines.append({**head, **shown, **rows[place]})
    lines.append({"rank": None, "candidate": BASELINE, **dict.fromkeys(names), **baseline})
    board = pd.DataFrame(lines)
    board["rank"] = board["rank"].astype("Int64")
    for name in names:  # object, so that 6 stays 6 beside the baseline's blank
        board[name] = pd.Series([line[name] for line in lines], dtype=object)
    return board
