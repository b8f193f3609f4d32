"""What a terminal shows of a ledger's searches, at any width."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from fanfold.estimators.base import get_estimator
from fanfold.ledger import Ground, SearchRecord
from fanfold.ledger.standing import Row, Standing
from fanfold.ledger.view import line, live_search, search_table, searches_table
from fanfold.search.grid import expand
from fanfold.settings.search import Settings

FEW = {"max_depth": [6, 12], "subsample": [0.8, 1.0]}
MANY = {
    "max_depth": [1, 2, 3, 4, 5],
    "colsample_bynode": [0.5, 1.0],
    "n_estimators": [300, 500],
    "subsample": [0.8, 1.0],
    "text__weighting": ["tfidf", "count"],
    "text__max_tokens": [100, 1000],
}
DEFAULT = json.loads(Settings().grid)
FOLDS = ("1", "2", "3")


def standing(grid: Any = FEW, done: int = 3, failed: int = 0, **how: Any) -> Standing:
    """A search whose candidates all have so many folds done, but for the last one's failures."""
    xgboost = get_estimator("xgboost")
    candidates = expand(grid, xgboost)
    ground = Ground("0" * 64, "xgboost", "xgboost 3", 1, 2021)
    about = {"data": "s3://tables/[b]posts.csv", "text_column": "post", "target": "votes"}
    record = SearchRecord("3f21c026ce8b", ground, candidates, FOLDS, about, "2026-01-02T03:04:05Z")
    rows = [
        Row(each.id, each.parameters, done, 0, 1.25 + number, 0.0125, 60.0, 120.0)
        for number, each in enumerate(candidates)
    ]
    if failed:
        rows[-1] = replace(rows[-1], folds=0, failed=failed, mean=math.nan, std_err=math.nan)
    scored = sum(row.folds for row in rows)
    total = len(candidates) * len(FOLDS)
    at = {"begun": 0.0, "written": 90.0, "seconds_left": None}
    return Standing(record, "rmse", rows, scored, failed, total, **{**at, **how})


def drawn(what: RenderableType, width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(what)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 300])
@pytest.mark.parametrize("grid", [FEW, DEFAULT, MANY, {}], ids=["few", "default", "many", "none"])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(width: int, grid: Any) -> None:
    lines = drawn(live_search(standing(grid, done=2), 100.0, width), width)
    assert max(map(len, lines)) <= width
    assert len(lines) < 24 or width < 80
    assert sum("1.2500" in each and "0.0125" in each and "2/3" in each for each in lines) == 1
    assert "last fold 10 s ago" in "".join(lines)


def test_a_parameter_has_a_column_where_all_fit_and_a_place_in_one_where_not() -> None:
    wide, narrow = (drawn(search_table(standing(), width), width) for width in (120, 70))
    assert wide[0].split() == [
        "rmse", "std_err", "folds", "cpu", "time", "candidate", "max_depth", "subsample"
    ]  # fmt: skip
    assert narrow[0].split()[-1] == "parameters"
    assert "max_depth=6" in "".join("".join(narrow).split())


def test_a_search_whose_rest_has_failed_is_over_and_says_so() -> None:
    over, under_way = standing(failed=3), standing(done=2, failed=1)
    assert line(over).startswith("3f21c026ce8b: 9/12, done, 3 failed, best rmse 1.250:")
    assert line(under_way).startswith("3f21c026ce8b: 6/12, time left unknown, 1 failed")
    listed = drawn(searches_table([over]), 200)[1]
    assert "9/12" in listed and "done, 3 failed" in listed and "s3://tables/[b]posts.csv" in listed
    assert "last fold" not in "".join(drawn(live_search(over, 100.0, 120), 120))
