"""Selection: means as pandas has them, the winner by either rule, and the baseline's row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fanfold.errors import FanfoldError, UserError
from fanfold.estimators.base import get_estimator
from fanfold.search.baseline import BASELINE
from fanfold.search.fold_scores import FoldScore, scores_frame
from fanfold.search.grid import Candidate, expand
from fanfold.search.means import mean_and_standard_error
from fanfold.search.selection import Selection, select

XGBOOST = get_estimator("xgboost")
METRICS = ("rmse", "mae", "rsq")
FOLDS = ("1", "2", "3")
CONSTANT = {"rmse": 2.0, "mae": 1.5, "rsq": math.nan}

Values = Mapping[str, Sequence[float]]


def rows_of(name: str, values: Values, **how: Any) -> list[FoldScore]:
    """The tidy rows of one candidate: for each metric a value a fold."""
    return [
        FoldScore(name, fold, metric, value, **how)
        for metric in METRICS
        for fold, value in zip(FOLDS, values[metric], strict=True)
    ]


def on_all(rmse: Sequence[float]) -> Values:
    """Metrics that agree: mae is half of rmse, rsq falls as it rises."""
    return {"rmse": rmse, "mae": [each / 2 for each in rmse], "rsq": [1 / (1 + e) for e in rmse]}


def tidy(candidates: Sequence[Candidate], values: Sequence[Values]) -> pd.DataFrame:
    rows = rows_of(BASELINE, {metric: [value] * 3 for metric, value in CONSTANT.items()})
    for each, own in zip(candidates, values, strict=True):
        rows += rows_of(each.id, own, fit_seconds=0.5, cpu_seconds=0.25)
    return scores_frame(rows)


def chosen_of(grid: Any, rmse: Sequence[Sequence[float]], **how: Any) -> Selection:
    candidates = expand(grid, XGBOOST)
    return select(tidy(candidates, [on_all(each) for each in rmse]), candidates, XGBOOST, **how)


def flat(*means: float) -> list[list[float]]:
    return [[mean] * 3 for mean in means]


scores = st.floats(0.1, 10)
three = st.tuples(scores, scores, scores)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(METRICS, three)), min_size=2, max_size=6))
def test_mean_standard_error_and_n_are_pandas_own(values: list[Values]) -> None:
    candidates = expand({"max_depth": list(range(1, len(values) + 1))}, XGBOOST)
    scores = tidy(candidates, values)
    board = select(scores, candidates, XGBOOST).leaderboard.set_index("candidate")
    truth = scores.groupby(["candidate", "metric"])["value"].agg(["mean", "sem", "count"])
    for each in candidates:
        for metric in METRICS:
            mean, error, n = truth.loc[(each.id, metric)]
            assert board.loc[each.id, f"{metric}_mean"] == pytest.approx(mean, rel=1e-12)
            assert board.loc[each.id, f"{metric}_std_err"] == pytest.approx(error, abs=1e-12)
            assert board.loc[each.id, f"{metric}_n"] == n == 3


@settings(deadline=None, max_examples=30)
@given(st.lists(three, min_size=1, max_size=8), st.sampled_from(METRICS))
def test_the_best_mean_wins_and_ranks_follow_it(values: list[Any], metric: str) -> None:
    grid = {"max_depth": list(range(1, len(values) + 1))}
    found = chosen_of(grid, values, metric=metric)
    board = found.leaderboard[found.leaderboard["candidate"] != BASELINE]
    means = board[f"{metric}_mean"].tolist()
    assert means == sorted(means, reverse=metric == "rsq")
    assert board["rank"].tolist() == list(range(1, len(values) + 1))
    assert found.winner.id == board["candidate"].iloc[0]


def test_a_higher_rsq_wins_even_where_rmse_says_otherwise() -> None:
    candidates = expand({"max_depth": [1, 2]}, XGBOOST)
    low = {"rmse": [1.0] * 3, "mae": [1.0] * 3, "rsq": [0.2] * 3}
    high = {"rmse": [1.1] * 3, "mae": [1.2] * 3, "rsq": [0.3] * 3}
    scores = tidy(candidates, [low, high])
    winners = {m: select(scores, candidates, XGBOOST, metric=m).winner for m in METRICS}
    assert winners == {"rmse": candidates[0], "mae": candidates[0], "rsq": candidates[1]}


@pytest.mark.parametrize("metric", METRICS)
def test_ties_keep_grid_order(metric: str) -> None:
    grid = {"max_depth": [9, 3, 6], "subsample": [1.0, 0.5]}
    found = chosen_of(grid, flat(1, 0.5, 1, 0.5, 0.5, 1), metric=metric)
    board = found.leaderboard.iloc[:-1]
    assert list(zip(board["max_depth"], board["subsample"], strict=True)) == [
        (9, 0.5), (3, 0.5), (6, 1.0), (9, 1.0), (3, 1.0), (6, 0.5),
    ]  # fmt: skip
    assert found.winner.parameters == {"max_depth": 9, "subsample": 0.5}


def simplest_within_one_standard_error(
    candidates: Sequence[Candidate], scores: pd.DataFrame, keys: Sequence[str], metric: str
) -> Candidate:
    """The rule as one would write it down: everything compared with everything."""
    table = scores[scores["metric"] == metric].groupby("candidate")["value"]
    mean, error = table.mean(), table.sem()
    sign = -1 if metric == "rsq" else 1
    ranked = sorted(candidates, key=lambda each: sign * mean[each.id])
    best = ranked[0]
    near = [each for each in ranked if abs(mean[each.id] - mean[best.id]) <= error[best.id]]
    for key in keys:  # keep the simplest by the first key, of those by the second, ...
        name, direction = key.lstrip("-"), -1 if key.startswith("-") else 1
        least = min(direction * each.parameters[name] for each in near)
        near = [each for each in near if direction * each.parameters[name] == least]
    return near[0]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(three, min_size=8, max_size=8),
    st.sampled_from(METRICS),
    st.sampled_from(["", "max_depth", "-max_depth", "subsample,-n_estimators", "-subsample"]),
)
def test_one_standard_error_is_the_rule_as_one_would_write_it_down(
    values: list[Any], metric: str, simplest_by: str
) -> None:
    # Whole numbers tie often. A mean on the very edge is left out: there the last bit decides.
    values = [[float(round(each)) for each in own] for own in values]
    means, errors = np.mean(values, axis=1), np.std(values, axis=1, ddof=1) / 3**0.5
    edges = np.abs(np.abs(means[:, None] - means) - errors)
    assume(not (edges[:, errors > 0] < 1e-9).any())
    grid = {"n_estimators": [20, 10], "max_depth": [2, 9], "subsample": [0.5, 1.0]}
    candidates = expand(grid, XGBOOST)
    scores = tidy(candidates, [on_all(own) for own in values])
    keys = simplest_by.split(",") if simplest_by else ["n_estimators", "max_depth"]
    found = select(scores, candidates, XGBOOST, metric=metric, selection="one_std_err",
                   simplest_by=simplest_by)  # fmt: skip
    truth = simplest_within_one_standard_error(candidates, scores, keys, metric)
    assert found.winner == truth


def test_one_standard_error_takes_a_simpler_model_that_is_near_and_none_that_is_far() -> None:
    grid = {"max_depth": [12, 6, 3]}
    best = [0.9, 1.0, 1.1]  # mean 1, standard error 0.058
    near = chosen_of(grid, [best, [1.05] * 3, [1.06] * 3], selection="one_std_err")
    assert near.winner.parameters == {"max_depth": 6}
    assert chosen_of(grid, [best, [1.05] * 3, [1.06] * 3]).winner.parameters == {"max_depth": 12}
    far = chosen_of(grid, [best, [1.06] * 3, [1.07] * 3], selection="one_std_err")
    assert far.winner.parameters == {"max_depth": 12}


def test_rank_one_stays_the_best_mean_though_a_simpler_one_wins() -> None:
    found = chosen_of({"max_depth": [12, 3]}, [[0.9, 1.0, 1.1], [1.01] * 3],
                      selection="one_std_err")  # fmt: skip
    board = found.leaderboard
    assert board.loc[board["rank"] == 1, "max_depth"].tolist() == [12]
    assert found.as_dict()["parameters"] == {"max_depth": 3}
    assert found.as_dict()["mean"] == pytest.approx(1.01)


def test_no_limit_is_the_least_simple_value() -> None:
    forest = get_estimator("sklearn.ensemble.RandomForestRegressor")
    candidates = expand({"max_depth": [None, 30, 4]}, forest)
    scores = tidy(candidates, [on_all([0.9, 1.0, 1.1]), on_all([1.01] * 3), on_all([9.0] * 3)])
    found = select(scores, candidates, forest, selection="one_std_err")
    assert found.winner.parameters == {"max_depth": 30}


@pytest.mark.parametrize(
    ("simple", "other", "simplest_by"),
    [
        ({"max_depth": 6}, {"max_depth": 0}, ""),  # 0: no limit
        ({}, {"max_depth": 12}, ""),  # of its own it has 6
        ({"max_depth": 4}, {"n_estimators": 500}, ""),  # 100 rounds
        ({"text__max_tokens": 50}, {}, "text__max_tokens"),  # 100 tokens
        ({}, {"reg_lambda": 0.5}, "-reg_lambda"),  # 1
    ],
)
def test_what_the_grid_does_not_say_is_as_simple_as_it_is(
    simple: dict[str, Any], other: dict[str, Any], simplest_by: str
) -> None:
    how = {"selection": "one_std_err", "simplest_by": simplest_by}
    best, near = [0.9, 1.0, 1.1], [1.01] * 3
    assert chosen_of([other, simple], [best, near], **how).winner.parameters == simple
    assert chosen_of([simple, other], [best, near], **how).winner.parameters == simple


def test_with_one_fold_there_is_no_standard_error_and_the_best_wins() -> None:
    candidates = expand({"max_depth": [12, 3]}, XGBOOST)
    scores = tidy(candidates, [on_all([1.0] * 3), on_all([1.01] * 3)])
    once = scores[scores["fold"] == "1"]
    found = select(once, candidates, XGBOOST, selection="one_std_err")
    assert found.winner == candidates[0]
    assert found.as_dict()["std_err"] is None
    assert mean_and_standard_error([2.0])[0] == 2.0
    assert math.isnan(mean_and_standard_error([2.0])[1])


def test_simplest_by_names_parameters_of_the_grid() -> None:
    with pytest.raises(UserError) as refused:
        chosen_of({"max_depth": [3, 6]}, flat(1, 2), simplest_by="max_deph")
    assert str(refused.value) == (
        "simplest_by names 'max_deph', which is not in the grid; did you mean 'max_depth'?;"
        " allowed: max_depth"
    )


def test_a_value_that_is_undefined_on_a_fold_is_left_out_of_its_mean() -> None:
    candidates = expand({"max_depth": [3]}, XGBOOST)
    own = {"rmse": [1.0, 2.0, 3.0], "mae": [1.0] * 3, "rsq": [0.5, math.nan, 0.7]}
    row = select(tidy(candidates, [own]), candidates, XGBOOST).leaderboard.iloc[0]
    assert (row["rsq_mean"], row["rsq_n"], row["n"]) == (pytest.approx(0.6), 2, 3)
    assert row["rsq_std_err"] == pytest.approx(0.1)


@pytest.mark.parametrize(("rule", "winner"), [("best", 2), ("one_std_err", 1)])
def test_a_mean_of_fewer_folds_does_not_win_over_one_of_all(rule: str, winner: int) -> None:
    candidates = expand({"max_depth": [1, 3, 6]}, XGBOOST)
    rsq = [[0.31, math.nan, math.nan], [0.19, 0.29, 0.39], [0.2, 0.3, 0.4]]
    own = [{"rmse": [1.0] * 3, "mae": [1.0] * 3, "rsq": each} for each in rsq]
    found = select(tidy(candidates, own), candidates, XGBOOST, metric="rsq", selection=rule)
    ranked = [candidates[place].id for place in (2, 1, 0)]
    assert found.leaderboard["candidate"].tolist() == [*ranked, BASELINE]
    assert found.leaderboard["rank"].tolist()[:3] == [1, 2, 3]
    assert found.winner == candidates[winner]


def test_a_candidate_that_failed_on_a_fold_has_no_rank_no_mean_and_its_reason() -> None:
    candidates = expand({"max_depth": [3, 6, 9]}, XGBOOST)
    scores = tidy(candidates, [on_all([0.1] * 3), on_all([1.0] * 3), on_all([0.5] * 3)])
    broken = (scores["candidate"] == candidates[0].id) & (scores["fold"] == "2")
    scores.loc[broken, ["value", "ok", "error"]] = [math.nan, False, "out of memory"]
    found = select(scores, candidates, XGBOOST)
    assert found.winner == candidates[2]
    board = found.leaderboard.set_index("candidate")
    failed = board.loc[candidates[0].id]
    assert pd.isna(failed["rank"]) and failed["error"] == "out of memory" and failed["n"] == 2
    assert all(math.isnan(failed[f"{metric}_mean"]) for metric in METRICS)
    assert [failed[f"{metric}_n"] for metric in METRICS] == [0, 0, 0]
    assert found.leaderboard["candidate"].tolist() == [
        candidates[2].id, candidates[1].id, candidates[0].id, BASELINE,
    ]  # fmt: skip


def test_where_none_could_be_fitted_the_first_reason_is_told() -> None:
    candidates = expand({"max_depth": [3, 6]}, XGBOOST)
    scores = tidy(candidates, [on_all([1.0] * 3)] * 2)
    fitted = scores["candidate"] != BASELINE
    scores.loc[fitted, ["value", "ok", "error"]] = [math.nan, False, "out of memory: had 1 GiB"]
    with pytest.raises(FanfoldError) as failed:
        select(scores, candidates, XGBOOST)
    assert str(failed.value) == (
        "none of the 2 candidates could be fitted; the first: out of memory: had 1 GiB"
    )


def test_where_the_metric_is_undefined_for_all_that_is_what_is_told() -> None:
    candidates = expand({"max_depth": [3, 6]}, XGBOOST)
    own = {"rmse": [1.0] * 3, "mae": [1.0] * 3, "rsq": [math.nan] * 3}
    scores = tidy(candidates, [own, own])
    with pytest.raises(FanfoldError, match="rsq is undefined .* choose another metric"):
        select(scores, candidates, XGBOOST, metric="rsq")
    assert select(scores, candidates, XGBOOST).winner == candidates[0]


def test_the_leaderboard_has_the_columns_of_the_contract_in_order() -> None:
    found = chosen_of({"max_depth": [3, 6], "subsample": [0.5]}, flat(1, 2))
    of_metrics = [f"{m}_{what}" for m in METRICS for what in ("mean", "std_err", "n")]
    assert list(found.leaderboard.columns) == [
        "rank", "candidate", "max_depth", "subsample", *of_metrics,
        "n", "columns", "fit_seconds", "cpu_seconds", "error", "same_as",
    ]  # fmt: skip


def test_seconds_are_added_up_over_folds_once_and_not_for_each_metric() -> None:
    row = chosen_of({"max_depth": [3]}, flat(1)).leaderboard.iloc[0]
    assert (row["fit_seconds"], row["cpu_seconds"], row["n"]) == (1.5, 0.75, 3)


def test_the_baseline_stands_last_without_rank_or_parameters() -> None:
    board = chosen_of({"max_depth": [3, 6]}, flat(3, 4)).leaderboard
    last = board.iloc[-1]
    assert last["candidate"] == BASELINE
    assert pd.isna(last["rank"]) and last["max_depth"] is None and last["error"] == ""
    assert (last["rmse_mean"], last["mae_mean"]) == (2.0, 1.5) and math.isnan(last["rsq_mean"])
    assert (last["fit_seconds"], last["rsq_n"], last["n"]) == (0.0, 0, 3)


def test_hyperparameters_keep_their_types_beside_the_baselines_blanks() -> None:
    board = chosen_of([{"max_depth": 6}, {"subsample": 0.5}], flat(1, 2)).leaderboard
    assert [repr(value) for value in board["max_depth"]] == ["6", "<NA>", "None"]
    assert [repr(value) for value in board["subsample"]] == ["<NA>", "0.5", "None"]


def test_the_winner_as_a_dict_is_what_best_json_holds() -> None:
    found = chosen_of({"max_depth": [3]}, [[0.9, 1.0, 1.1]])
    assert found.as_dict() == {
        "candidate": found.winner.id,
        "parameters": {"max_depth": 3},
        "metric": "rmse",
        "selection": "best",
        "mean": pytest.approx(1.0),
        "std_err": pytest.approx(np.std([0.9, 1.0, 1.1], ddof=1) / math.sqrt(3)),
        "beats_baseline": True,
        "verdict": "better",
        "sentence": found.comparison.sentence,
    }
