"""Splits: sizes, seeds, the user's own columns, and groups that never part."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, GroupShuffleSplit

from fanfold.errors import UserError
from fanfold.tables.split import Split, split_rows

seeds = st.integers(0, 2**31 - 1)
shares = st.floats(0.05, 0.8)
fold_counts = st.integers(2, 6)


def split(rows: int = 20, empty: Any = None, **how: Any) -> Split:
    defaults = {"test_fraction": 0.25, "folds": 3, "seed": 1}
    nothing = np.zeros(rows, dtype=bool)
    return split_rows(nothing if empty is None else np.array(empty), **{**defaults, **how})


def labels(values: Any) -> list[str]:
    return [str(value) for value in values]


@given(rows=st.integers(10, 300), share=shares, folds=fold_counts, seed=seeds, data=st.data())
def test_every_row_is_tested_or_in_a_fold_or_empty_and_fold_sizes_differ_by_at_most_one(
    rows: int, share: float, folds: int, seed: int, data: st.DataObject
) -> None:
    empty = np.array(data.draw(st.lists(st.sampled_from([True, *[False] * 4]), min_size=rows,
                                        max_size=rows)))  # fmt: skip
    test_rows = max(1, round(rows * share))
    assume(rows - test_rows - empty.sum() >= folds)
    found = split(rows, empty, test_fraction=share, folds=folds, seed=seed)
    assert found.test.sum() == test_rows
    assert ((found.fold == -1) == (found.test | empty)).all()
    sizes = np.bincount(found.fold[found.fold >= 0], minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    assert found.labels == tuple(labels(range(1, folds + 1)))
    assert found.fold.max() == folds - 1


@given(seed=seeds)
def test_the_same_seed_gives_the_same_split_and_leaves_numpys_own_stream_alone(seed: int) -> None:
    before = np.random.get_state()[1].tolist()
    one, two = split(200, seed=seed), split(200, seed=seed)
    assert (one.test == two.test).all() and (one.fold == two.fold).all()
    assert np.random.get_state()[1].tolist() == before


def test_another_seed_gives_another_split() -> None:
    assert len({split(200, seed=seed).test.tobytes() for seed in range(20)}) == 20
    assert len({split(200, seed=seed).fold.tobytes() for seed in range(20)}) == 20


def test_a_seeds_split_is_the_same_in_every_version() -> None:
    found = split(12, seed=2021)
    assert np.flatnonzero(found.test).tolist() == [2, 7, 8]
    assert found.fold.tolist() == [1, 2, -1, 0, 0, 1, 1, -1, -1, 0, 2, 2]


def test_rows_come_to_test_and_folds_by_chance_alone() -> None:
    tested, first = np.zeros(40), np.zeros(40)
    for seed in range(400):
        found = split(40, seed=seed)
        tested += found.test
        first += found.fold == 0
    # 400 draws of 1/4: a mean of 100, and a standard deviation below 9.
    assert abs(tested - 100).max() < 45
    assert abs(first - 100).max() < 45


def test_test_rows_round_to_whole_rows_and_are_never_none() -> None:
    assert split(100, test_fraction=0.001).test.sum() == 1
    assert split(100, test_fraction=0.256).test.sum() == 26
    assert split(10, test_fraction=0.25).test.sum() == 2  # half to even, as Python rounds


def test_empty_rows_may_be_test_rows_but_join_no_fold() -> None:
    empty = np.arange(100) % 2 == 0
    found = split(100, empty)
    assert (found.test & empty).any()
    assert (found.fold[empty] == -1).all()


@given(st.lists(st.sampled_from(["train", "train", "test"]), min_size=8, max_size=60), seeds)
def test_a_split_column_is_obeyed(column: list[str], seed: int) -> None:
    assume("test" in column and column.count("train") >= 3)
    found = split(len(column), split=column, seed=seed)
    assert labels(np.where(found.test, "test", "train")) == column
    sizes = np.bincount(found.fold[~found.test], minlength=3)
    assert sizes.max() - sizes.min() <= 1


@given(st.lists(st.sampled_from(["b", "a", "10", "9", "ä"]), min_size=12, max_size=60), seeds)
def test_a_fold_column_is_obeyed_on_training_rows_one_fold_a_label(
    column: list[str], seed: int
) -> None:
    test = split(len(column), seed=seed).test
    trained = [label for label, held_out in zip(column, test, strict=True) if not held_out]
    assume(len(set(trained)) >= 2)
    found = split(len(column), fold=column, seed=seed)
    assert set(found.labels) == set(trained)
    for row, label in enumerate(column):
        assert (found.fold[row] == -1) if test[row] else (found.labels[found.fold[row]] == label)


@pytest.mark.parametrize(
    ("given_labels", "in_order"),
    [
        (["10", "9", "1"], ("1", "9", "10")),
        (["b", "a", "c"], ("a", "b", "c")),
        (["fold10", "fold9"], ("fold10", "fold9")),
        (["b", "2", "a", "10"], ("2", "10", "a", "b")),
        (["1", "01", "0"], ("0", "01", "1")),
        (["-1", "0", "1.5"], ("0", "-1", "1.5")),
        (["é", "z", "Z"], ("Z", "z", "é")),
    ],
)
def test_labels_stand_in_order_whole_numbers_by_value(
    given_labels: list[str], in_order: tuple[str, ...]
) -> None:
    column = given_labels * 3
    where = ["train"] * len(column) + ["test"]
    assert split(len(where), split=where, fold=[*column, None]).labels == in_order


def test_labels_of_test_rows_and_of_empty_rows_are_not_looked_at() -> None:
    where = ["train"] * 5 + ["test"]
    empty = [False, False, False, False, True, False]
    found = split(6, empty, split=where, fold=["a", "b", "a", "b", None, "c"])
    assert found.labels == ("a", "b")
    assert found.fold.tolist() == [0, 1, 0, 1, -1, -1]


group_columns = st.lists(st.integers(0, 12), min_size=30, max_size=80).filter(
    lambda column: len(set(column)) >= 8
)


@settings(deadline=None)
@given(group_columns, st.floats(0.1, 0.5), st.integers(2, 3), seeds)
def test_rows_of_a_group_never_part(column: list[int], share: float, folds: int, seed: int) -> None:
    found = split(len(column), group=labels(column), test_fraction=share, folds=folds, seed=seed)
    for group in set(column):
        rows = np.array(column) == group
        assert len(set(found.test[rows])) == 1
        assert len(set(found.fold[rows])) == 1
    assert set(found.fold[~found.test]) == set(range(folds))


@settings(deadline=None)
@given(group_columns.map(sorted), st.floats(0.1, 0.5), st.integers(2, 3), seeds)
def test_group_splits_are_scikit_learns(
    column: list[int], share: float, folds: int, seed: int
) -> None:
    random, rows = np.random.RandomState(seed), np.arange(len(column))
    train, test = next(
        GroupShuffleSplit(n_splits=1, test_size=share, random_state=random).split(
            rows, groups=column
        )
    )
    splitter = GroupKFold(n_splits=folds, shuffle=True, random_state=random)
    truth = np.full(len(column), -1)
    groups = np.array(column)[train]
    for number, (_, held_out) in enumerate(splitter.split(train, groups=groups)):
        truth[train[held_out]] = number
    found = split(len(column), group=labels(column), test_fraction=share, folds=folds, seed=seed)
    assert np.flatnonzero(found.test).tolist() == test.tolist()
    assert found.fold.tolist() == truth.tolist()


def test_a_groups_name_and_place_in_the_alphabet_change_nothing() -> None:
    column = np.random.RandomState(0).randint(0, 10, 60)
    one = split(60, group=labels(column))
    two = split(60, group=[f"group {999 - each}" for each in column])
    assert (one.test == two.test).all() and (one.fold == two.fold).all()


@pytest.mark.parametrize("missing", [None, ""])
def test_a_row_without_a_group_is_a_group_of_its_own(missing: str | None) -> None:
    column = [missing if row % 4 else str(row % 8) for row in range(60)]
    named = [label or f"alone{row}" for row, label in enumerate(column)]
    one, two = split(60, group=column), split(60, group=named)
    assert (one.test == two.test).all() and (one.fold == two.fold).all()


def test_rows_without_a_group_may_lie_on_both_sides_of_given_splits() -> None:
    found = split(8, split=["train", "test"] * 4, group=["a", None, "b", None, None, "", None, ""])
    assert found.test.tolist() == [False, True] * 4


def test_groups_that_lie_whole_in_given_splits_and_folds_pass() -> None:
    where = ["train"] * 6 + ["test"] * 2
    fold = ["1", "1", "2", "2", "1", "2", None, None]
    group = ["a", "a", "b", "b", "a", "c", "d", "d"]
    found = split(8, split=where, fold=fold, group=group)
    assert Counter(found.fold.tolist()) == {0: 3, 1: 3, -1: 2}


TRAIN_TEST = ["train", "test"]
REFUSED = [
    ({"rows": 0}, "0 rows gave 0 test rows"),
    ({"rows": 1}, "1 rows gave 0 test rows"),
    ({"rows": 2, "test_fraction": 0.9}, "2 rows gave 2 test rows"),
    ({"rows": 4, "test_fraction": 0.5}, "2 training rows with text cannot make 3 folds"),
    ({"rows": 9, "empty": [True] * 9}, "0 training rows with text cannot make 3 folds"),
    ({"rows": 3, "split": ["train", "Test", "test"]}, "split_column holds 'Test' (good row 2)"),
    ({"rows": 2, "split": ["train", None]}, "split_column holds None (good row 2)"),
    ({"rows": 3, "split": ["train"] * 3}, "3 rows gave 0 test rows"),
    ({"rows": 3, "split": ["test"] * 3}, "3 rows gave 3 test rows"),
    (
        {"rows": 4, "split": ["train", "train", "test", "train"], "fold": ["a", "", "b", None]},
        "fold_column is empty in 2 training rows (the first is good row 2)",
    ),
    (
        {"rows": 1002, "split": ["train"] * 1001 + ["test"], "fold": list(map(str, range(1002)))},
        "fold_column has 1,001 labels among the training rows, and at most 1,000 folds are allowed",
    ),
    (
        {"rows": 3, "split": ["train", "train", "test"], "fold": ["a", "a", "b"]},
        "fold_column has 1 label(s) among the training rows (a): at least two are needed",
    ),
    ({"rows": 9, "group": ["g"] * 9}, "group_column holds one value only"),
    (
        {"rows": 9, "group": list("aabbccdde"), "test_fraction": 0.5},
        "2 groups among the training rows cannot make 3 folds",
    ),
    (
        {"rows": 4, "group": list("aabb"), "test_fraction": 0.9},
        "test_fraction=0.9 of 2 groups leaves none to train on",
    ),
    (
        {"rows": 8, "split": TRAIN_TEST * 4, "group": list("aabcdefg")},
        "the group 'a' of group_column lies on two sides of split_column or fold_column",
    ),
    (
        {"rows": 8, "split": ["train"] * 7 + ["test"], "fold": [*list("xyxyxyx"), None],
         "group": list("abbcdefg")},
        "the group 'b' of group_column lies on two sides",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("how", "message"), REFUSED)
def test_what_cannot_be_split_is_refused_and_told_why(how: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as refused:
        split(**how)
    assert message in str(refused.value)
