"""Scores are the same share of the baseline's, whatever the unit of the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost

import fanfold
from fanfold.estimators.base import get_estimator
from fanfold.estimators.scikit_learn import ALLOWED, IN_UNITS
from fanfold.estimators.xgboost_parameters import PARAMETERS
from fanfold.models.model import Model
from fanfold.models.training import train
from fanfold.resources import calm
from fanfold.search.baseline import baseline_scores
from fanfold.search.grid import expand
from tests.fanfold.corpora import make_corpus
from tests.fanfold.scored import SEED, score, values

GENERATOR = np.random.default_rng(5)
WORDS = ["anchor", "basalt", "copper", "dune", "ember", "fjord", "glade", "heron"]
TEXTS = [" ".join(GENERATOR.choice(WORDS, GENERATOR.integers(1, 8))) for _ in range(300)]
WHOLE = np.round(
    [256 * np.mean([WORDS.index(word) for word in text.split()]) for text in TEXTS]
    + 80 * GENERATOR.normal(size=300)
)
TARGET = WHOLE / 256
"""With a standard deviation of 1.5, and in whole 256ths: all that is added below is exact."""

UNITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "minutes": lambda y: y * 60,
    "thousands": lambda y: y * 1000,
    "thousandths": lambda y: y * 1e-3,
    "millionths": lambda y: y * 1e-6,
    "1e-12": lambda y: y * 1e-12,
    "1e-30": lambda y: y * 1e-30,
    "1e12": lambda y: y * 1e12,
    "1e20": lambda y: y * 1e20,
    "1e30": lambda y: y * 1e30,
    "Unix seconds": lambda y: y * 256 + 1.7e9,
    "from 1e15": lambda y: y * 256 + 1e15,
    "from 2**53": lambda y: y * 512 + 2.0**53,
    "negative from 2**53": lambda y: y * 512 - 2.0**53,
}
EXTREME = [name for name in UNITS if name not in ("minutes", "thousands")]

NEAR_SHARE = 1e-6
"""A target that float32 rounds otherwise moves each prediction by 1e-7 of it: seen are 2e-7."""

SMALL: dict[str, Any] = {"n_estimators": [40], "max_depth": [3], "min_child_weight": [5]}
"""Trees so small that no two of their splits gain the same but for rounding."""


def shares(target: np.ndarray, grid: dict[str, Any], name: str = "xgboost") -> np.ndarray:
    """rmse / baseline's rmse, of each candidate and fold."""
    corpus = make_corpus(TEXTS, target=target, labels=("1", "2", "3"))
    found = values(score(corpus, grid, get_estimator(name))[1])
    baseline = {row.fold: row.value for row in baseline_scores(corpus) if row.metric == "rmse"}
    return np.array(
        [value / baseline[fold] for (_, fold, metric), value in found.items() if metric == "rmse"]
    )


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("columns", [1.0, 0.5])
def test_xgboosts_share_of_the_baseline_is_the_same_in_any_unit(unit: str, columns: float) -> None:
    grid = {**SMALL, "colsample_bynode": [columns], "n_estimators": [15, 40]}
    expected = shares(TARGET, grid)
    assert expected.max() < 0.5
    np.testing.assert_allclose(shares(UNITS[unit](TARGET), grid), expected, rtol=0, atol=NEAR_SHARE)


@pytest.mark.parametrize("exponent", [-100, -21, 23, 100])
def test_a_unit_of_a_power_of_two_changes_no_bit(exponent: int) -> None:
    grid = {"subsample": [0.7], "n_estimators": [40], "max_depth": [8]}
    assert (shares(np.ldexp(TARGET, exponent), grid) == shares(TARGET, grid)).all()


EXACT: dict[str, tuple[dict[str, Any], float]] = {
    "sklearn.linear_model.LinearRegression": ({}, 1e-9),
    "sklearn.linear_model.Ridge": ({"tol": [1e-12]}, 1e-9),
    "sklearn.neighbors.KNeighborsRegressor": ({}, 1e-9),
    "sklearn.ensemble.HistGradientBoostingRegressor": ({"max_iter": [10]}, 1e-6),
    "sklearn.tree.DecisionTreeRegressor": ({"max_depth": [3], "min_samples_leaf": [9]}, 1e-9),
    "sklearn.ensemble.RandomForestRegressor": (
        {"max_depth": [3], "n_estimators": [5], "min_samples_leaf": [9]}, 1e-9,
    ),
}  # fmt: skip
"""Estimators that no unit means anything to, and how far float64 (float32: 1e-6) carries."""


@pytest.mark.parametrize("name", EXACT)
def test_scikit_learns_share_of_the_baseline_is_the_same_in_any_unit(name: str) -> None:
    grid, near = EXACT[name]
    expected = shares(TARGET, grid, name)
    assert expected.max() < 0.9
    for unit, convert in UNITS.items():
        np.testing.assert_allclose(
            shares(convert(TARGET), grid, name), expected, rtol=0, atol=near, err_msg=unit
        )


