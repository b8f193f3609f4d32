"""The leaderboard as a table: the best candidates, the baseline, those that failed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fanfold.number_text import decimals
from fanfold.report.data import Board, Candidate
from fanfold.report.records import MOST_ROWS
from fanfold.report.scales import Range, score_range
from fanfold.report.strip import Mark, mark
from fanfold.report.words import NOTHING, fixed, seconds_text, shown, value_text

MOST_FAILED = 10


@dataclass(frozen=True)
class Row:
    """One line; `kind` is winner, baseline or nothing."""

    kind: str
    rank: str
    score: str
    std_err: str
    mark: Mark | None
    parameters: Sequence[str]
    others: Sequence[str]
    columns: str
    fit: str
    cpu: str
    identity: str


@dataclass(frozen=True)
class Table:
    """The leaderboard as far as it is shown.

    Attributes:
        cut: how many of the best are shown where that is not all, else 0.
        baseline_mark: where its rule is; None where it lies beyond the error bars.
        beyond: in which direction it lies then.
        failed: identity, hyperparameters and error.
        more_failed: how many of these are not shown.
    """

    rows: Sequence[Row]
    cut: int
    baseline_mark: Mark | None
    beyond: str
    failed: Sequence[tuple[str, str, str]]
    more_failed: int


def table(board: Board) -> Table:
    """The rows in order: the baseline stands where its score belongs."""
    top = list(board.ranked[:MOST_ROWS])
    if board.winner not in top:
        top.append(board.winner)
    scale = _table_range(board, top)
    level = board.baseline.mean[board.metric] if board.baseline else math.nan
    if board.baseline:
        top.insert(_place(level, top, board.metric, scale), board.baseline)
    beyond = "← baseline" if level < scale.low else "baseline →" if level > scale.high else ""
    return Table(
        rows=[_row(candidate, board, scale) for candidate in top],
        cut=MOST_ROWS if len(board.ranked) > MOST_ROWS else 0,
        baseline_mark=mark(scale, level) if scale.holds(level) else None,
        beyond=beyond,
        failed=[
            (candidate.identity, board.label(candidate), _why(candidate, board.metric))
            for candidate in board.failed[:MOST_FAILED]
        ],
        more_failed=max(0, len(board.failed) - MOST_FAILED),
    )


def _why(candidate: Candidate, metric: str) -> str:
    return shown(candidate.error, 240) or f"its {metric} is undefined"


def _place(level: float, top: Sequence[Candidate], metric: str, scale: Range) -> int:
    """How many of `top` are at least as good; all of them where the level is unknown."""
    sign = scale.better_is
    return sum(not sign * candidate.mean[metric] < sign * level for candidate in top)


def _table_range(board: Board, rows: Sequence[Candidate]) -> Range:
    """The interval of the error bars; it holds the baseline where that is near."""
    metric = board.metric
    errors = [c.std_err[metric] if math.isfinite(c.std_err[metric]) else 0.0 for c in rows]
    ends = [
        c.mean[metric] + sign * error
        for c, error in zip(rows, errors, strict=True)
        for sign in (-1, 1)
    ]
    scale = score_range(ends, metric)
    if board.baseline and scale.padded(1.0).holds(board.baseline.mean[metric]):
        scale = score_range([scale.low, scale.high, board.baseline.mean[metric]], metric)
    return scale.padded()


def _row(candidate: Candidate, board: Board, scale: Range) -> Row:
    metric, baseline = board.metric, candidate is board.baseline
    places = {name: decimals(board.typical(name)) for name in board.metrics}
    mean, error = candidate.mean[metric], candidate.std_err[metric]
    error_places = decimals(board.winner.std_err[metric], 2) or places[metric]
    varying = [] if baseline else [candidate.parameters[name] for name in board.varying]
    return Row(
        kind="winner" if candidate is board.winner else "baseline" if baseline else "",
        rank="" if candidate.rank is None else f"{candidate.rank:,}",
        score=fixed(mean, places[metric]),
        std_err=f"± {fixed(error, error_places)}" if math.isfinite(error) else "",
        mark=None if baseline and not scale.holds(mean) else mark(scale, mean, error),
        parameters=[value_text(value) for value in varying],
        others=[fixed(candidate.mean[name], places[name]) for name in board.metrics[1:]],
        columns=f"{candidate.columns:,}" if candidate.columns else NOTHING,
        fit=NOTHING if baseline else seconds_text(candidate.fit_seconds),
        cpu=NOTHING if baseline else seconds_text(candidate.cpu_seconds),
        identity=candidate.identity,
    )


def folds_text(board: Board) -> str:
    """What the cross-validated numbers are means of."""
    return f"over {board.folds:,} {'fold' if board.folds == 1 else 'folds'}"


def defined_text(board: Board, metric: str) -> str:
    """The same of the winner's mean of `metric`, which some folds may not define."""
    defined = board.winner.defined[metric]
    if defined >= board.folds:
        return folds_text(board)
    return f"over {defined:,} of {board.folds:,} folds"


def counts_text(board: Board) -> str:
    """How many candidates there are, and how many of them have no rank."""
    total = len(board.ranked) + len(board.failed)
    text = f"{total:,} {'candidate' if total == 1 else 'candidates'} {folds_text(board)}."
    broken = sum(bool(each.error) for each in board.failed)
    if broken:
        text += f" {broken:,} could not be fitted."
    if len(board.failed) > broken:
        text += f" The {board.metric} of {len(board.failed) - broken:,} is undefined."
    return text
