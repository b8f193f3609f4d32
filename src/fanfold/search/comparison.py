"""How the winner compares with the baseline: better, worse or a tie, in a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from fanfold.number_text import number_text
from fanfold.search.means import mean_and_standard_error

BETTER, TIE, WORSE = "better", "tie", "worse"

ROUNDING = 1e-6
"""Share of the baseline's score below which a difference is none: a fit that found no split
predicts the mean but for the digits of float32."""


@dataclass(frozen=True)
class Comparison:
    """The winner beside the baseline.

    Attributes:
        verdict: `better` or `worse` where their scores differ by more than one standard error of
            the difference over the folds, and by more than rounding does, else `tie`.
        sentence: the same in plain words, with both numbers.
    """

    verdict: str
    sentence: str


def compare(winner: pd.DataFrame, baseline: pd.DataFrame, metric: str) -> Comparison:
    """Compare the tidy rows of the winner with those of the baseline, fold by fold."""
    # A constant has no correlation, so rsq cannot tell a model from the mean: rmse does.
    by = "rmse" if metric == "rsq" else metric
    ours, theirs = _by_fold(winner, by), _by_fold(baseline, by)
    score, mean = float(ours.mean()), float(theirs.mean())
    difference, error, _ = mean_and_standard_error((ours - theirs).tolist())
    error = 0.0 if math.isnan(error) else error
    if abs(difference) <= max(error, ROUNDING * mean) or mean == 0:
        return Comparison(TIE, _tie(by, score, mean, difference, error))
    if difference < 0:
        return Comparison(
            BETTER,
            f"The winner's {by} of {number_text(score)} is {100 * (1 - score / mean):.1f} % below"
            f" the {number_text(mean)} that predicting the mean gives.",
        )
    return Comparison(
        WORSE,
        f"The winner is worse than predicting the mean: its {by} is {number_text(score)}, and the"
        f" mean's {number_text(mean)}; the difference is {number_text(difference, 2)} ±"
        f" {number_text(error, 2)}.",
    )


def _tie(by: str, score: float, mean: float, difference: float, error: float) -> str:
    if mean == 0:
        return f"The target is constant in every fold, so predicting the mean is exact ({by} 0)."
    if abs(difference) <= ROUNDING * mean:
        of_both = f"the {by} of both is {number_text(mean)}"
        return f"The winner and predicting the mean are a tie: {of_both}."
    return (
        f"The winner and predicting the mean are a tie: their {by} is {number_text(score)} and"
        f" {number_text(mean)}, which differ by no more than one standard error"
        f" ({number_text(error, 2)})."
    )


def _by_fold(scores: pd.DataFrame, metric: str) -> pd.Series:
    own = scores[scores["metric"] == metric].set_index("fold")["value"]
    return own.astype("float64")
