"""Every score against a slow loop; the same numbers however the fits are shared out."""

from __future__ import annotations

import itertools
import math
import time
from typing import Any

import numpy as np
import pytest

from fanfold.estimators.base import get_estimator
from fanfold.search.baseline import BASELINE, baseline_scores
from fanfold.search.cross_validation import score_units
from fanfold.search.fold_scores import FoldScore
from fanfold.search.grid import expand, make_units
from tests.fanfold.scored import FOLDS, NEAR, SEED, Table, make_table, score, values
from tests.fanfold.slow_search import learn, slow_scores, words

GRIDS: dict[str, Any] = {
    "text": {
        "n_estimators": [12],
        "max_depth": [3],
        "text__max_tokens": [15, 60],
        "text__weighting": ["tfidf", "count"],
        "text__stopwords": ["snowball", "none"],
    },
    "trees": {
        "max_depth": [2, 6],
        "subsample": [0.7, 1.0],
        "n_estimators": [8, 20],
        "colsample_bynode": [0.5],
    },
    "lists": [
        {"learning_rate": [0.05, 0.5], "min_child_weight": 5, "max_bin": [8, 64]},
        {"grow_policy": "lossguide", "max_depth": 0, "max_leaves": 9, "reg_alpha": 0.5},
        {"text__min_times": 0.004, "text__max_times": 0.02, "gamma": 0.1, "n_estimators": 15},
        {"objective": "reg:absoluteerror", "num_parallel_tree": 2, "n_estimators": 5},
    ],
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return make_table(tmp_path_factory.mktemp("table"))


@pytest.mark.parametrize("name", GRIDS)
def test_every_fold_score_equals_that_of_a_slow_loop(table: Table, name: str) -> None:
    candidates, rows = score(table.corpus, GRIDS[name])
    parameters = [each.parameters for each in candidates]
    slow = slow_scores(table.texts, table.target, table.folds, parameters, SEED)
    expected = {
        (each.id, fold, metric): value
        for each, folds in zip(candidates, slow, strict=True)
        for fold, found in folds.items()
        for metric, value in found.items()
    }
    assert values(rows) == pytest.approx(expected, rel=0, abs=NEAR)
    assert len(rows) == len(candidates) * len(FOLDS) * 3


def test_rows_stand_by_candidate_then_fold_then_metric(table: Table) -> None:
    candidates, rows = score(table.corpus, {"max_depth": [3, 2], "n_estimators": [3]})
    expected = itertools.product([each.id for each in candidates], FOLDS, ("rmse", "mae", "rsq"))
    assert [(row.candidate, row.fold, row.metric) for row in rows] == list(expected)


@pytest.mark.parametrize("name", ["trees", "lists"])
def test_shared_and_separate_fits_give_the_same_bits(table: Table, name: str) -> None:
    grid = GRIDS[name]
    if name == "lists":
        grid = [{**part, "n_estimators": [2, 5, 9]} for part in grid]
    assert values(score(table.corpus, grid)[1]) == values(
        score(table.corpus, grid, share_fits=False)[1]
    )


@pytest.mark.parametrize("name", GRIDS)
def test_the_number_of_threads_changes_no_bit(table: Table, name: str) -> None:
    one, two = (values(score(table.corpus, GRIDS[name], cpus=cpus)[1]) for cpus in (1, 2))
    assert one == two


def test_one_fit_on_several_threads_gives_the_bits_of_one_thread(table: Table) -> None:
    estimator = get_estimator("xgboost")
    parameters = {"n_estimators": 10, "subsample": 0.7, "colsample_bynode": 0.5}
    features = learn([words(text, "snowball") for text in table.texts])
    matrix = features.matrix([words(text, "snowball") for text in table.texts])
    predictions = []
    for threads in (1, 2):
        data = estimator.prepare(matrix, table.target, parameters, threads)
        model = estimator.fit(data, parameters, SEED, threads)
        predictions.append(estimator.predict(model, matrix).tolist())
    assert predictions[0] == predictions[1]


def test_another_seed_gives_other_scores(table: Table) -> None:
    estimator = get_estimator("xgboost")
    units = make_units(expand({"subsample": [0.5], "n_estimators": [5]}, estimator), estimator)
    scores = [values(score_units(table.corpus, units, estimator, seed=s)) for s in (1, 2, 1)]
    assert scores[0] == scores[2] != scores[1]


def test_the_baseline_predicts_the_training_mean_of_each_fold(table: Table) -> None:
    rows = baseline_scores(table.corpus)
    assert [(row.candidate, row.fold) for row in rows] == [
        (BASELINE, fold) for fold in FOLDS for _ in range(3)
    ]
    folds = np.array(table.folds)
    for row in rows:
        error = table.target[folds == row.fold] - table.target[folds != row.fold].mean()
        expected = {"rmse": np.sqrt((error**2).mean()), "mae": np.abs(error).mean()}
        assert row.value == pytest.approx(expected.get(row.metric, math.nan), nan_ok=True)
        assert row.ok and row.fit_seconds == row.cpu_seconds == 0


def test_a_candidate_that_cannot_be_fitted_is_rows_that_say_why(table: Table) -> None:
    told: list[FoldScore] = []
    estimator = get_estimator("xgboost")
    grid = [
        {"text__min_times": 0.9, "n_estimators": [3, 4]},  # no token is as frequent
        {"objective": "reg:gamma", "n_estimators": 3},  # takes no target of 0
        {"n_estimators": 3},
    ]
    candidates = expand(grid, estimator)
    rows = score_units(
        table.corpus, make_units(candidates, estimator), estimator, seed=SEED, on_scores=told.extend
    )
    by_candidate = {each.id: [r for r in rows if r.candidate == each.id] for each in candidates}
    *no_token, gamma, good = (by_candidate[each.id] for each in candidates)
    for failed in (*no_token, gamma):
        assert len(failed) == 9 and not any(row.ok for row in failed)
        assert all(math.isnan(row.value) and row.fit_seconds == 0 for row in failed)
        assert {row.metric for row in failed} == {"rmse", "mae", "rsq"}
        assert not any("\n" in row.error for row in failed)
    assert all("lower text__min_times" in row.error for each in no_token for row in each)
    assert all("reg:gamma needs targets above 0, and the smallest" in row.error for row in gamma)
    assert len(values(good)) == 9
    assert sorted(map(str, told)) == sorted(map(str, rows))


def test_a_fit_that_diverges_is_rows_that_say_so(table: Table) -> None:
    (short, long), rows = score(table.corpus, {"learning_rate": [20], "n_estimators": [2, 120]})
    assert all(row.ok for row in rows if row.candidate == short.id)
    diverged = [row for row in rows if row.candidate == long.id]
    assert len(diverged) == 9 and all(math.isnan(row.value) for row in diverged)
    assert {row.ok for row in diverged} == {False}
    assert {row.error for row in diverged} == {"its predictions are not finite: the fit diverged"}
    assert all(row.fit_seconds > 0 for row in diverged), "it was spent all the same"


def test_seconds_of_a_shared_fit_are_parted_by_rounds_and_add_up(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_THREADS", "1")
    started = time.perf_counter()
    candidates, rows = score(table.corpus, {"n_estimators": [10, 30], "max_depth": [4]})
    wall = time.perf_counter() - started
    short, long = (
        [row for row in rows if row.candidate == each.id and row.metric == "mae"]
        for each in candidates
    )
    for few, many in zip(short, long, strict=True):
        assert many.fit_seconds == pytest.approx(3 * few.fit_seconds) and few.fit_seconds > 0
        assert many.cpu_seconds == pytest.approx(3 * few.cpu_seconds) and few.cpu_seconds > 0
        assert few.peak_memory_bytes > 1 << 20
    # One thread: no two fits at a time, so together they cannot have taken longer than all.
    assert sum(row.fit_seconds for row in (*short, *long)) <= wall
