"""Too little memory costs a candidate its scores, and nobody else anything."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import FanfoldError
from fanfold.estimators.base import get_estimator
from fanfold.estimators.xgboost import XGBoost
from fanfold.models.training import train
from fanfold.search.grid import expand
from tests.fanfold.scored import Table, make_table, score, values
from tests.fanfold.slow_search import learn, words

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return make_table(tmp_path_factory.mktemp("table"))


def test_a_dense_matrix_that_would_not_fit_is_not_even_made(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator = get_estimator("sklearn.ensemble.HistGradientBoostingRegressor")
    monkeypatch.setattr("fanfold.estimators.scikit_learn.usable_memory", lambda: 100_000)
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


def test_a_final_fit_that_lacks_memory_says_what_to_raise(table: Table) -> None:
    class Starved(XGBoost):
        def fit(self, data: Any, parameters: Any, seed: int, threads: int) -> Any:
            raise MemoryError

    (candidate,) = expand({"max_depth": [2]}, Starved())
    with pytest.raises(FanfoldError) as error:
        train(table.corpus, candidate, Starved(), seed=1)
    assert re.match(
        r"out of memory: the final fit, of all \d+ training rows, had \d+\.\d\d GiB;"
        " raise train_final_memory",
        str(error.value),
    )


SHORT_OF_MEMORY = """
    import json, sys
    from dataclasses import asdict
    from pathlib import Path

    import numpy as np

    from fanfold import resources
    from fanfold.search import fold_scores
    from fanfold.search.cross_validation import score_units
    from fanfold.estimators import scikit_learn
    from fanfold.estimators.base import get_estimator
    from fanfold.search.grid import expand, make_units
    from tests.fanfold.corpora import make_corpus

    random = np.random.default_rng(0)
    lengths = random.integers(200, 600, 1200)
    texts = [" ".join(f"w{n}" for n in random.integers(0, 2000, length)) for length in lengths]
    corpus = make_corpus(texts, target=random.normal(size=1200))
    status = dict(line.split(":") for line in open("/proc/self/status"))
    have = int(int(status["RssAnon"].split()[0]) * 1024 + 300e6)
    for module in (resources, fold_scores, scikit_learn):
        module.usable_memory = lambda: have
    name, grid = json.loads(sys.argv[1])
    estimator = get_estimator(name)
    units = make_units(expand(grid, estimator), estimator)
    rows = score_units(corpus, units, estimator, seed=1)
    print(json.dumps([have, [asdict(row) for row in rows]]))
"""


@pytest.mark.slow
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
