"""Estimators: what may be fitted, and that each comes back from its file as it was."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_matrix
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from fanfold.errors import UserError
from fanfold.estimators.base import get_estimator
from fanfold.estimators.scikit_learn import ALLOWED, OURS, SklearnEstimator
from fanfold.estimators.xgboost_parameters import PARAMETERS
from fanfold.search.grid import expand, make_units, pack
from tests.fanfold.slow_search import alike, foremost

LISTED = ["xgboost", *ALLOWED]
MATRIX: csr_matrix = random_matrix(60, 7, 0.5, format="csr", random_state=0)
TARGET = MATRIX @ np.arange(7.0) + np.random.RandomState(0).normal(size=60)

SIZES: dict[str, dict[str, Any]] = {
    "xgboost": {"n_estimators": 10},
    "sklearn.linear_model.Lasso": {"alpha": 0.01},
    "sklearn.linear_model.ElasticNet": {"alpha": 0.01},
    "sklearn.ensemble.RandomForestRegressor": {"n_estimators": 20},
    "sklearn.ensemble.ExtraTreesRegressor": {"n_estimators": 20},
    "sklearn.ensemble.HistGradientBoostingRegressor": {"max_iter": 10},
}
"""Parameters with which a fit of this little data is quick, and not a constant."""

UNUSUAL = [
    ("sklearn.linear_model.SGDRegressor", {"loss": "huber", "penalty": "elasticnet"}),
    ("sklearn.linear_model.SGDRegressor", {"average": True, "learning_rate": "adaptive"}),
    ("sklearn.linear_model.Ridge", {"solver": "sag"}),
    ("sklearn.svm.SVR", {"kernel": "linear"}),
    ("sklearn.svm.LinearSVR", {"loss": "squared_epsilon_insensitive", "dual": False}),
    ("sklearn.neighbors.KNeighborsRegressor", {"weights": "distance", "metric": "cosine"}),
    ("sklearn.tree.DecisionTreeRegressor", {"criterion": "absolute_error", "max_features": "sqrt"}),
    ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": 5, "oob_score": True}),
    ("sklearn.ensemble.ExtraTreesRegressor", {"n_estimators": 5, "bootstrap": True}),
    ("sklearn.ensemble.GradientBoostingRegressor", {"loss": "huber", "n_estimators": 5}),
    ("sklearn.ensemble.GradientBoostingRegressor", {"loss": "quantile", "n_iter_no_change": 2}),
    ("sklearn.ensemble.GradientBoostingRegressor", {"init": "zero", "n_estimators": 5}),
    ("sklearn.ensemble.HistGradientBoostingRegressor", {"loss": "absolute_error", "max_iter": 5}),
    ("sklearn.ensemble.HistGradientBoostingRegressor", {"loss": "quantile", "quantile": 0.5}),
    ("sklearn.ensemble.HistGradientBoostingRegressor", {"early_stopping": True, "max_iter": 10}),
    ("xgboost", {"objective": "reg:absoluteerror", "num_parallel_tree": 2, "n_estimators": 3}),
    ("xgboost", {"grow_policy": "lossguide", "max_leaves": 5, "max_bin": 16, "gamma": 0.1}),
]


def fitted(name: str, parameters: dict[str, Any], threads: int = 1) -> Any:
    estimator = get_estimator(name)
    parameters = estimator.checked(parameters)
    data = estimator.prepare(MATRIX, TARGET, parameters, threads)
    return estimator.fit(data, parameters, 7, threads)


@pytest.mark.parametrize(
    ("name", "parameters"), [*((name, SIZES.get(name, {})) for name in LISTED), *UNUSUAL], ids=str
)
def test_a_model_predicts_the_same_bits_when_it_comes_back_from_its_file(
    name: str, parameters: dict[str, Any], tmp_path: Path
) -> None:
    estimator, model = get_estimator(name), fitted(name, parameters)
    file = tmp_path / estimator.model_file
    estimator.save(model, file)
    loaded = estimator.load(file)
    expected = estimator.predict(model, MATRIX)
    assert expected.dtype == np.float64 and expected.shape == (60,)
    assert estimator.predict(loaded, MATRIX).tobytes() == expected.tobytes()
    assert np.ptp(expected) > 0


@pytest.mark.parametrize("name", LISTED)
def test_the_same_seed_gives_the_same_bits_on_one_thread_and_on_two(name: str) -> None:
    estimator = get_estimator(name)
    one, again, two = (
        estimator.predict(fitted(name, SIZES.get(name, {}), threads), MATRIX).tobytes()
        for threads in (1, 1, 2)
    )
    assert one == again == two


@pytest.mark.parametrize(
    "name",
    ["sklearn.linear_model.LinearRegression", "sklearn.linear_model.Ridge",
     "sklearn.linear_model.HuberRegressor"],
)  # fmt: skip
def test_linear_algebra_on_many_rows_gives_the_same_bits_whatever_the_threads(name: str) -> None:
    # With so many rows BLAS adds up a column on as many threads as it is let.
    estimator, rows = get_estimator(name), 30_000
    matrix = random_matrix(rows, 50, 0.1, format="csr", random_state=0)
    target = matrix @ np.arange(50.0) + np.random.RandomState(0).normal(size=rows)
    data = estimator.prepare(matrix, target, {}, 1)
    one, two = (estimator.fit(data, {}, 7, threads) for threads in (1, 2))
    assert one.coef_.tobytes() == two.coef_.tobytes()


@pytest.mark.parametrize("name", LISTED)
def test_fits_side_by_side_are_what_each_is_alone(name: str) -> None:
    estimator, how = get_estimator(name), SIZES.get(name, {})

    def fit_and_predict(_: int) -> bytes:
        return estimator.predict(fitted(name, how), MATRIX).tobytes()

    alone = fit_and_predict(0)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(fit_and_predict, range(8))) == {alone}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_listed_name_is_scikit_learns_regressor_and_fits_as_it_does(name: str) -> None:
    sizes = SIZES.get(name, {})
    model = fitted(name, sizes)
    assert f"{type(model).__module__}.{type(model).__name__}".startswith("sklearn.")
    assert type(model).__name__ == name.rpartition(".")[2]
    reference = type(model)(**sizes)
    if "random_state" in reference.get_params():
        reference.set_params(random_state=7)
    dense = name == "sklearn.ensemble.HistGradientBoostingRegressor"
    matrix = MATRIX.toarray() if dense else MATRIX
    truth = reference.fit(matrix, TARGET).predict(matrix)
    assert (get_estimator(name).predict(model, MATRIX) == truth).all()


def test_xgboosts_fit_is_that_of_its_own_regressor_on_rows_that_are_alike_side_by_side() -> None:
    estimator = get_estimator("xgboost")
    parameters = {"n_estimators": 20, "max_depth": 3, "subsample": 0.8, "colsample_bynode": 0.5}
    order = alike(MATRIX, foremost(MATRIX, TARGET))
    assert order != sorted(order)
    truth = xgboost.XGBRegressor(
        tree_method="hist", random_state=7, n_jobs=1, **parameters
    ).fit(MATRIX[order], TARGET[order])  # fmt: skip
    found = estimator.predict(fitted("xgboost", parameters), MATRIX)
    assert (found == truth.predict(MATRIX)).all()


@pytest.mark.parametrize("objective", PARAMETERS["objective"])
@pytest.mark.parametrize("subsample", [1, 0.9])
def test_equal_rows_are_one_with_a_weight_where_that_is_the_same_fit(
    objective: str, subsample: float
) -> None:
    estimator, generator = get_estimator("xgboost"), np.random.default_rng(2)
    matrix = MATRIX[generator.integers(0, 60, 500)]
    target = (1 + matrix @ np.arange(7.0) + generator.normal(size=500)).clip(0.1)
    how = {"objective": objective, "subsample": subsample, "max_depth": 4, "n_estimators": 20}
    data = estimator.prepare(matrix, target, how, 1)
    merged = objective == "reg:squarederror" and subsample == 1
    assert data.num_row() == (len(np.unique(matrix.toarray(), axis=0)) if merged else 500)
    order = alike(matrix, foremost(matrix, target))
    each = xgboost.DMatrix(matrix.astype(np.float32)[order], label=target[order])
    own = {name: value for name, value in how.items() if name != "n_estimators"}
    truth = xgboost.train({**own, "seed": 7, "nthread": 1}, each, 20).inplace_predict(matrix)
    found = estimator.predict(estimator.fit(data, how, 7, 1), matrix)
    # A mean of equal rows is rounded to float32 once, and not row by row: 6e-8 in each round.
    assert found == pytest.approx(truth, rel=1e-5 if merged else 0)


@pytest.mark.parametrize("objective", PARAMETERS["objective"])
def test_the_first_rounds_of_a_long_fit_are_the_short_fit(objective: str) -> None:
    estimator = get_estimator("xgboost")
    how = {"subsample": 0.7, "colsample_bynode": 0.5, "max_depth": 4, "objective": objective}

    def fit(rounds: int) -> Any:
        parameters = {**how, "n_estimators": rounds}
        data = estimator.prepare(MATRIX, np.abs(TARGET) + 0.1, parameters, 1)
        return estimator.fit(data, parameters, 7, 1)

    rounds = (1, 13, 40)
    for number, found in zip(
        rounds, estimator.predict_rounds(fit(40), MATRIX, rounds), strict=True
    ):
        assert found.tobytes() == estimator.predict(fit(number), MATRIX).tobytes()


def test_without_a_number_of_rounds_xgboost_fits_a_hundred() -> None:
    assert fitted("xgboost", {}).num_boosted_rounds() == 100
    assert get_estimator("xgboost").rounds({}) == 100


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("xgbost", "xgboost"),
        ("sklearn.linear_model.ridge", "sklearn.linear_model.Ridge"),
        ("sklearn.linear_model.LinearRegresion", "sklearn.linear_model.LinearRegression"),
        ("RandomForestRegressor", "sklearn.ensemble.RandomForestRegressor"),
    ],
)
def test_a_name_that_is_not_listed_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UserError) as refused:
        get_estimator(name)
    said = str(refused.value)
    assert said.startswith(f"no estimator is named {name!r}; did you mean {nearest!r}?; allowed: ")
    assert all(listed in said for listed in LISTED)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "sklearn.utils.Bunch", ""])
def test_nothing_is_imported_for_its_name(name: str) -> None:
    with pytest.raises(UserError, match="no estimator is named"):
        get_estimator(name)


@pytest.mark.parametrize("name", ALLOWED)
def test_what_fanfold_sets_itself_is_no_hyperparameter(name: str) -> None:
    for parameter in sorted(OURS):
        with pytest.raises(UserError, match=rf"{name} (does not take|has no \w+) {parameter!r}"):
            get_estimator(name).checked({parameter: 1})


@pytest.mark.parametrize(
    ("name", "parameters", "parts"),
    [
        ("sklearn.linear_model.Ridge", {"alpah": 1}, ["'alpah'; did you mean 'alpha'?", "solver"]),
        ("sklearn.linear_model.Ridge", {"alpha": -1}, ["'alpha'", "Ridge", "-1", "[0.0, inf)"]),
        ("sklearn.linear_model.Ridge", {"alpha": "big"}, ["'alpha'", "'big'"]),
        ("sklearn.svm.LinearSVR", {"C": 0}, ["'C'", "0", "(0.0, inf)"]),
        ("sklearn.ensemble.RandomForestRegressor", {"max_depth": 2.5}, ["'max_depth'", "2.5"]),
        ("sklearn.ensemble.ExtraTreesRegressor", {"criterion": "gini"}, ["'criterion'", "'gini'"]),
        ("xgboost", {"eta": 0.1}, ["xgboost has no hyperparameter 'eta'", "learning_rate"]),
        ("xgboost", {"max_deph": 6}, ["did you mean 'max_depth'?"]),
        ("xgboost", {"device": "cuda"}, ["a grid of xgboost does not take 'device'", "CPU"]),
        ("xgboost", {"objective": "binary:logistic"}, ["reg:squarederror", "'binary:logistic'"]),
    ],
)
def test_a_parameter_that_the_estimator_does_not_take_is_refused_and_named(
    name: str, parameters: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises(UserError) as refused:
        get_estimator(name).checked(parameters)
    for part in parts:
        assert part in str(refused.value)


def test_every_parameter_on_xgboosts_list_is_known_to_xgboost() -> None:
    assert set(PARAMETERS) <= set(xgboost.XGBRegressor().get_params())


def test_simple_models_have_parameters_that_exist() -> None:
    for name in LISTED:
        estimator = get_estimator(name)
        estimator.checked({key.lstrip("-"): 2 for key in estimator.simplest_by})


@pytest.mark.parametrize(
    "name", ["sklearn.linear_model.Ridge", "sklearn.ensemble.RandomForestRegressor", "xgboost"]
)
def test_importances_are_shares_of_the_columns(name: str) -> None:
    found = get_estimator(name).importances(fitted(name, {}), 7)
    assert found is not None and found.shape == (7,)
    assert found.sum() == pytest.approx(1)
    assert found[1:].argmax() + 1 >= 4  # the columns that weigh most in the target


@pytest.mark.parametrize(("name", "parameters"), [*((each, {}) for each in LISTED), *UNUSUAL])
def test_importances_are_shares_of_the_columns_or_there_are_none(
    name: str, parameters: dict[str, Any]
) -> None:
    model = fitted(name, SIZES.get(name, {}) | parameters)
    found = get_estimator(name).importances(model, 7)
    assert found is None or (found.shape == (7,) and found.sum() == pytest.approx(1))
    has_some = hasattr(model, "coef_") or hasattr(model, "feature_importances_")
    assert (found is not None) == (has_some or name == "xgboost")


def test_xgboosts_importances_are_shares_of_the_gain_of_all_splits() -> None:
    model = fitted("xgboost", {"n_estimators": 5})
    table = model.trees_to_dataframe()
    gain = table[table["Feature"] != "Leaf"].groupby("Feature")["Gain"].sum()
    found = get_estimator("xgboost").importances(model, 7)
    for name, share in (gain / gain.sum()).items():
        # Either side is a sum of float32, in another order.
        assert found[int(str(name)[1:])] == pytest.approx(share, rel=1e-4)


def test_a_model_without_importances_says_so() -> None:
    name = "sklearn.neighbors.KNeighborsRegressor"
    assert get_estimator(name).importances(fitted(name, {}), 7) is None
    constant = get_estimator("xgboost").fit(
        xgboost.DMatrix(MATRIX, label=np.ones(60)), {"n_estimators": 2}, 0, 1
    )
    assert get_estimator("xgboost").importances(constant, 7) is None


def test_a_dense_matrix_that_memory_cannot_hold_is_refused_before_it_is_made() -> None:
    estimator = SklearnEstimator("sklearn.ensemble.HistGradientBoostingRegressor")
    wide = csr_matrix((1000, 10**12))
    with pytest.raises(MemoryError) as refused:
        estimator.prepare(wide, np.zeros(1000), {}, 1)
    assert "needs a dense matrix of 1,000 x 1,000,000,000,000, about" in str(refused.value)
    assert "GiB" in str(refused.value)


def test_only_what_cannot_read_a_sparse_matrix_is_given_a_dense_one() -> None:
    for name in ALLOWED:
        matrix, _ = get_estimator(name).prepare(MATRIX, TARGET, {}, 1)
        assert isinstance(matrix, np.ndarray) == (name.endswith("HistGradientBoostingRegressor"))
    with pytest.raises(TypeError):
        HistGradientBoostingRegressor().fit(MATRIX, TARGET)


@pytest.mark.parametrize("name", ALLOWED)
def test_a_saved_model_is_a_zip_of_json_and_plain_arrays_and_no_pickle(
    name: str, tmp_path: Path
) -> None:
    file = tmp_path / "estimator.skops"
    get_estimator(name).save(fitted(name, {}), file)
    with zipfile.ZipFile(file) as parts:
        for part in parts.namelist():
            content = parts.read(part)
            if part == "schema.json":
                json.loads(content)
            else:
                assert part.endswith((".npy", ".npz"))
                loaded = np.load(io.BytesIO(content), allow_pickle=False)
                arrays = loaded.values() if part.endswith(".npz") else [loaded]
                assert all(array.dtype.kind != "O" for array in arrays)


class Foreign:
    """A type that is not scikit-learn's."""