GRIDS: dict[str, dict[str, Any]] = {
    "sklearn.svm.SVR": {},
    "sklearn.svm.LinearSVR": {"max_iter": [20_000]},
    "sklearn.linear_model.SGDRegressor": {},
    "sklearn.linear_model.HuberRegressor": {},
    "sklearn.linear_model.Lasso": {"alpha": [0.001]},
    "sklearn.linear_model.ElasticNet": {"alpha": [0.001]},
}
"""Estimators with constants in units of the target."""


@pytest.mark.parametrize("name", GRIDS)
def test_losses_in_units_of_the_target_find_the_same_in_any_unit(name: str) -> None:
    ordinary = shares(TARGET, GRIDS[name], name)
    assert ordinary.max() < 0.7
    expected = shares(TARGET * 60, GRIDS[name], name)
    # A target of about one unit is read as it is: with a standard deviation of 1.5, and not 1.
    np.testing.assert_allclose(expected, ordinary, rtol=0.25)
    for unit, convert in UNITS.items():
        found = shares(convert(TARGET), GRIDS[name], name)
        # What rounding moves, a solver with a tolerance of 1e-3 or 1e-4 may move further.
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3, err_msg=unit)
    for centre in (1.7e9, 2.0**40):
        found = shares(TARGET + centre, GRIDS[name], name)
        np.testing.assert_allclose(found, ordinary, rtol=0.15, err_msg=f"from {centre}")


def predictions(model: Model) -> np.ndarray:
    """Of `TEXTS`; a corpus without settings does not say which column it was made of."""
    settings = {"text_column": "text"}
    return replace(model, manifest={**model.manifest, "settings": settings}).predict(TEXTS)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["xgboost", *ALLOWED])
@pytest.mark.parametrize("unit", [1.0, 79_000.0, 0.2])
def test_an_ordinary_target_is_fitted_to_the_bit_as_it_is(name: str, unit: float) -> None:
    estimator = get_estimator(name)
    target = unit * (2 + (TARGET - TARGET.mean()) / TARGET.std())
    corpus = make_corpus(TEXTS, target=target)
    (candidate,) = expand({}, estimator)
    model = train(corpus, candidate, estimator, seed=SEED)
    if name in IN_UNITS and unit != 1:  # none of theirs
        assert model.scale.factor == pytest.approx(target.std())
        return
    matrix = model.features.matrix(TEXTS)
    with calm():  # BLAS on one thread, as `train` has it: two add up otherwise
        fitted = estimator.fit(estimator.prepare(matrix, target, {}, 1), {}, SEED, 1)
    assert predictions(model).tobytes() == estimator.predict(fitted, matrix).tobytes()


@pytest.mark.parametrize("exponent", [22, 30, 40])
def test_a_target_in_the_millions_keeps_the_bits_that_xgboosts_regressor_gives(
    exponent: int,
) -> None:
    """Of these sizes xgboost makes the same of any power of two, and so may be called directly."""
    parameters = {"n_estimators": 20, "max_depth": 3, "subsample": 0.8}
    target = np.ldexp(TARGET, exponent)
    estimator = get_estimator("xgboost")
    corpus = make_corpus(TEXTS, target=target)
    (candidate,) = expand({name: [value] for name, value in parameters.items()}, estimator)
    model = train(corpus, candidate, estimator, seed=SEED)
    assert model.scale.factor > 1 and model.scale.centre == 0
    matrix = model.features.matrix(TEXTS)
    direct = estimator.fit(estimator.prepare(matrix, target, parameters, 1), parameters, SEED, 1)
    assert predictions(model).tobytes() == estimator.predict(direct, matrix).tobytes()


@pytest.mark.parametrize("unit", UNITS)
def test_a_model_predicts_in_the_targets_own_unit(unit: str) -> None:
    target = UNITS[unit](TARGET)
    corpus = make_corpus(TEXTS, target=target)
    estimator = get_estimator("xgboost")
    (candidate,) = expand({"n_estimators": [30], "max_depth": [3]}, estimator)
    model = train(corpus, candidate, estimator, seed=SEED)
    residual = predictions(model) - target
    assert residual.std() < 0.3 * target.std()
    assert abs(residual.mean()) < 0.01 * target.std()


@pytest.mark.parametrize("unit", ["millionths", "1e20", "Unix seconds"])
def test_a_whole_search_tests_and_predicts_in_the_targets_own_unit(
    unit: str, tmp_path: Path
) -> None:
    target, found = UNITS[unit](TARGET), {}
    for name, each in (("plain", TARGET), ("other", target)):
        table = pd.DataFrame({"text": TEXTS, "y": each})
        how = {"text_column": "text", "target": "y", "output": tmp_path / name}
        found[name] = fanfold.tune(table, grid=SMALL, **how)
    plain, other = found["plain"], found["other"]
    spread = target.std() / TARGET.std()
    for metric in ("rmse", "mae"):
        assert other.metrics[metric] == pytest.approx(plain.metrics[metric] * spread, rel=1e-5)
    loaded = fanfold.load_model(tmp_path / "other" / "model")
    assert loaded.predict(TEXTS).tobytes() == other.model.predict(TEXTS).tobytes()
    expected = (plain.model.predict(TEXTS) - TARGET.mean()) * spread
    assert loaded.predict(TEXTS) - target.mean() == pytest.approx(expected, abs=1e-5 * spread)


