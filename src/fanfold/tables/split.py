"""Which rows train, which test, and the fold of each training row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fanfold.arrays import Mask
from fanfold.errors import UserError
from fanfold.settings.search import MAX_FOLDS

Folds = npt.NDArray[np.int32]
Labels = Sequence[str | None]


@dataclass(frozen=True)
class Split:
    """Where each row of a table goes.

    Attributes:
        test: which rows are held out, one boolean a row.
        fold: the fold of each row as an index into `labels`; -1 for rows that no fit sees
            (test rows, and training rows without text).
        labels: the folds' names, in order.
    """

    test: Mask
    fold: Folds
    labels: tuple[str, ...]


def split_rows(
    empty: Mask,
    *,
    test_fraction: float,
    folds: int,
    seed: int,
    split: Labels | None = None,
    fold: Labels | None = None,
    group: Labels | None = None,
) -> Split:
    """Split rows into train and test, and the training rows with text into folds.

    Random choices come from `numpy.random.RandomState(seed)`, whose stream numpy has frozen.

    Args:
        empty: rows without text; they may be test rows but join no fold.
        test_fraction: share of rows (with `group`, of groups) to hold out, at least one.
        folds: number of folds; their sizes (with `group`, in groups) differ by at most one.
        seed: of every random choice.
        split: for each row `train` or `test`, in place of the random split.
        fold: a label for each training row, one fold a label, in place of random folds.
        group: rows of equal value stay on one side of every split; a row whose value is missing
            or empty is a group of its own.

    Raises:
        UserError: too few rows or groups, a label that is not allowed, or a group that the
            given split or folds would part.
    """
    random = np.random.RandomState(seed)
    test = _test_rows(len(empty), test_fraction, random, split, group)
    used = ~test & ~empty
    if fold is not None:
        index, labels = _given_folds(fold, used)
    else:
        index, labels = _random_folds(used, folds, random, group), _numbered(folds)
    if group is not None and (split is not None or fold is not None):
        _check_groups_stay_whole(group, np.where(used, index, np.where(test, -2, -1)))
    return Split(test, index, labels)


def _numbered(folds: int) -> tuple[str, ...]:
    return tuple(str(number + 1) for number in range(folds))


def _test_rows(
    rows: int,
    test_fraction: float,
    random: np.random.RandomState,
    split: Labels | None,
    group: Labels | None,
) -> Mask:
    if split is not None:
        for row, label in enumerate(split):
            if label not in ("train", "test"):
                raise UserError(
                    f"split_column holds {label!r} (good row {row + 1}):"
                    " every row needs 'train' or 'test'"
                )
        test = np.array([label == "test" for label in split], dtype=bool)
    else:
        test = np.zeros(rows, dtype=bool)
        if rows >= 2:
            test[_drawn(rows, test_fraction, random, group)] = True
    if not 0 < test.sum() < rows:
        raise UserError(
            f"{rows} rows gave {int(test.sum())} test rows, and both train and test need some:"
            " give more rows, another test_fraction or another split_column"
        )
    return test


def _drawn(
    rows: int, test_fraction: float, random: np.random.RandomState, group: Labels | None
) -> npt.NDArray[np.intp]:
    if group is None:
        return random.permutation(rows)[: max(1, round(rows * test_fraction))]
    from sklearn.model_selection import GroupShuffleSplit

    codes = _codes(group)
    if codes.max() < 1:
        raise UserError("group_column holds one value only: at least two groups are needed")
    splitter = GroupShuffleSplit(n_splits=1, test_size=test_fraction, random_state=random)
    try:
        return np.asarray(next(splitter.split(codes, groups=codes))[1])
    except ValueError:  # scikit-learn rounds the number of test groups up
        raise UserError(
            f"test_fraction={test_fraction} of {codes.max() + 1} groups leaves none to train on:"
            " lower it"
        ) from None


def _given_folds(fold: Labels, used: Mask) -> tuple[Folds, tuple[str, ...]]:
    rows = np.flatnonzero(used).tolist()
    missing = [row for row in rows if fold[row] in (None, "")]
    if missing:
        raise UserError(
            f"fold_column is empty in {len(missing)} training rows (the first is good row"
            f" {missing[0] + 1}): every training row needs a label"
        )
    labels = tuple(sorted({str(fold[row]) for row in rows}, key=_sort_key))
    if len(labels) < 2:
        raise UserError(
            f"fold_column has {len(labels)} label(s) among the training rows ({', '.join(labels)}):"
            " at least two are needed"
        )
    if len(labels) > MAX_FOLDS:
        raise UserError(
            f"fold_column has {len(labels):,} labels among the training rows, and at most"
            f" {MAX_FOLDS:,} folds are allowed: name a column of fewer values"
        )
    number = {label: position for position, label in enumerate(labels)}
    index = np.full(len(used), -1, dtype=np.int32)
    index[used] = [number[str(fold[row])] for row in rows]
    return index, labels


def _sort_key(label: str) -> tuple[int, int, str]:
    """Whole numbers by value and before words, words by code point."""
    return (0, int(label), label) if label.isascii() and label.isdigit() else (1, 0, label)


def _random_folds(
    used: Mask, folds: int, random: np.random.RandomState, group: Labels | None
) -> Folds:
    rows = np.flatnonzero(used)
    index = np.full(len(used), -1, dtype=np.int32)
    if group is None:
        if len(rows) < folds:
            raise UserError(
                f"{len(rows)} training rows with text cannot make {folds} folds:"
                " set folds to less, or give more rows"
            )
        index[random.permutation(rows)] = np.arange(len(rows)) % folds
        return index
    from sklearn.model_selection import GroupKFold

    codes = _codes([group[row] for row in rows.tolist()])
    if codes.max(initial=-1) + 1 < folds:
        raise UserError(
            f"{codes.max(initial=-1) + 1} groups among the training rows cannot make {folds} folds:"
            " set folds to less, or group_column to a column of more values"
        )
    splitter = GroupKFold(n_splits=folds, shuffle=True, random_state=random)
    for number, (_, held_out) in enumerate(splitter.split(codes, groups=codes)):
        index[rows[held_out]] = number
    return index


def _codes(labels: Labels) -> npt.NDArray[np.intp]:
    """Each label as a number, in order of first appearance; each missing one has its own."""
    seen: dict[str | int, int] = {}
    keys = [label or row for row, label in enumerate(labels)]
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.intp)


def _check_groups_stay_whole(group: Labels, place: npt.NDArray[Any]) -> None:
    first: dict[str, int] = {}
    for label, where in zip(group, place.tolist(), strict=True):
        if label and where != -1 and first.setdefault(label, where) != where:
            raise UserError(
                f"the group {label!r} of group_column lies on two sides of split_column or"
                " fold_column: mend the column, or leave group_column out"
            )
