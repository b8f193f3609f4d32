"""What may surprise in a table that can be read: a sentence each, for log, report and terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from fanfold.arrays import Floats
from fanfold.errors import listed
from fanfold.features.first_pass import Columns, FirstPass
from fanfold.settings.search import Settings
from fanfold.tables.split import Labels, Split
from fanfold.tables.target import Target, quoted

SKEWED = 3.0
"""A skewness above which a logarithm is worth a try; that of an exponential distribution is 2."""

UNLIKE = 1.5
"""How many times larger than asked a share of the rows may be, when groups stay whole."""

SHOWN_COLUMNS = 10


def surprises(found: FirstPass, split: Split, settings: Settings) -> list[str]:
    """The sentences that are true of this table, this target and this split."""
    used = split.fold >= 0
    return [
        *_on_text(found),
        *_on_target(np.concatenate(found.target)[used], found.columns.target),
        *_on_groups(split, found.labels, settings),
    ]


def unused(columns: Columns) -> list[str]:
    """A sentence on the columns that the search does not read, if there are any."""
    names = [name for name in columns.names if name not in columns.needed]
    if not names:
        return []
    what = "column is" if len(names) == 1 else "columns are"
    return [f"{len(names)} {what} not used: {listed(names, SHOWN_COLUMNS)}"]


def _on_text(found: FirstPass) -> Iterator[str]:
    text = found.columns.text
    if text in found.columns.target.columns:
        yield (
            f"the text column {text!r} is also what the target is made of, so the scores say"
            " nothing about text: name another text_column or another target"
        )
    if found.only_numbers:
        yield (
            f"the text column {text!r} holds numbers only, and each is a word without a size: name"
            " a column of text as text_column"
        )


def _on_target(values: Floats, target: Target) -> Iterator[str]:
    low, high = values.min(), values.max()
    if low == high:
        yield (
            f"the target is {low:g} in all {len(values):,} training rows, so there is nothing to"
            " learn: name another target"
        )
    elif low >= 0 and not {np.log, np.log1p, np.sqrt} & set(target.steps):
        skewness = _skewness(values / high)
        if skewness > SKEWED and len(np.unique(values)) > 2:
            inner = quoted(target.expression) if len(target.steps) == 1 else target.expression
            yield (
                f"a few large values decide the error, since the target is skewed (skewness"
                f" {skewness:.1f}): try the target 'log1p({inner.strip()})'"
            )


def _skewness(values: Floats) -> float:
    """The third standardized moment, as `scipy.stats.skew` has it."""
    away = values - values.mean()
    return float((away**3).mean() / (away**2).mean() ** 1.5)


def _on_groups(split: Split, labels: Mapping[str, Labels], settings: Settings) -> Iterator[str]:
    if "group" not in labels:
        return
    missing = sum(label in (None, "") for label in labels["group"])
    if missing:
        yield (
            f"{missing:,} of {len(labels['group']):,} rows have no value in group_column"
            f" {settings.group_column!r}: each of them is a group of its own"
        )
    tested, asked = float(split.test.mean()), settings.test_fraction
    if "split" not in labels and (
        _unlike(tested, asked) or _unlike(asked, tested) or _unlike(1 - asked, 1 - tested)
    ):
        yield (
            f"{tested:.2f} of the rows are test rows, where test_fraction asks for {asked:g}: the"
            f" groups of {settings.group_column!r}, which stay whole, differ in size"
        )
    sizes = np.bincount(split.fold[split.fold >= 0], minlength=len(split.labels))
    largest = float(sizes.max() / sizes.sum())
    if "fold" not in labels and _unlike(largest, 1 / len(sizes)):
        yield (
            f"{largest:.2f} of the training rows are in the largest of {len(sizes)} folds: the"
            f" groups of {settings.group_column!r}, which stay whole, differ in size"
        )


def _unlike(share: float, asked: float) -> bool:
    return share > UNLIKE * asked
