from __future__ import annotations

import importlib

import pytest

from fanfold.errors import UserError
from fanfold.estimators.base import get_estimator
from fanfold.estimators.other_names import (
    CLASSIFIERS,
    HYPERPARAMETERS,
    NEAREST,
    NOT_IN_A_GRID,
    SAME,
    estimator_hint,
    hyperparameter_hint,
)
from fanfold.estimators.scikit_learn import ALLOWED, EXAMPLE_GRIDS
from fanfold.estimators.xgboost_parameters import PARAMETERS
from fanfold.features.text import TextSettings
from fanfold.search.plan import Plan
from fanfold.settings.search import SEED_GRID, Settings

RIDGE, FOREST = "sklearn.linear_model.Ridge", "sklearn.ensemble.RandomForestRegressor"
CLASSES = ": it predicts classes, and fanfold predicts numbers for now"
HISTOGRAMS = "sklearn.ensemble.HistGradientBoostingRegressor"


def parameters_of(estimator: str) -> set[str]:
    """The constructor's arguments, or those of the list for xgboost."""
    if estimator == "xgboost":
        return set(PARAMETERS)
    module, _, name = estimator.rpartition(".")
    return set(getattr(importlib.import_module(module), name)().get_params())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *[(each, RIDGE) for each in ("Ridge", "ridge", "linear_model.Ridge", "RidgeRegression")],
        *[(each, FOREST) for each in ("RandomForestRegressor", "random_forest", "rf")],
        *[(each, "xgboost") for each in ("XGBRegressor", "xgb", "XGBoost", "xgboost.XGBRegressor")],
        ("HistGradientBoosting", HISTOGRAMS),
        ("linear_svr", "sklearn.svm.LinearSVR"),
        ("KNN", "sklearn.neighbors.KNeighborsRegressor"),
    ],
)
def test_the_short_name_of_an_estimator_gets_its_full_name(name: str, meant: str) -> None:
    assert estimator_hint(name, ["xgboost", *ALLOWED]) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("LogisticRegression", RIDGE),
        ("sklearn.linear_model.LogisticRegression", RIDGE),
        ("XGBClassifier", "xgboost"),
        ("LGBMClassifier", "xgboost"),
        ("RandomForestClassifier", FOREST),
        ("sklearn.svm.SVC", "sklearn.svm.SVR"),
    ],
)
def test_a_classifier_is_told_to_be_one_and_the_nearest_regressor_is_named(
    name: str, nearest: str
) -> None:
    hint = estimator_hint(name, ["xgboost", *ALLOWED])
    assert hint == f"{CLASSES}; the nearest is {nearest!r}"


def test_a_classifier_without_a_near_regressor_and_other_libraries_are_told_too() -> None:
    assert estimator_hint("MLPClassifier", ["xgboost", *ALLOWED]) == CLASSES
    assert estimator_hint("CatBoostRegressor", ["xgboost"]) == "; the nearest is 'xgboost'"


def test_every_estimator_and_hyperparameter_that_is_advised_exists() -> None:
    for table in (SAME, NEAREST, CLASSIFIERS):
        assert set(table.values()) <= {"xgboost", *ALLOWED}
    known = set().union(*(parameters_of(each) for each in ("xgboost", *ALLOWED)))
    assert {name for names in HYPERPARAMETERS.values() for name in names} <= known
    assert not set(NOT_IN_A_GRID) & set(PARAMETERS)


@pytest.mark.parametrize(
    ("estimator", "name", "meant"),
    [
        ("xgboost", "eta", "learning_rate"),
        ("xgboost", "lambda", "reg_lambda"),
        ("xgboost", "alpha", "reg_alpha"),
        ("xgboost", "min_split_loss", "gamma"),
        *[("xgboost", name, "n_estimators") for name in ("num_boost_round", "nrounds", "trees")],
        ("xgboost", "num_round", "n_estimators"),
        ("xgboost", "tree_depth", "max_depth"),
        ("xgboost", "mtry", "colsample_bynode"),
        ("xgboost", "learn_rate", "learning_rate"),
        ("xgboost", "min_n", "min_child_weight"),
        ("xgboost", "loss_reduction", "gamma"),
        ("xgboost", "sample_size", "subsample"),
        ("xgboost", "Max_Depth", "max_depth"),
        ("xgboost", "max_tokens", "text__max_tokens"),
        (RIDGE, "lambda", "alpha"),
        (RIDGE, "penalty", "alpha"),
        (FOREST, "trees", "n_estimators"),
        (FOREST, "mtry", "max_features"),
        (HISTOGRAMS, "n_estimators", "max_iter"),
        ("sklearn.svm.SVR", "cost", "C"),
    ],
)
def test_the_name_that_another_library_has_for_a_hyperparameter_gets_its_own(
    estimator: str, name: str, meant: str
) -> None:
    allowed = [*sorted(parameters_of(estimator)), *TextSettings.names()]
    assert hyperparameter_hint(name, allowed) == f"; did you mean {meant!r}?"
    with pytest.raises(UserError, match=f"no hyperparameter {name!r}; did you mean {meant!r}"):
        get_estimator(estimator).checked({name: 1})


@pytest.mark.parametrize("estimator", ["xgboost", "sklearn.linear_model.LinearRegression"])
@pytest.mark.parametrize("name", sorted(set(NOT_IN_A_GRID)))
def test_what_fanfold_sets_itself_is_not_called_unknown(estimator: str, name: str) -> None:
    with pytest.raises(UserError) as refused:
        get_estimator(estimator).checked({name: 1})
    why = NOT_IN_A_GRID[name]
    said = f"a grid of {estimator} does not take {name!r}: {why}; leave it out"
    assert str(refused.value) == said


def test_a_setting_of_the_search_in_a_grid_is_told_to_be_one() -> None:
    with pytest.raises(UserError, match="'folds' is a setting of the search .* beside the grid"):
        get_estimator("xgboost").checked({"folds": 3})


@pytest.mark.parametrize("name", ALLOWED)
def test_an_estimator_without_a_grid_is_shown_one_that_it_takes(name: str) -> None:
    with pytest.raises(UserError) as refused:
        Plan.of(Settings(estimator=name))
    example = EXAMPLE_GRIDS[name]
    said = "the default grid is that of xgboost: give --grid (in Python grid=...) with"
    assert str(refused.value) == f"{said} parameters of {name}, such as '{example}'"
    assert len(Plan.of(Settings(estimator=name, grid=example)).candidates) > 1
    assert len(Plan.of(Settings(grid=SEED_GRID)).candidates) == 16