def test_scores_are_in_the_targets_own_unit() -> None:
    for factor in (2.0**-40, 2.0**40):
        for rows in (lambda c: score(c, SMALL)[1], baseline_scores):
            plain, scaled = (
                {(row.fold, row.metric): row.value for row in rows(make_corpus(TEXTS, target=each))}
                for each in (TARGET * 2.0**30, TARGET * 2.0**30 * factor)
            )
            for (fold, metric), value in plain.items():
                expected = value if metric == "rsq" else value * factor
                assert scaled[fold, metric] == pytest.approx(expected, rel=1e-9, nan_ok=True)


LOGARITHMIC = ["count:poisson", "reg:gamma", "reg:tweedie", "reg:squaredlogerror"]


@pytest.mark.parametrize("objective", LOGARITHMIC)
def test_an_objective_that_reads_logarithms_is_given_the_target_as_it_is(objective: str) -> None:
    estimator, parameters = get_estimator("xgboost"), {"objective": objective, "n_estimators": 5}
    target = 1e7 + 10 * TARGET
    corpus = make_corpus(TEXTS, target=target)
    (candidate,) = expand({name: [value] for name, value in parameters.items()}, estimator)
    model = train(corpus, candidate, estimator, seed=SEED)
    matrix = model.features.matrix(TEXTS)
    direct = estimator.fit(estimator.prepare(matrix, target, parameters, 1), parameters, SEED, 1)
    assert predictions(model).tobytes() == estimator.predict(direct, matrix).tobytes()


def least_allowed_by_xgboost(objective: str) -> float:
    """The smallest of some targets that xgboost itself takes, one step above those it refuses."""
    allowed = []
    for least in (-2.0, -1.0, -0.5, 0.0, 0.5):
        data = xgboost.DMatrix(np.eye(3), label=[least, 1, 2])
        try:
            xgboost.train({"objective": objective}, data, 1)
        except xgboost.core.XGBoostError:
            continue
        allowed.append(least)
    return min(allowed)


@pytest.mark.parametrize("objective", PARAMETERS["objective"])
def test_a_target_is_refused_where_xgboosts_objective_refuses_it(objective: str) -> None:
    least = least_allowed_by_xgboost(objective)
    for smallest in (-2.0, -1.0, -0.5, 0.0, 0.5):
        corpus = make_corpus(TEXTS, target=np.maximum(smallest, TARGET - 4))
        _, rows = score(corpus, {"objective": [objective], "n_estimators": [2]})
        if smallest >= least:
            assert all(row.ok for row in rows)
        else:
            assert not any(row.ok for row in rows)
            assert f"{objective} needs targets" in rows[0].error
            assert f"the smallest of the training rows is {smallest:g}" in rows[0].error
            assert "choose another loss or another target" in rows[0].error


@pytest.mark.parametrize(
    ("name", "grid", "said"),
    [
        ("sklearn.tree.DecisionTreeRegressor", {"criterion": ["poisson"]}, "poisson needs targets"),
        ("sklearn.ensemble.HistGradientBoostingRegressor", {"loss": ["gamma"]}, "gamma needs"),
    ],
)
def test_scikit_learns_logarithmic_losses_have_their_range_too(
    name: str, grid: dict[str, Any], said: str
) -> None:
    _, rows = score(make_corpus(TEXTS, target=TARGET - 50), grid, get_estimator(name))
    assert not any(row.ok for row in rows) and said in rows[0].error


def test_objectives_that_read_the_target_on_unlike_scales_share_no_data() -> None:
    """Side by side they score as each does alone."""
    corpus = make_corpus(TEXTS, target=1e-9 * (TARGET - TARGET.min() + 1))
    objectives = ["reg:squarederror", "reg:gamma", "count:poisson"]
    grid = {"objective": objectives, "subsample": [0.8], "n_estimators": [5]}
    together = values(score(corpus, grid)[1])
    alone: dict[Any, float] = {}
    for objective in objectives:
        alone |= values(score(corpus, {**grid, "objective": [objective]})[1])
    assert str(sorted(together.items())) == str(sorted(alone.items()))  # NaN is not itself


def test_a_linear_model_through_zero_is_given_no_centre() -> None:
    estimator = get_estimator("sklearn.linear_model.LinearRegression")
    corpus = make_corpus(TEXTS, target=TARGET + 1e6)
    for intercept in (True, False):
        (candidate,) = expand({"fit_intercept": [intercept]}, estimator)
        model = train(corpus, candidate, estimator, seed=SEED)
        assert (model.scale.centre > 0) == intercept