def test_a_file_with_a_foreign_type_in_it_is_refused(tmp_path: Path) -> None:
    import skops.io  # slow where many modules are loaded, and every worker reads this file

    model = Ridge().fit(MATRIX, TARGET)
    for hidden in (Foreign(), [{"deep": Foreign()}], Path, np.testing.assert_equal):
        model.extra_ = hidden
        file = tmp_path / "estimator.skops"
        skops.io.dump(model, file)
        with pytest.raises(ValueError, match="holds types that no model has"):
            get_estimator("sklearn.linear_model.Ridge").load(file)


def test_xgboosts_file_is_ubjson(tmp_path: Path) -> None:
    file = tmp_path / "booster.ubj"
    get_estimator("xgboost").save(fitted("xgboost", {"n_estimators": 2}), file)
    assert file.read_bytes()[:1] == b"{"
    assert b"pickle" not in file.read_bytes()


@pytest.mark.parametrize(
    ("cheap", "dear"),
    [
        ({"n_estimators": 10}, {"n_estimators": 20}),
        ({"max_depth": 3}, {"max_depth": 12}),
        ({"max_depth": 6}, {"max_depth": 0}),
        ({"subsample": 0.5}, {}),
        ({"colsample_bynode": 0.5}, {}),
        ({}, {"num_parallel_tree": 2}),
    ],
)
def test_a_larger_fit_costs_more(cheap: dict[str, Any], dear: dict[str, Any]) -> None:
    cost = get_estimator("xgboost").cost
    assert 0 < cost(cheap) < cost(dear)


