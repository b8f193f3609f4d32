"""The leaderboard's words: what a row says of a candidate, whatever is odd about it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fanfold.report import ReportData
from fanfold.report.data import read_board
from fanfold.report.leaderboard import counts_text, table
from fanfold.report.scales import axes
from fanfold.report.winner import metric_card, selection_text
from tests.fanfold.report_data import FIVE, FOREST, report_data


def with_cells(data: ReportData, row: int, **cells: object) -> ReportData:
    for name, value in cells.items():
        data.leaderboard.at[row, name] = value
    return data


def test_a_winner_without_a_metric_does_not_round_those_of_others_away() -> None:
    data = with_cells(report_data({"max_depth": [3, 6]}), 0, rsq_mean=np.nan, rsq_std_err=np.nan)
    other = data.leaderboard.loc[1, "rsq_mean"]
    board = read_board(data)
    shown = [row.others[-1] for row in table(board).rows]
    assert shown[0] == "–"
    assert float(shown[1]) == round(other, 4) != 0
    assert metric_card("rsq", data, board).headline == "0.3724"


def test_a_mean_of_fewer_folds_says_so() -> None:
    data = with_cells(report_data({"max_depth": [3, 6]}), 0, rsq_n=1)
    board = read_board(data)
    said = {name: metric_card(name, data, board).folds for name in board.metrics}
    assert said == {"rmse": "over 5 folds", "mae": "over 5 folds", "rsq": "over 1 of 5 folds"}


def test_a_count_and_a_share_of_the_same_size_are_two_values() -> None:
    board = read_board(report_data({"max_features": [1, 1.0, "sqrt"]}, estimator=FOREST))
    shown = sorted(row.parameters[0] for row in table(board).rows if row.parameters)
    assert shown == ["1", "1.0", "sqrt"]
    (axis,) = axes(board)
    assert sorted(axis.share(each) for each in (1, 1.0, "sqrt")) == [1 / 6, 1 / 2, 5 / 6]


def test_what_the_grid_does_not_say_is_told_from_null() -> None:
    data = with_cells(report_data({"max_depth": [3, 6, 9]}), 0, max_depth=pd.NA)
    board = read_board(with_cells(data, 1, max_depth=None))
    assert [board.label(each).split()[1] for each in board.ranked[:2]] == ["default", "None"]


def test_the_winner_is_the_best_of_those_scored_on_as_many_folds() -> None:
    grid = {"max_depth": [3, 6, 9]}
    assert selection_text("best", read_board(report_data(grid))) == (
        "The best mean rmse of 3 candidates."
    )
    board = read_board(report_data(grid, undefined=[(0, FIVE[0])]))
    assert [each.defined["rmse"] for each in board.ranked] == [5, 5, 4]
    assert selection_text("best", board) == (
        "The best mean rmse of 2 candidates; it is undefined on folds of 1."
    )
    board = read_board(report_data({"max_depth": [3, 6]}, undefined=[(0, FIVE[0])]))
    assert selection_text("best", board) == (
        "The only candidate whose rmse is defined on so many folds."
    )


def test_those_without_a_rank_are_told_by_why() -> None:
    lost = [(1, fold) for fold in FIVE]
    board = read_board(
        report_data({"max_depth": [3, 6, 9]}, failed={0: "no memory"}, undefined=lost)
    )
    assert counts_text(board) == (
        "3 candidates over 5 folds. 1 could not be fitted. The rmse of 1 is undefined."
    )
    assert {why for _, _, why in table(board).failed} == {"no memory", "its rmse is undefined"}
