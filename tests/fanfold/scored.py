"""Rows whose split is known, and what scoring makes of them: shared by the tests of scoring."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fanfold.estimators.base import Estimator, get_estimator
from fanfold.features.corpus import Corpus, load_corpus
from fanfold.features.preprocess import build_corpus
from fanfold.search.cross_validation import score_units
from fanfold.search.fold_scores import FoldScore
from fanfold.search.grid import Candidate, expand, make_units
from fanfold.settings.search import Settings
from fanfold.tables.sample import csv_stream

ROWS = 600
FOLDS = ("early", "late", "middle")
SEED = 7
NEAR = 1e-6
"""How near a score must be to that of a slow loop; seen are differences of 1e-15.

Cells differ in their 15th digit, which float32, as which xgboost reads them, does not show: trees
are the same, and only the metrics' sums are rounded otherwise. A cell that rounds to another
float32 moves by 1e-7 of itself.
"""


@dataclass(frozen=True)
class Table:
    """The training rows of a table, read by hand, and the corpus that fanfold makes of it."""

    texts: list[str]
    target: np.ndarray
    folds: list[str]
    corpus: Corpus


def make_table(folder: Path) -> Table:
    """Generated rows, split by columns of their own, so that the slow loop knows who is who."""
    with csv_stream(ROWS) as stream:
        rows = list(csv.DictReader(io.TextIOWrapper(stream, "utf-8", newline="")))
    for number, row in enumerate(rows):
        row["split"] = "test" if number % 5 == 0 else "train"
        row["fold"] = FOLDS[number * number % 7 % 3]
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    settings = Settings(data=str(folder / "rows.csv"), split_column="split", fold_column="fold")
    build_corpus(
        settings,
        corpus=folder / "corpus",
        test=folder / "test.parquet",
        rejects=folder / "rejects.csv",
    )
    train = [row for row in rows if row["split"] == "train" and row["definition"]]
    votes = [int(row["up_votes"]) + int(row["down_votes"]) for row in train]
    return Table(
        [row["definition"] for row in train],
        np.array([math.log1p(each) for each in votes]),
        [row["fold"] for row in train],
        load_corpus(folder / "corpus"),
    )


def score(
    corpus: Corpus,
    grid: Any,
    estimator: Estimator | None = None,
    *,
    share_fits: bool = True,
    cpus: int | None = None,
) -> tuple[list[Candidate], list[FoldScore]]:
    estimator = estimator or get_estimator("xgboost")
    candidates = expand(grid, estimator)
    units = make_units(candidates, estimator, share_fits=share_fits)
    return candidates, score_units(corpus, units, estimator, seed=SEED, cpus=cpus)


def values(rows: Sequence[FoldScore]) -> dict[tuple[str, str, str], float]:
    """(candidate, fold, metric) -> value, of rows that all went well."""
    assert [row for row in rows if not row.ok or row.error] == []
    found = {(row.candidate, row.fold, row.metric): row.value for row in rows}
    assert len(found) == len(rows)
    return found
