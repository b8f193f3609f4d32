"""A mistake that keeps every candidate from being fitted ends the search as a mistake."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import fanfold
from fanfold.errors import UserError

WORDS = ["the and of", "of the", "and the the"]
QUICK: dict[str, Any] = {"text_column": "text", "target": "y", "folds": 2}


def frame(texts: list[str], low: float) -> pd.DataFrame:
    return pd.DataFrame({"text": texts * 20, "y": [low + n % 7 for n in range(20 * len(texts))]})


@pytest.mark.parametrize(
    ("texts", "low", "grid", "said"),
    [
        (WORDS, 1, {"n_estimators": [2, 3]}, "stopwords"),
        (["a b c", "d e"], -5, {"objective": ["count:poisson", "reg:gamma"]}, "needs targets"),
        (["a b c", "d e"], 1, {"text__min_times": [0.9]}, "lower text__min_times"),
    ],
)
def test_where_all_candidates_have_a_mistake_the_search_says_it(
    texts: list[str], low: float, grid: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said) as refused:
        fanfold.tune(frame(texts, low), grid=grid, **QUICK)
    assert refused.value.exit_code == 2


def test_one_candidates_mistake_is_a_row() -> None:
    grid = [{"text__min_times": 0.9}, {"n_estimators": 2}]
    board = fanfold.tune(frame(["a b c", "d e"], 1), grid=grid, **QUICK).leaderboard
    assert (board["error"] != "").tolist() == [False, True, False]
