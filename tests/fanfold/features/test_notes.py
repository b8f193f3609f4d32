"""What may surprise is said in a sentence, in the log and the summary, and only where it is so."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import skew

from fanfold.features.notes import _skewness
from tests.fanfold.preprocessed import ROWS, run, write_csv


def notes(folder: Path, rows: list[dict[str, Any]], **how: Any) -> list[str]:
    return list(run(write_csv(folder / "data.csv", rows), **how)["notes"])


def with_columns(**columns: Any) -> list[dict[str, Any]]:
    """The plain rows, with columns that are functions of the row's number."""
    return [{**row, **{name: make(row["id"]) for name, make in columns.items()}} for row in ROWS]


def test_of_a_plain_table_only_the_columns_that_are_not_used_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "fanfold"):
        assert notes(tmp_path, ROWS) == ["1 column is not used: 'id'"]
    levels = {r.levelname for r in caplog.records if "not used" in r.getMessage()}
    assert levels == {"INFO"} and "WARNING" not in {r.levelname for r in caplog.records}
    plain = [{"text": row["text"], "y": row["y"]} for row in ROWS]
    assert notes(tmp_path, plain) == []
    wide = with_columns(**{f"c{number}": str for number in range(40)})
    (said,) = notes(tmp_path, wide)
    assert said.startswith("41 columns are not used: 'id', 'c0'") and said.endswith("and 31 more")


SURPRISES = [
    ({"y": lambda n: 7}, {}, "the target is 7 in all 40 training rows"),
    ({"text": lambda n: n / 4}, {}, "the text column 'text' holds numbers only"),
    ({"text": lambda n: n}, {"target": "y + text"}, "'text' is also what the target is made of"),
    ({"y": lambda n: 1e6 if n % 20 == 3 else n}, {}, "try the target 'log1p(y)'"),
    (
        {"votes total": lambda n: 1e6 if n % 20 == 3 else n},
        {"target": "votes total"},
        "try the target 'log1p(`votes total`)'",
    ),
    (
        {"z": lambda n: 1e6 if n % 20 == 3 else n},
        {"target": "z + 1"},
        "try the target 'log1p(z + 1)'",
    ),
    (
        {"who": lambda n: "" if n % 2 else n % 10},
        {"group_column": "who"},
        "25 of 50 rows have no value in group_column 'who': each of them is a group of its own",
    ),
    (
        {"who": lambda n: "all" if n < 40 else n},
        {"group_column": "who", "folds": 4, "seed": 3},
        "where test_fraction asks for 0.2: the groups of 'who'",
    ),
    (
        {"who": lambda n: "all" if n < 30 else n},
        {"group_column": "who", "folds": 4},
        "of the training rows are in the largest of 4 folds: the groups of 'who'",
    ),
]


@pytest.mark.parametrize(("columns", "how", "part"), SURPRISES, ids=range(len(SURPRISES)))
def test_a_surprise_is_said_in_the_summary_and_once_in_the_log(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    columns: dict[str, Any],
    how: dict[str, Any],
    part: str,
) -> None:
    with caplog.at_level(logging.WARNING, "fanfold"):
        found = notes(tmp_path, with_columns(**columns), **how)
    assert sum(part in note for note in found) == 1, found
    assert sum(part in record.getMessage() for record in caplog.records) == 1


NO_SURPRISES = [
    ({"y": lambda n: 1e6 if n % 20 == 3 else n}, {"target": "log1p(y)"}),  # a logarithm already
    ({"y": lambda n: -1e6 if n % 20 == 3 else n}, {}),  # log1p is undefined
    ({"y": lambda n: int(n % 20 == 3)}, {}),  # two classes
    ({"text": lambda n: n if n < 49 else "word"}, {}),
    ({"who": lambda n: n % 10}, {"group_column": "who"}),
]


@pytest.mark.parametrize(("columns", "how"), NO_SURPRISES, ids=range(len(NO_SURPRISES)))
def test_where_nothing_surprises_nothing_is_said(
    tmp_path: Path, columns: dict[str, Any], how: dict[str, Any]
) -> None:
    found = notes(tmp_path, with_columns(**columns), **how)
    assert [note for note in found if "not used" not in note] == []


def test_the_shares_of_a_split_by_groups_are_told_as_they_are(tmp_path: Path) -> None:
    rows = with_columns(who=lambda n: "all" if n < 40 else n)
    summary = run(write_csv(tmp_path / "data.csv", rows), group_column="who", folds=4, seed=3)
    share = summary["rows_test"] / summary["rows_read"]
    assert share in (0.04, 0.06, 0.84, 0.86)  # two or three groups of one row, or the large one
    assert any(
        note.startswith(f"{share:.2f} of the rows are test rows") for note in summary["notes"]
    )


def test_the_skewness_is_scipys() -> None:
    values = np.random.RandomState(0).exponential(size=1000)
    assert _skewness(values) == pytest.approx(float(skew(values)), rel=1e-12)
