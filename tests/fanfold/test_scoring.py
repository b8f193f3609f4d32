"""Every score against a slow loop; the same numbers however the fits are shared out."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import resource
import subprocess
import sys
import textwrap
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from fanfold.corpus import Corpus, load_corpus
from fanfold.estimators import Estimator, get_estimator
from fanfold.grid import Candidate, expand, make_units
from fanfold.preprocess import preprocess
from fanfold.sample import csv_stream
from fanfold.scoring import BASELINE, FoldScore, baseline_scores, cross_validate
from fanfold.settings import Settings
from fanfold.xgboost_estimator import XGBoost
from tests.fanfold.slow_search import learn, metrics, slow_scores, words

ROOT = Path(__file__).parents[2]
ROWS = 900
FOLDS = ("early", "late", "middle")
SEED = 7
NEAR = 1e-6

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


@dataclass(frozen=True)
class Table:
    """The training rows of a table, read by hand, and the corpus that fanfold makes of it."""

    texts: list[str]
    target: np.ndarray
    folds: list[str]
    corpus: Corpus


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Generated rows, split by columns of their own, so that the slow loop knows who is who."""
    folder = tmp_path_factory.mktemp("table")
    with csv_stream(ROWS) as stream:
        rows = list(csv.DictReader(io.TextIOWrapper(stream, "utf-8", newline="")))
    for number, row in enumerate(rows):
        row["split"] = "test" if number % 5 == 0 else "train"
        row["fold"] = FOLDS[number * number % 7 % 3]
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    settings = Settings(data=str(folder / "rows.csv"), split_column="split", fold_column="fold")
    preprocess(
        settings,
        corpus=folder / "corpus",
        test=folder / "test.parquet",
        rejects=folder / "rejects.csv",
    )
    train = [row for row in rows if row["split"] == "train" and row["definition"]]
    votes = [int(row["up_votes"]) + int(row["down_votes"]) for row in train]
    return Table(
        [row["definition"] for row in train],
        np.array([math.log1p(each) for each in votes]),
        [row["fold"] for row in train],
        load_corpus(folder / "corpus"),
    )


def score(
    corpus: Corpus, grid: Any, estimator: Estimator | None = None, *, share_fits: bool = True
) -> tuple[list[Candidate], list[FoldScore]]:
    estimator = estimator or get_estimator("xgboost")
    candidates = expand(grid, estimator)
    units = make_units(candidates, estimator, share_fits=share_fits)
    return candidates, cross_validate(corpus, units, estimator, seed=SEED)


def values(rows: Sequence[FoldScore]) -> dict[tuple[str, str, str], float]:
    """(candidate, fold, metric) -> value, of rows that all went well."""
    assert [row for row in rows if not row.ok or row.error] == []
    found = {(row.candidate, row.fold, row.metric): row.value for row in rows}
    assert len(found) == len(rows)
    return found


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
def test_the_number_of_threads_changes_no_bit(
    table: Table, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for threads in ("1", "2"):
        monkeypatch.setenv("FANFOLD_THREADS", threads)
        found[threads] = values(score(table.corpus, GRIDS[name])[1])
    assert found["1"] == found["2"]


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
    scores = [values(cross_validate(table.corpus, units, estimator, seed=s)) for s in (1, 2, 1)]
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
        {"objective": "reg:gamma", "n_estimators": 3},  # refuses a target of 0
        {"n_estimators": 3},
    ]
    candidates = expand(grid, estimator)
    rows = cross_validate(
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
    assert all("XGBoostError" in row.error for row in gamma)
    assert len(values(good)) == 9
    assert sorted(map(str, told)) == sorted(map(str, rows))


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


@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")
@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("sklearn.linear_model.Ridge", {"alpha": [0.1, 10.0]}),
        ("sklearn.svm.LinearSVR", {"C": [0.5, 5.0], "text__weighting": ["count"]}),
        ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": [5], "max_depth": [4]}),
        ("sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": [5]}),
    ],
)
def test_a_scikit_learn_estimator_scores_as_in_a_loop_of_one_s_own(
    table: Table, name: str, grid: dict[str, Any]
) -> None:
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


