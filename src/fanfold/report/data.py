"""What the report is made of, and the views of it that several parts of the page share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fanfold.report.words import Value, plain, value_text
from fanfold.results.files import SearchResults
from fanfold.search.baseline import BASELINE
from fanfold.tasks.regression import HIGHER_IS_BETTER

if TYPE_CHECKING:
    import pandas as pd


UNSAID = "default"
"""What is shown of a hyperparameter that the grid does not say of a candidate."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportData:
    """A search's results, as its files hold them.

    Attributes:
        leaderboard: One row a candidate and one for the baseline (`leaderboard.csv`).
        scores: One row a candidate, fold and metric (`scores.csv`).
        best: The winner (`best.json`).
        summary: Row accounting and provenance (`summary.json`).
        metric: The metric that picked the winner.
        metrics: Metrics on the test rows; None before the final training.
        importances: Tokens of the winner and their share of the fit, the largest first; None
            or empty where the model has none, or before the final training.
        target: The expression that is predicted.
        text_column: The column it is predicted from.
        parameters: The hyperparameter columns of `leaderboard`.
    """

    leaderboard: pd.DataFrame
    scores: pd.DataFrame
    best: Mapping[str, Any]
    summary: Mapping[str, Any]
    metric: str
    metrics: Mapping[str, float | None] | None
    importances: Sequence[tuple[str, float]] | None
    target: str
    text_column: str
    parameters: Sequence[str]

    @classmethod
    def of(
        cls, results: SearchResults, importances: Sequence[tuple[str, float]] | None = None
    ) -> ReportData:
        """The report's data, from the results of a search and its model's importances."""
        settings = results.summary["settings"]
        return cls(
            leaderboard=results.leaderboard,
            scores=results.scores,
            best=results.best,
            summary=results.summary,
            metric=results.best["metric"],
            metrics=results.metrics,
            importances=importances,
            target=settings["target"],
            text_column=settings["text_column"],
            parameters=results.parameters,
        )


@dataclass(frozen=True)
class Candidate:
    """One row of the leaderboard; means and standard errors by metric, NaN where unknown.

    `defined` are, by metric, the folds that the mean is of; `folds`, those that were scored.
    """

    identity: str
    rank: int | None
    parameters: Mapping[str, Value]
    mean: Mapping[str, float]
    std_err: Mapping[str, float]
    defined: Mapping[str, int]
    folds: int
    columns: int
    fit_seconds: float
    cpu_seconds: float
    error: str


@dataclass(frozen=True)
class Board:
    """The leaderboard, sorted into what is shown in different ways.

    Attributes:
        ranked: Candidates with a rank, the best first.
        failed: Candidates without a rank: they could not be fitted, or the metric is undefined.
        metrics: The metric that decides, then the others.
        varying: Hyperparameters with more than one value, in the grid's order.
        constant: The other hyperparameters and their one value.
    """

    ranked: Sequence[Candidate]
    failed: Sequence[Candidate]
    baseline: Candidate | None
    winner: Candidate
    metrics: Sequence[str]
    varying: Sequence[str]
    constant: Mapping[str, str]

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.metrics[0]

    @property
    def folds(self) -> int:
        """Folds of the candidate that was scored on most."""
        return max(candidate.folds for candidate in self.ranked)

    def typical(self, metric: str) -> float:
        """A mean of `metric` of the size that all have: of the best candidate that has one."""
        means = (candidate.mean[metric] for candidate in (self.winner, *self.ranked))
        return next((mean for mean in means if math.isfinite(mean)), math.nan)

    def label(self, candidate: Candidate) -> str:
        """The candidate in a few words: its values of what varies."""
        return " · ".join(f"{n} {value_text(candidate.parameters[n])}" for n in self.varying)


def read_board(data: ReportData) -> Board:
    """Sorts the leaderboard's rows.

    Raises:
        ValueError: the winner is not among the leaderboard's ranked candidates.
    """
    metrics = sorted(HIGHER_IS_BETTER, key=lambda name: name != data.metric)
    names = list(data.leaderboard.columns)
    rows = [
        _candidate(dict(zip(names, cells, strict=True)), data.parameters, metrics)
        for cells in data.leaderboard.itertuples(index=False, name=None)  # NA stays NA here
    ]
    known = {row.identity: row for row in rows}
    candidates = [row for row in rows if row.identity != BASELINE]
    ranked = [row for row in candidates if row.rank is not None]
    winner = known.get(str(data.best["candidate"]))
    if winner not in ranked or winner is None:
        raise ValueError(f"the winner {data.best['candidate']!r} has no rank in the leaderboard")
    values = {name: levels(row.parameters[name] for row in candidates) for name in data.parameters}
    return Board(
        ranked=sorted(ranked, key=lambda row: row.rank or 0),
        failed=[row for row in candidates if row.rank is None],
        baseline=known.get(BASELINE),
        winner=winner,
        metrics=metrics,
        varying=[name for name, found in values.items() if len(found) > 1],
        constant={name: value_text(found[0]) for name, found in values.items() if len(found) == 1},
    )


def _candidate(
    row: Mapping[Any, Any], parameters: Iterable[str], metrics: Iterable[str]
) -> Candidate:
    rank, error = plain(row["rank"]), plain(row["error"])
    return Candidate(
        identity=str(row["candidate"]),
        rank=None if rank is None else int(rank),
        parameters={name: _said(row[name]) for name in parameters},
        mean={name: number(row[f"{name}_mean"]) for name in metrics},
        std_err={name: number(row[f"{name}_std_err"]) for name in metrics},
        defined={name: int(plain(row[f"{name}_n"]) or 0) for name in metrics},
        folds=int(plain(row["n"]) or 0),
        columns=int(plain(row["columns"]) or 0),
        fit_seconds=number(row["fit_seconds"]),
        cpu_seconds=number(row["cpu_seconds"]),
        error="" if error is None else str(error),
    )


def _said(value: Any) -> Value:
    """A hyperparameter of the grid: null is a value of its own, and nothing said another."""
    return UNSAID if type(value).__name__ == "NAType" else plain(value)


def number(value: Any) -> float:
    """The value as a float; NaN where there is none."""
    value = plain(value)
    return float("nan") if value is None else float(value)


def levels(values: Iterable[Value]) -> list[Value]:
    """The distinct values: nothing first, then numbers, truth values and words, each in order.

    1 and 1.0 are two: to some of scikit-learn's estimators the one is a count, the other a share.
    """

    def place(value: Value) -> tuple[int, float, str]:
        if value is None:
            return 0, 0.0, ""
        if isinstance(value, bool):
            return 2, float(value), ""
        if isinstance(value, int | float):
            return 1, float(value), "" if isinstance(value, int) else "."
        return 3, 0.0, str(value)

    found = {place(value): value for value in values}
    return [found[key] for key in sorted(found)]
