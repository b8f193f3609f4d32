"""The rows that charts draw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.report.data import read_board
from fanfold.report.page import render
from fanfold.report.records import axis_rows, fold_rows
from fanfold.report.scales import nice_numbers, score_range
from tests.fanfold.report_data import WIDE_GRID, report_data


def test_the_winner_is_drawn_fold_by_fold_also_where_many_are_better() -> None:
    data = report_data(WIDE_GRID, limit=60)
    far = data.leaderboard.iloc[57]["candidate"]
    simplest = replace(data, best={**data.best, "candidate": far})
    rows = fold_rows(simplest, read_board(simplest))
    assert {row["rank"] for row in rows} == {*range(1, 51), 58}
    assert "of the best 50 candidates and the winner in each fold" in render(simplest)


@pytest.mark.parametrize("size", [1e-7, 1e-5, 1e-3, 1.0, 1e4])
def test_the_ticks_of_scores_of_any_size_are_told_apart(size: float) -> None:
    scores = score_range([1.1 * size, 2.3 * size], "rmse")
    texts = [row["text"] for row in axis_rows([], "rmse", scores)[1:]]
    ticks = nice_numbers(scores.low, scores.high)
    found = [float(text.replace(",", "").replace("−", "-")) for text in texts]
    assert len(found) > 2
    assert found == pytest.approx(ticks, rel=1e-3, abs=0)
