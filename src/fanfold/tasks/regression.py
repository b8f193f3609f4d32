"""Metrics of regression, as R's yardstick defines them."""

from __future__ import annotations

import numpy as np

from fanfold.arrays import Floats

HIGHER_IS_BETTER = {"rmse": False, "mae": False, "rsq": True}
"""Every metric, and whether more of it is better."""


def regression_metrics(truth: Floats, estimate: Floats, unit: float = 1.0) -> dict[str, float]:
    """rmse, mae (both in units of the target) and rsq of `estimate` [rows] against `truth`.

    Both sides may be divided by `unit` and less the same number, see `TargetScale`.

    rsq is the squared correlation (yardstick 1.1.0 `rsq`), not 1 - SSE/SST; it is NaN where
    either side is constant, which has no correlation.
    """
    residual = estimate - truth
    return {
        "rmse": float(np.sqrt(np.mean(residual**2))) * unit,
        "mae": float(np.mean(np.abs(residual))) * unit,
        "rsq": _squared_correlation(truth, estimate),
    }


def _squared_correlation(truth: Floats, estimate: Floats) -> float:
    if np.ptp(truth) == 0 or np.ptp(estimate) == 0:
        return float("nan")
    # Sums and no BLAS (as np.corrcoef has): OpenBLAS ends the process where memory runs short.
    x, y = truth - truth.mean(), estimate - estimate.mean()
    correlation = np.sum(x * y) / np.sqrt(np.sum(x * x)) / np.sqrt(np.sum(y * y))
    return min(float(correlation**2), 1.0)
