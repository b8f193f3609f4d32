"""A search whose fits are counted, with a ledger: shared by the tests of the ledger."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fanfold.estimators.xgboost import XGBoost
from fanfold.features.corpus import Corpus, load_corpus
from fanfold.features.preprocess import build_corpus
from fanfold.features.text import TextSettings
from fanfold.ledger import remembering
from fanfold.search.cross_validation import score_units
from fanfold.search.fold_scores import FoldScore
from fanfold.search.grid import expand
from fanfold.search.plan import PLAN_SETTINGS, Plan
from fanfold.settings.search import Settings

GRID = {"max_depth": [2, 3], "n_estimators": [3, 5]}
FOLDS = 3


@dataclass
class CountingXGBoost(XGBoost):
    """xgboost that notes what it fits."""

    fitted: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fit(self, data: Any, parameters: Mapping[str, Any], seed: int, threads: int) -> Any:
        with self.lock:
            self.fitted.append(dict(parameters))
        return super().fit(data, parameters, seed, threads)


class FailingXGBoost(CountingXGBoost):
    """Cannot fit depth 3."""

    def fit(self, data: Any, parameters: Any, seed: int, threads: int) -> Any:
        if parameters["max_depth"] == 3:
            raise ValueError("too deep")
        return super().fit(data, parameters, seed, threads)


@dataclass(frozen=True)
class Searched:
    """The rows of a search, and the parameters of each fit that it took."""

    rows: list[FoldScore]
    fits: list[dict[str, Any]]

    @property
    def values(self) -> dict[tuple[str, str, str], float]:
        """(candidate, fold, metric) -> value."""
        return {(row.candidate, row.fold, row.metric): row.value for row in self.rows}

    @property
    def remembered(self) -> int:
        """Candidates x folds that the ledger knew."""
        return len({(row.candidate, row.fold) for row in self.rows if row.remembered})


def make_corpus(folder: Path, **settings: Any) -> Corpus:
    """The corpus of 300 generated rows."""
    folder.mkdir(exist_ok=True)
    build_corpus(
        Settings(data="sample:300", folds=FOLDS, **settings),
        corpus=folder / "corpus",
        test=folder / "test.parquet",
        rejects=folder / "rejects.csv",
    )
    return load_corpus(folder / "corpus")


def make_search(ledger: str | Path, grid: Any = GRID, estimator: Any = None, **how: Any) -> Plan:
    """The search of `grid`, as `expand_grid` hands it on."""
    settings = Settings(ledger=str(ledger), **how)
    kept = {name: getattr(settings, name) for name in PLAN_SETTINGS}
    estimator = estimator or CountingXGBoost()
    text = {name: getattr(settings, name) for name in TextSettings.names()}
    return Plan(estimator, expand(grid, estimator, text), kept)


def run(corpus: Corpus, ledger: str | Path, grid: Any = GRID, **how: Any) -> Searched:
    """Cross-validate `grid` on `corpus`, as the step does."""
    search = make_search(ledger, grid, **how)
    units = search.units()
    with remembering(search, corpus, units) as (known, remember):
        rows = score_units(
            corpus,
            units,
            search.estimator,
            seed=corpus.settings["seed"],
            known=known,
            on_scores=remember,
        )
    return Searched(rows, getattr(search.estimator, "fitted", []))


def records(ledger: Path) -> dict[str, bytes]:
    """Key -> content of every record of a fold."""
    return {
        str(path.relative_to(ledger)): path.read_bytes()
        for path in sorted((ledger / "folds").rglob("*.json"))
    }


def set_aside(ledger: Path) -> Sequence[bytes]:
    """The contents of what was set aside."""
    return [path.read_bytes() for path in sorted((ledger / "set-aside").rglob("*.json"))]