def test_what_is_not_said_is_what_xgboost_takes_by_itself() -> None:
    estimator = get_estimator("xgboost")
    matrix, target = random_matrix(50, 3, 0.5, format="csr"), np.arange(50.0)
    booster = xgboost.train({}, xgboost.DMatrix(matrix, label=target), 1)
    learner = json.loads(booster.save_config())["learner"]
    trees = learner["gradient_booster"]["tree_train_param"]
    model = learner["gradient_booster"]["gbtree_model_param"]
    theirs = {**trees, **model, "objective": learner["objective"]["name"]}
    ours = {**estimator.effective({}), "max_leaves": 0}
    del ours["n_estimators"]  # an argument of its own
    for name, value in ours.items():
        wanted = theirs[name]
        if isinstance(value, str):
            assert wanted == value
        else:
            assert float(wanted) == pytest.approx(value), name
    assert set(ours) | {"n_estimators"} == set(PARAMETERS)


def test_what_is_not_said_is_what_scikit_learn_takes_by_itself() -> None:
    ridge = get_estimator("sklearn.linear_model.Ridge")
    assert ridge.effective({"tol": 0.1}).items() >= {"tol": 0.1, "alpha": 1.0}.items()


def test_iterations_without_a_limit_are_packed_like_many() -> None:
    svr = get_estimator("sklearn.svm.SVR")
    assert svr.cost({"max_iter": -1}) > svr.cost({"max_iter": 10}) > 0
    grid = {"C": [float(each) for each in range(1, 8)], "max_iter": [-1]}
    shares = pack(make_units(expand(grid, svr), svr), svr, 3)
    assert sorted(map(len, shares)) == [2, 2, 3]


