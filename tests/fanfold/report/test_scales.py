from __future__ import annotations

from fanfold.report.records import fold_names
from fanfold.report.scales import Axis, nice_numbers, score_range


def test_a_diverged_candidate_does_not_flatten_the_others() -> None:
    near = [1.20, 1.21, 1.22, 1.24, 1.25]
    found = score_range([*near, 9e5], "rmse")
    assert (found.low, found.high) == (1.20, 1.25)
    assert found.goodness(9e5) == 0
    assert score_range([*near[:3], 9e5], "rmse").high == 1.22, "also one of four"
    assert score_range([*near, *near, 8e5, 9e5, 9e5, 9e5], "rmse").high == 1.25
    assert score_range([1.0, 1.001, 1.002, 1.1, 1.2], "rmse").high == 1.2
    assert score_range([-9e5, 0.1, 0.2, 0.3, 0.4, 0.5], "rsq").low == 0.1


def test_fold_labels_are_in_order_of_their_numbers() -> None:
    assert fold_names(["10", "2", "1"]) == ["1", "2", "10"]
    assert fold_names(["b", "3", "a"]) == ["3", "a", "b"]


def test_ticks_are_round_numbers_inside_the_interval() -> None:
    assert nice_numbers(1.163, 1.337) == [1.2, 1.25, 1.3]
    assert nice_numbers(0, 10) == [0, 2, 4, 6, 8, 10]


def test_a_value_lies_in_the_middle_of_its_level_or_at_its_place_among_numbers() -> None:
    assert Axis("a", "p0", levels=(None, 0.5, "sqrt", "log2")).share(0.5) == 0.375
    assert Axis("a", "p0", low=10, high=30).share(15) == 0.25
    assert Axis("a", "p0", low=0.001, high=10, log=True).share(0.1) == 0.5


def test_a_long_name_is_broken_where_its_words_are() -> None:
    assert Axis("text__max_tokens", "p0").title == "text__\nmax_tokens"
    assert Axis("colsample_bynode", "p0").title == "colsample_\nbynode"
    assert Axis("max_depth", "p0").title == "max_depth"