def scikit_learn_model(name: str, parameters: dict[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
    from sklearn.linear_model import Ridge
    from sklearn.svm import LinearSVR

    classes = (HistGradientBoostingRegressor, RandomForestRegressor, Ridge, LinearSVR)
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
    table: Table, name: str, grid: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for threads in ("1", "2", "4"):  # three folds on two threads: the last fit has both
        monkeypatch.setenv("FANFOLD_THREADS", threads)
        found.append(values(score(table.corpus, grid, get_estimator(name))[1]))
    assert found[0] == found[1] == found[2]


def test_scoring_leaves_the_process_as_it_found_it(table: Table) -> None:
    def state() -> list[Any]:
        libraries = [(each["filepath"], each["num_threads"]) for each in threadpool_info()]
        return [list(warnings.filters), libraries, resource.getrlimit(resource.RLIMIT_DATA)]

    before = state()
    for name in ("sklearn.ensemble.ExtraTreesRegressor", "sklearn.svm.SVR", "xgboost"):
        score(table.corpus, {}, get_estimator(name))
    assert state() == before


def test_a_dense_matrix_that_would_not_fit_is_not_even_made(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator = get_estimator("sklearn.ensemble.HistGradientBoostingRegressor")
    monkeypatch.setattr("fanfold.sklearn_estimators.usable_memory", lambda: 100_000)
    with pytest.raises(MemoryError, match=r"needs a dense matrix of \d+ x 100, about"):
        matrix = learn([words(text) for text in table.texts]).matrix(
            [words(text) for text in table.texts]
        )
        estimator.prepare(matrix, table.target, {}, 1)
    _, rows = score(table.corpus, {}, estimator)
    assert all(not row.ok and row.error.startswith("out of memory") for row in rows)


class StarvedAtFirst(XGBoost):
    """Finds no memory for the first fit of each depth on each fold, which differ in their rows."""

    def __init__(self) -> None:
        self.tried: Counter[tuple[int, int]] = Counter()

    def fit(self, data: Any, parameters: Any, seed: int, threads: int) -> Any:
        key = (data.num_row(), parameters["max_depth"])
        self.tried[key] += 1
        if self.tried[key] == 1:
            raise MemoryError
        return super().fit(data, parameters, seed, threads)


def test_a_fit_that_lacked_memory_beside_others_is_tried_once_more_by_itself(
    table: Table,
) -> None:
    grid = {"max_depth": [2, 3], "n_estimators": [3, 4]}
    assert values(score(table.corpus, grid, StarvedAtFirst())[1]) == values(
        score(table.corpus, grid)[1]
    )


SHORT_OF_MEMORY = """
    import json, sys
    from dataclasses import asdict
    from pathlib import Path

    import numpy as np

    from fanfold import resources, scoring, sklearn_estimators
    from fanfold.estimators import get_estimator
    from fanfold.grid import expand, make_units
    from tests.fanfold.corpora import make_corpus

    random = np.random.default_rng(0)
    lengths = random.integers(200, 600, 1200)
    texts = [" ".join(f"w{n}" for n in random.integers(0, 2000, length)) for length in lengths]
    corpus = make_corpus(texts, target=random.normal(size=1200))
    status = dict(line.split(":") for line in open("/proc/self/status"))
    have = int(int(status["RssAnon"].split()[0]) * 1024 + 300e6)
    for module in (resources, scoring, sklearn_estimators):
        module.usable_memory = lambda: have
    name, grid = json.loads(sys.argv[1])
    estimator = get_estimator(name)
    units = make_units(expand(grid, estimator), estimator)
    rows = scoring.cross_validate(corpus, units, estimator, seed=1)
    print(json.dumps([have, [asdict(row) for row in rows]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's data")
@pytest.mark.parametrize(
    ("name", "small", "big"),
    [
        (
            "xgboost",
            {"text__max_tokens": 20, "max_depth": 3},
            {"text__max_tokens": 2000, "max_depth": 11, "min_child_weight": 0, "n_estimators": 3},
        ),
        (
            "sklearn.ensemble.HistGradientBoostingRegressor",
            {"text__max_tokens": 20, "max_iter": 3},
            {"text__max_tokens": 2000, "max_iter": 3, "max_leaf_nodes": 600, "min_samples_leaf": 1},
        ),
    ],
)
def test_a_candidate_too_big_for_the_memory_is_rows_that_say_so_and_the_others_live(
    name: str, small: dict[str, Any], big: dict[str, Any]
) -> None:
    grid = [{**each, "text__min_times": 0} for each in (small, big)]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SHORT_OF_MEMORY), json.dumps([name, grid])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    have, rows = json.loads(done.stdout)
    lives, fails = (
        [row for row in rows if row["candidate"] == each.id]
        for each in expand(grid, get_estimator(name))
    )
    assert len(lives) == len(fails) == 6
    assert all(row["ok"] and row["value"] > 0 for row in lives if row["metric"] != "rsq")
    for row in fails:
        assert not row["ok"] and math.isnan(row["value"])
        assert row["error"].startswith(f"out of memory: the task had {have / 2**30:.2f} GiB")
        assert "raise cross_validate_memory" in row["error"]
    assert max(row["peak_memory_bytes"] for row in rows) < have + 200e6  # code, shared pages