def test_candidates_of_equal_bins_share_their_data() -> None:
    key = get_estimator("xgboost").data_key
    assert key({"max_depth": 3}) == key({"colsample_bynode": 0.5, "n_estimators": 9})
    assert key({"max_bin": 64}) != key({}) == key({"max_bin": 256})
    # Equal rows may be one only where each is fitted on.
    assert key({"subsample": 0.5}) == key({"subsample": 0.8}) != key({"subsample": 1.0})


def test_how_columns_are_kept_changes_no_bit() -> None:
    """Beside xgboost's own way, which keeps rare columns, all of these, as lists."""
    parameters = {"n_estimators": 20, "max_depth": 8, "subsample": 0.7, "max_bin": 9}
    estimator = get_estimator("xgboost")
    matrix = random_matrix(4000, 30, 0.04, format="csr", random_state=5, dtype=np.float32)
    target = np.random.default_rng(5).normal(size=4000)
    own = {name: value for name, value in parameters.items() if name != "n_estimators"}
    order = alike(matrix, foremost(matrix, target, bins=9))
    data = xgboost.QuantileDMatrix(matrix[order], label=target[order], max_bin=9)
    plain = xgboost.train({**own, "seed": 3, "nthread": 1}, data, 20)
    ours = estimator.fit(estimator.prepare(matrix, target, parameters, 2), parameters, 3, 1)
    assert list(estimator.predict(ours, matrix)) == list(
        plain.inplace_predict(matrix).astype(float)
    )


def test_threads_that_are_the_first_to_need_scikit_learn_do_not_meet_in_its_imports() -> None:
    """As those that read the searches of a ledger."""
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from fanfold.estimators.base import get_estimator
from fanfold.estimators.scikit_learn import ALLOWED
assert "sklearn" not in sys.modules
sys.setswitchinterval(1e-6)
start = Barrier(len(ALLOWED))
def check(name):
    start.wait()
    return get_estimator(name).checked({})
with ThreadPoolExecutor(len(ALLOWED)) as pool:
    print(list(pool.map(check, ALLOWED)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
