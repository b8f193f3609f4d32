"""Candidates whose text settings choose the same tokens share their fits and say so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fanfold.estimators.base import get_estimator
from fanfold.features.corpus import Corpus
from fanfold.search.baseline import baseline_scores
from fanfold.search.cross_validation import score_units
from fanfold.search.fold_scores import FoldScore, scores_frame
from fanfold.search.grid import expand, make_units
from fanfold.search.same_columns import same_columns
from fanfold.search.selection import select
from tests.fanfold.corpora import make_corpus
from tests.fanfold.ledger.searching import CountingXGBoost

WORDS = 30
GRID = {
    "text__max_tokens": [10, 50, 1000],
    "text__min_times": [0.001],
    "n_estimators": [3, 6],
    "max_depth": 2,
}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """200 rows of 30 words, each of which is in every fold's training rows."""
    random = np.random.default_rng(3)
    texts = [" ".join(f"w{n}" for n in random.integers(0, WORDS, 12)) for _ in range(200)]
    return make_corpus(texts, target=random.normal(size=200))


def scored(corpus: Corpus, grid: Any, **how: Any) -> tuple[list[FoldScore], CountingXGBoost]:
    estimator = CountingXGBoost()
    units = make_units(expand(grid, estimator), estimator)
    return score_units(corpus, units, estimator, seed=1, **how), estimator


def test_settings_that_allow_no_more_tokens_are_the_same_as_the_first_of_them(
    corpus: Corpus,
) -> None:
    candidates = expand(GRID, get_estimator("xgboost"))
    by_point = {
        (each.text.max_tokens, each.parameters["n_estimators"]): each.id for each in candidates
    }
    assert same_columns(corpus, candidates, get_estimator("xgboost")) == {
        by_point[1000, rounds]: by_point[50, rounds] for rounds in (3, 6)
    }


def test_a_weighting_of_the_same_tokens_is_another_candidate(corpus: Corpus) -> None:
    grid = {"text__weighting": ["tfidf", "count"], "text__max_tokens": [50]}
    xgboost = get_estimator("xgboost")
    assert same_columns(corpus, expand(grid, xgboost), xgboost) == {}


def test_a_default_that_the_grid_says_is_the_same_as_one_that_it_does_not(corpus: Corpus) -> None:
    estimator = CountingXGBoost()
    candidates = expand([{"n_estimators": 5}, {"n_estimators": 5, "max_depth": 6}], estimator)
    first, second = candidates
    assert same_columns(corpus, candidates, estimator) == {second.id: first.id}
    rows = score_units(corpus, make_units(candidates, estimator), estimator, seed=1)
    assert len(estimator.fitted) == len(corpus.fold_labels)
    assert {row.candidate for row in rows} == {first.id, second.id}


def test_they_are_fitted_once_and_score_as_if_each_were_fitted(corpus: Corpus) -> None:
    rows, estimator = scored(corpus, GRID)
    assert len(estimator.fitted) == 2 * len(corpus.fold_labels)  # 10 tokens, and all 30
    alone = [
        row
        for tokens in (10, 50, 1000)
        for row in scored(corpus, {**GRID, "text__max_tokens": [tokens]})[0]
    ]
    values = {(row.candidate, row.fold, row.metric): row.value for row in alone}
    assert {(row.candidate, row.fold, row.metric): row.value for row in rows} == values


def test_what_one_of_them_is_known_to_score_needs_no_fit_of_the_other(corpus: Corpus) -> None:
    first, _ = scored(corpus, {**GRID, "text__max_tokens": [50]})
    known: dict[tuple[str, str], list[FoldScore]] = {}
    for row in first:
        known.setdefault((row.candidate, row.fold), []).append(row)
    told: list[str] = []
    rows, estimator = scored(
        corpus,
        {**GRID, "text__max_tokens": [50, 1000]},
        known=known,
        on_scores=lambda scores: told.append(scores[0].candidate),
    )
    assert estimator.fitted == []
    assert len(told) == 4 * len(corpus.fold_labels) == len(rows) / 3


def test_the_leaderboard_says_which_they_are_and_how_many_columns_each_had(
    corpus: Corpus,
) -> None:
    rows, estimator = scored(corpus, GRID)
    candidates = expand(GRID, estimator)
    scores = scores_frame([*rows, *baseline_scores(corpus)])
    same = same_columns(corpus, candidates, get_estimator("xgboost"))
    board = select(scores, candidates, estimator, same=same).leaderboard.set_index("candidate")
    for each in candidates:
        row = board.loc[each.id]
        assert row["columns"] == min(each.text.max_tokens, WORDS)
        assert row["same_as"] == same.get(each.id, "")
        assert (row["cpu_seconds"] > 0) == (each.id not in same)
    assert board.loc["baseline", "same_as"] == ""
