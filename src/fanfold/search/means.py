"""Means over folds, their standard errors, and which mean is better."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fanfold.tasks.regression import HIGHER_IS_BETTER


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


def worth(metric: str, mean: float, known: int) -> tuple[int, float]:
    """A key that sorts means of `metric`, each over `known` folds, the best first.

    A mean over fewer folds, since the metric is undefined on others, ranks behind every mean over
    more; a mean over none is last.
    """
    sign = -1 if HIGHER_IS_BETTER[metric] else 1
    return -known, sign * mean if known else 0.0
