"""The winner: its hyperparameters and, a card each, its metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fanfold.number_text import decimals
from fanfold.report.data import Board, ReportData, number
from fanfold.report.leaderboard import defined_text
from fanfold.report.scales import Range, score_range
from fanfold.report.strip import Mark, mark
from fanfold.report.words import fixed, number_text, percent, plain, value_text
from fanfold.tasks.regression import HIGHER_IS_BETTER

MEANING = {"rsq": "squared correlation"}
"""What a metric is, where its name may mean something else elsewhere."""


@dataclass(frozen=True)
class MetricCard:
    """The winner by one metric: on the test rows, over the folds, and the baseline.

    Attributes:
        headline: the score on the test rows, or over the folds before there is one.
        folds: what `over_folds` is a mean of, in words.
        gain: how much better than the baseline the score over the folds is, in words.
        test_baseline, test_gain: the same on the test rows; empty before there is a score.
    """

    name: str
    meaning: str
    better: str
    headline: str
    folds: str
    over_folds: str
    std_err: str
    baseline: str
    gain: str
    test_baseline: str
    test_gain: str
    test_mark: Mark | None
    folds_mark: Mark | None
    baseline_mark: Mark | None


def metric_card(name: str, data: ReportData, board: Board) -> MetricCard:
    """The card of the metric `name`."""
    mean, error = board.winner.mean[name], board.winner.std_err[name]
    baseline = board.baseline.mean[name] if board.baseline else math.nan
    test = number((data.metrics or {}).get(name))
    of_test = number((data.summary.get("baseline_test") or {}).get(name))
    scale = _card_range(name, mean, error, baseline, test)
    places = decimals(test if math.isfinite(test) else board.typical(name))
    return MetricCard(
        name=name,
        meaning=MEANING.get(name, ""),
        better="higher is better" if HIGHER_IS_BETTER[name] else "lower is better",
        headline=fixed(mean if data.metrics is None else test, places),
        folds=defined_text(board, name),
        over_folds=fixed(mean, places),
        std_err=number_text(error, 2),
        baseline=fixed(baseline, places),
        gain=_gain(name, mean, baseline),
        test_baseline=fixed(of_test, places) if math.isfinite(of_test) else "",
        test_gain=_gain(name, test, of_test),
        test_mark=mark(scale, test),
        folds_mark=mark(scale, mean, error),
        baseline_mark=mark(scale, baseline),
    )


def _card_range(name: str, mean: float, error: float, baseline: float, test: float) -> Range:
    # Squared correlation has no baseline (a constant correlates with nothing): zero stands in.
    start = baseline if math.isfinite(baseline) else 0.0
    error = error if math.isfinite(error) else 0.0
    known = [x for x in (start, mean - error, mean + error, test) if math.isfinite(x)]
    if max(known) > min(known):
        return Range(min(known), max(known), 1).padded(0.06)
    return score_range(known, name)


def _gain(name: str, mean: float, baseline: float) -> str:
    if not math.isfinite(mean) or not math.isfinite(baseline) or baseline == 0:
        return ""
    share = (mean - baseline if HIGHER_IS_BETTER[name] else baseline - mean) / abs(baseline)
    return f"{percent(abs(share))} {'better' if share >= 0 else 'worse'}"


def parameters(data: ReportData, board: Board) -> list[tuple[str, str, bool]]:
    """Name, value, and whether it varies among candidates."""
    return [
        (name, value_text(plain(value)), name in board.varying)
        for name, value in data.best["parameters"].items()
    ]


def selection_text(rule: str, board: Board) -> str:
    """Why this candidate is the winner."""
    if len(board.ranked) == 1:
        return "The only candidate." if not board.failed else "The only candidate with a rank."
    if rule == "one_std_err":
        return f"The simplest candidate within one standard error of the best mean {board.metric}."
    among = [each.defined[board.metric] for each in board.ranked]
    alike = among.count(among[0])  # a mean of fewer folds ranks behind
    if alike == 1:
        return f"The only candidate whose {board.metric} is defined on so many folds."
    rest = "" if alike == len(among) else f"; it is undefined on folds of {len(among) - alike:,}"
    return f"The best mean {board.metric} of {alike:,} candidates{rest}."
