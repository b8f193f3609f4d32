"""scikit-learn's regressors, scored as in a loop of one's own, whatever the threads."""

from __future__ import annotations

import itertools
import resource
import warnings
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from fanfold.estimators.base import get_estimator
from fanfold.features.text_features import fit_text
from fanfold.tasks.regression import regression_metrics
from tests.fanfold.scored import FOLDS, NEAR, SEED, Table, make_table, score, values
from tests.fanfold.slow_search import learn, metrics, words


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return make_table(tmp_path_factory.mktemp("table"))


@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("sklearn.linear_model.Ridge", {"alpha": [0.1, 10.0], "tol": [1e-12]}),
        (
            "sklearn.ensemble.RandomForestRegressor",
            {"n_estimators": [5], "max_depth": [4], "text__weighting": ["tfidf", "count"]},
        ),
        ("sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": [5]}),
    ],
)
def test_a_scikit_learn_estimator_scores_as_in_a_loop_of_one_s_own(
    table: Table, name: str, grid: dict[str, Any]
) -> None:
    """Within `NEAR`, although cells differ in their 15th digit.

    Trees read cells as float32, or by their order, and see no difference. Ridge's solver stops at
    a residual of `tol`: by default, at 4 digits, a processor whose BLAS rounds otherwise may stop
    a step earlier. At 12 digits a prediction is within 1e-11 of the solution, on any of them.
    """
    candidates, rows = score(table.corpus, grid, get_estimator(name))
    found = values(rows)
    documents = [words(text, "snowball") for text in table.texts]
    folds = np.array(table.folds)
    for candidate, fold in itertools.product(candidates, FOLDS):
        weighting = candidate.parameters.get("text__weighting", "tfidf")
        train, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        features = learn([documents[row] for row in train], weighting=weighting)
        own = {k: v for k, v in candidate.parameters.items() if not k.startswith("text__")}
        model = scikit_learn_model(name, own)
        x, unseen = (features.matrix([documents[r] for r in part]) for part in (train, held_out))
        if "Hist" in name:
            x, unseen = x.toarray(), unseen.toarray()
        with threadpool_limits(1):  # many threads on few rows would only get in each other's way
            estimate = model.fit(x, table.target[train]).predict(unseen)
        for metric, value in metrics(table.target[held_out], estimate).items():
            assert found[candidate.id, fold, metric] == pytest.approx(value, rel=0, abs=NEAR)


@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")
@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("sklearn.linear_model.Ridge", {"alpha": [0.1, 10.0]}),
        ("sklearn.linear_model.SGDRegressor", {"alpha": [0.001]}),
        ("sklearn.svm.LinearSVR", {"C": [0.5, 5.0], "text__weighting": ["count"]}),
    ],
)
def test_a_solver_that_stops_early_scores_to_the_bit_as_on_the_same_matrix(
    table: Table, name: str, grid: dict[str, Any]
) -> None:
    """On the engine's own numbers, since a digit more or less may be a step more or less."""
    candidates, rows = score(table.corpus, grid, get_estimator(name))
    found, target = values(rows), np.asarray(table.corpus.target)
    for candidate, (fold, label) in itertools.product(candidates, enumerate(FOLDS)):
        train = table.corpus.fold != fold
        _, matrix = fit_text(table.corpus.text, train, candidate.text)
        model = scikit_learn_model(name, candidate.model_parameters)
        with threadpool_limits(1):
            estimate = model.fit(matrix[train], target[train]).predict(matrix[~train])
        expected = regression_metrics(target[~train], estimate)
        assert {metric: found[candidate.id, label, metric] for metric in expected} == expected


def scikit_learn_model(name: str, parameters: dict[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
    from sklearn.linear_model import Ridge, SGDRegressor
    from sklearn.svm import LinearSVR

    classes = (HistGradientBoostingRegressor, RandomForestRegressor, Ridge, SGDRegressor, LinearSVR)
    by_name = {each.__name__: each for each in classes}
    return by_name[name.rpartition(".")[2]](**parameters, random_state=SEED)


@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("sklearn.linear_model.Ridge", {"alpha": [1.0]}),
        ("sklearn.svm.LinearSVR", {"C": [0.5]}),
        ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": [20], "max_depth": [5]}),
        ("sklearn.ensemble.ExtraTreesRegressor", {"n_estimators": [20], "max_depth": [5]}),
        ("sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": [10]}),
    ],
)
def test_the_number_of_threads_changes_no_bit_of_scikit_learn_s_either(
    table: Table, name: str, grid: dict[str, Any]
) -> None:
    one, two, four = (  # three folds on two threads: the last fit has both
        values(score(table.corpus, grid, get_estimator(name), cpus=cpus)[1]) for cpus in (1, 2, 4)
    )
    assert one == two == four


def test_scoring_leaves_the_process_as_it_found_it(table: Table) -> None:
    def state() -> list[Any]:
        libraries = [(each["filepath"], each["num_threads"]) for each in threadpool_info()]
        return [list(warnings.filters), libraries, resource.getrlimit(resource.RLIMIT_DATA)]

    before = state()
    for name in ("sklearn.ensemble.ExtraTreesRegressor", "sklearn.svm.SVR", "xgboost"):
        score(table.corpus, {}, get_estimator(name))
    assert state() == before


@pytest.mark.parametrize(
    ("name", "parameters", "on_two"),
    [
        ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": 5}, 3),  # a row a metric
        ("sklearn.linear_model.Ridge", {}, 0),
    ],
)
def test_a_fit_costs_the_threads_that_it_can_use(
    table: Table, name: str, parameters: dict[str, Any], on_two: int
) -> None:
    # Three folds on two processors: the last fit has both, if they are of use to it.
    _, rows = score(table.corpus, parameters, get_estimator(name), cpus=2)
    both = [row for row in rows if row.cpu_seconds == 2 * row.fit_seconds]
    assert len(both) == on_two
