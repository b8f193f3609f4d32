"""Metrics against scikit-learn and numpy; what R says of them is in test_golden.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from fanfold.settings.search import METRICS
from fanfold.tasks.regression import HIGHER_IS_BETTER, regression_metrics

numbers = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=30))
def test_metrics_are_scikit_learn_s_and_numpy_s(pairs: list[tuple[float, float]]) -> None:
    truth, estimate = np.array(pairs).T
    assume(np.ptp(truth) > 0 and np.ptp(estimate) > 0)
    found = regression_metrics(truth, estimate)
    assert found["rmse"] == pytest.approx(root_mean_squared_error(truth, estimate), rel=1e-12)
    assert found["mae"] == pytest.approx(mean_absolute_error(truth, estimate), rel=1e-12)
    assert found["rsq"] == pytest.approx(np.corrcoef(truth, estimate)[0, 1] ** 2, abs=1e-9)
    assert 0 <= found["rsq"] <= 1


def test_rsq_of_a_least_squares_line_is_one_minus_the_unexplained_share() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=50)
    truth = 2 * x + random.normal(size=50)
    line = np.polyval(np.polyfit(x, truth, 1), x)
    assert regression_metrics(truth, line)["rsq"] == pytest.approx(r2_score(truth, line), abs=1e-12)
    # And of anything else it is not: a shift costs rmse and no correlation.
    shifted = regression_metrics(truth, line + 10)
    assert shifted["rsq"] == pytest.approx(r2_score(truth, line), abs=1e-12)
    assert shifted["mae"] > 9


def test_a_perfect_estimate_has_no_error() -> None:
    truth = np.array([1.0, 2.0, 4.0])
    assert regression_metrics(truth, truth) == pytest.approx({"rmse": 0, "mae": 0, "rsq": 1})
    assert regression_metrics(truth, -truth)["rsq"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("truth", "estimate"),
    # The mean of three times 0.1 is not 0.1.
    [([1, 2, 3], [0.1, 0.1, 0.1]), ([0.1, 0.1, 0.1], [1, 2, 3]), ([1], [2])],
)
def test_a_constant_has_no_correlation(truth: list[float], estimate: list[float]) -> None:
    found = regression_metrics(np.array(truth, float), np.array(estimate, float))
    assert math.isnan(found["rsq"])
    assert found["mae"] > 0 and found["rmse"] > 0


def test_the_metrics_are_those_that_the_settings_offer() -> None:
    found = regression_metrics(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    assert tuple(found) == tuple(HIGHER_IS_BETTER) == METRICS
