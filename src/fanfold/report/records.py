"""The rows that the charts draw; several charts share one table, so that the page stays small."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from fanfold.report.data import Board, Candidate, ReportData, number
from fanfold.report.scales import Axis, Range, nice_numbers
from fanfold.report.words import (
    fixed,
    number_text,
    own_decimals,
    plain,
    seconds_text,
    value_text,
)
from fanfold.search.baseline import BASELINE

Records: TypeAlias = list[dict[str, Any]]

MOST_ROWS = 50  # candidates that the leaderboard's table and the fold chart show
_MOST_CELLS = 3000
_MOST_DRAWN = 2000  # candidates in a chart: more make a heavy page and no clearer picture

_GOLDEN_RATIO = 0.618034  # its multiples (modulo 1) set neighbours in rank apart


def score_text(candidate: Candidate, metric: str) -> str:
    """A mean and its standard error: 1.203 ± 0.0041."""
    error = candidate.std_err[metric]
    mean = number_text(candidate.mean[metric])
    return f"{mean} ± {number_text(error, 2)}" if math.isfinite(error) else mean


def candidate_rows(board: Board, axes: Sequence[Axis], scores: Range) -> Records:
    """One row a drawn candidate, the worst first, so that the best is drawn on top."""
    step = _step(board)
    drawn = [c for n, c in enumerate(board.ranked) if n % step == 0 or c is board.winner]
    places = [band_places(axis, drawn) for axis in axes]
    rows = []
    for n, candidate in enumerate(drawn):
        row = _scores_and_times(candidate, board, scores)
        row["aside"] = round((0.5 + n * _GOLDEN_RATIO) % 1, 3)
        for axis, place in zip(axes, places, strict=True):
            value = candidate.parameters[axis.name]
            row[axis.field] = value_text(value) if axis.levels else value
            row[f"{axis.field}_place"] = round(place[n], 4)
        rows.append(row)
    return rows[::-1]


def _step(board: Board) -> int:
    return math.ceil(len(board.ranked) / _MOST_DRAWN)


def thinned_text(board: Board) -> str:
    """What the charts leave out, if anything."""
    step = _step(board)
    return f"The charts draw one candidate in {step}, evenly by rank." if step > 1 else ""


def _scores_and_times(candidate: Candidate, board: Board, scores: Range) -> dict[str, Any]:
    mean, error = candidate.mean[board.metric], candidate.std_err[board.metric]
    error = error if math.isfinite(error) else 0.0
    return {
        "rank": candidate.rank,
        "label": board.label(candidate) or candidate.identity,
        "winner": candidate is board.winner,
        "score": _short(mean),
        "low": _short(mean - error),
        "high": _short(mean + error),
        "fit": _short(candidate.fit_seconds),
        "cpu": _short(candidate.cpu_seconds),
        "score_text": score_text(candidate, board.metric),
        "fit_text": seconds_text(candidate.fit_seconds),
        "cpu_text": seconds_text(candidate.cpu_seconds),
        "goodness": round(scores.goodness(mean), 4),
    }


def band_places(axis: Axis, candidates: Sequence[Candidate]) -> list[float]:
    """Each candidate's place on a parallel axis: candidates of one level lie side by side.

    Args:
        axis: A hyperparameter's axis.
        candidates: The best first; within a level the best lie on top.
    """
    values = [candidate.parameters[axis.name] for candidate in candidates]
    if not axis.levels:
        return [axis.share(value) for value in values]
    members: dict[float, list[int]] = defaultdict(list)
    for n, value in enumerate(values):
        members[axis.share(value)].append(n)
    places = [0.0] * len(values)
    for middle, rows in members.items():
        width = min(0.5 / len(axis.levels), 0.03 * (len(rows) - 1))
        for position, n in enumerate(rows):
            places[n] = middle + width * (0.5 - (position + 0.5) / len(rows))
    return places


def fold_rows(data: ReportData, board: Board) -> Records:
    """One row a candidate and fold, for the best candidates and the winner."""
    own = data.scores[data.scores["metric"] == data.metric]
    values: dict[str, dict[str, float]] = defaultdict(dict)
    for identity, fold, value in zip(own["candidate"], own["fold"], own["value"], strict=True):
        values[str(identity)][str(plain(fold))] = number(value)
    folds = fold_names(values[board.winner.identity])
    best = list(board.ranked[: min(MOST_ROWS, max(5, _MOST_CELLS // max(1, len(folds))))])
    if board.winner not in best:  # the simplest may be far from the best
        best.append(board.winner)
    baseline = values[BASELINE]
    return [
        {
            "rank": candidate.rank,
            "label": board.label(candidate) or candidate.identity,
            "fold": fold,
            "score": _short(values[candidate.identity].get(fold, math.nan)),
            "text": number_text(values[candidate.identity].get(fold, math.nan)),
            "baseline": number_text(baseline.get(fold, math.nan)),
        }
        for candidate in best
        for fold in folds
    ]


def fold_names(names: Iterable[str]) -> list[str]:
    """Fold labels in order, numbers by their value."""
    return sorted(names, key=lambda name: (not name.isdecimal(), len(name.zfill(9)), name.zfill(9)))


def axis_rows(axes: Sequence[Axis], metric: str, scores: Range) -> Records:
    """The parallel axes: for each a row with its title, and a row a tick."""
    rows: Records = []
    for axis in axes:
        field = f"{axis.field}_place"
        rows.append({"axis": field, "title": axis.title})
        rows += [{"axis": field, "place": place, "text": text} for place, text in axis.ticks()]
    rows.append({"axis": "goodness", "title": metric})
    ticks = nice_numbers(scores.low, scores.high)
    places = max(map(own_decimals, ticks), default=0)
    rows += [
        {"axis": "goodness", "place": scores.goodness(tick), "text": fixed(tick, places)}
        for tick in ticks
    ]
    return rows


def _short(value: float) -> float | None:
    """The value with the digits that a chart can show; None (JSON's null) for NaN."""
    return float(f"{value:.7g}") if math.isfinite(value) else None
