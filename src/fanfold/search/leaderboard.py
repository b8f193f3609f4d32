"""The leaderboard: a row for each candidate with its means over folds, and the baseline's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from fanfold.estimators.hyperparameters import parameter_names
from fanfold.search.baseline import BASELINE
from fanfold.search.grid import Candidate
from fanfold.search.means import mean_and_standard_error, worth
from fanfold.tasks.regression import HIGHER_IS_BETTER

Row = dict[str, Any]
"""A candidate's row: `candidate`, its means, `n`, `columns` (on average), its cost, `error`."""


def mean_row(name: str, scores: pd.DataFrame) -> Row:
    """The row of one candidate from its tidy `scores`; one that failed on a fold has no mean."""
    failed = scores[~scores["ok"].astype(bool)]
    row: Row = {"candidate": name}
    for metric in HIGHER_IS_BETTER:
        values = scores.loc[scores["metric"] == metric, "value"].astype(float)
        found = mean_and_standard_error(values.tolist() if failed.empty else [])
        row |= dict(zip((f"{metric}_mean", f"{metric}_std_err", f"{metric}_n"), found, strict=True))
    once = scores.drop_duplicates("fold")
    row["n"] = int(once["ok"].astype(bool).sum())
    row["columns"] = round(float(once["columns"].mean()))
    row["fit_seconds"] = float(once["fit_seconds"].sum())
    row["cpu_seconds"] = float(once["cpu_seconds"].sum())
    row["error"] = "" if failed.empty else str(failed["error"].iloc[0])
    return row


def best_first(rows: Sequence[Row], metric: str) -> list[int]:
    """Positions of the rows that have a mean of `metric`, best first; ties keep their order."""
    return sorted(
        (place for place, row in enumerate(rows) if row[f"{metric}_n"]),
        key=lambda place: worth(metric, rows[place][f"{metric}_mean"], rows[place][f"{metric}_n"]),
    )


def leaderboard(
    rows: Sequence[Row],
    baseline: Row,
    candidates: Sequence[Candidate],
    order: Sequence[int],
    same: Mapping[str, str] = MappingProxyType({}),
) -> pd.DataFrame:
    """The table of `rows`, ranked in `order`; rows without a place in it come last, unranked.

    Columns: `rank`, `candidate`, one for each hyperparameter (NA where the grid does not name it,
    None for the baseline), those of `mean_row`, and `same_as`: the candidate before it in the grid
    whose columns and parameters are the same (`same`: id -> id), else empty.
    """
    names = parameter_names(candidates)
    unranked = [place for place in range(len(rows)) if place not in set(order)]
    lines = []
    for rank, place in enumerate([*order, *unranked], start=1):
        parameters = candidates[place].parameters
        shown = {name: parameters.get(name, pd.NA) for name in names}  # None is a value
        name = candidates[place].id
        head = {"rank": rank if rank <= len(order) else None, "candidate": name}
        lines.append({**head, **shown, **rows[place], "same_as": same.get(name, "")})
    head = {"rank": None, "candidate": BASELINE}
    lines.append({**head, **dict.fromkeys(names), **baseline, "same_as": ""})
    board = pd.DataFrame(lines)
    board["rank"] = board["rank"].astype("Int64")
    for name in names:  # object, so that 6 stays 6 beside the baseline's blank
        board[name] = pd.Series([line[name] for line in lines], dtype=object)
    return board
