"""What a search hands to the report, made up but lifelike: the sizes of Debian packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fanfold.estimators.base import get_estimator
from fanfold.report import ReportData
from fanfold.search.baseline import BASELINE
from fanfold.search.grid import Candidate, expand
from fanfold.search.selection import select
from fanfold.settings.search import Settings

SEED_GRID = {
    "colsample_bynode": [0.5, 1.0],
    "n_estimators": [300, 500],
    "max_depth": [6, 12],
    "subsample": [0.8, 1.0],
}
WIDE_GRID = {
    "text__max_tokens": [100, 300, 1000, 3000],
    "text__weighting": ["tfidf", "count"],
    "max_depth": [4, 6, 8, 10, 12],
    "learning_rate": [0.03, 0.1, 0.3],
    "subsample": [0.8, 1.0],
    "n_estimators": [100, 200, 300, 500, 800],
}
FOREST_GRID = {
    "max_features": [None, "sqrt", 0.5],
    "max_depth": [None, 8, 16],
    "bootstrap": [True, False],
}
_WEIGHTS = (0.06, 0.05, 0.04, 0.03, 0.02, 0.02)  # how far each parameter moves the rmse
FOREST = "sklearn.ensemble.RandomForestRegressor"
FIVE = ("1", "2", "3", "4", "5")
TOKENS = (
    "library files package documentation debian data development support contains module"
    " python transitional dummy games fonts linux kernel debugging symbols firmware"
    " translation language static headers perl theme java bindings 64-bit qt"
).split()


def _rmse_and_seconds(
    parameters: Mapping[str, Any], grid: Mapping[str, Any]
) -> tuple[float, float]:
    """A smooth dependence on each parameter's place among its values."""
    rmse, seconds = 1.16, 4.0
    for weight, (name, values) in zip(_WEIGHTS, grid.items(), strict=False):
        place = values.index(parameters[name]) / max(1, len(values) - 1)
        rmse += weight * (1 - place) ** 2 + (0.025 * place if name == "learning_rate" else 0)
        if name not in ("subsample", "learning_rate", "bootstrap"):
            seconds *= 1 + 1.6 * place
    return rmse, seconds


def _fold_scores(
    candidate: str,
    metrics: Mapping[str, float],
    *,
    fold: str,
    error: str = "",
    seconds: float = 0.0,
    peak_memory_bytes: int = 0,
) -> list[dict[str, Any]]:
    """The tidy rows of one candidate on one fold."""
    return [
        {
            "candidate": candidate,
            "fold": fold,
            "metric": metric,
            "value": np.nan if error else value,
            "fit_seconds": seconds,
            "cpu_seconds": 1.87 * seconds,
            "peak_memory_bytes": peak_memory_bytes,
            "columns": 0 if candidate == "baseline" else 100,
            "ok": not error,
            "error": error,
        }
        for metric, value in metrics.items()
    ]


def _scores(
    candidates: Sequence[Candidate],
    grid: Mapping[str, Any],
    folds: Sequence[str],
    failed: Mapping[int, str],
    undefined: Sequence[tuple[int, str]],
    baseline: float,
) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    hardness = dict(zip(folds, rng.normal(0, 0.014, len(folds)), strict=True))
    rows: list[dict[str, Any]] = []
    for number, candidate in enumerate(candidates):
        typical, seconds = _rmse_and_seconds(candidate.parameters, grid)
        for fold in folds:
            rmse = typical + hardness[fold] + rng.normal(0, 0.004)
            lost = (number, fold) in undefined
            rows += _fold_scores(
                candidate.id,
                {
                    "rmse": np.nan if lost else rmse,
                    "mae": rmse * 0.752 + rng.normal(0, 0.003),
                    "rsq": 1 - (rmse / 1.478) ** 2,
                },
                fold=fold,
                error=failed.get(number, ""),
                seconds=seconds * rng.uniform(0.93, 1.1),
                peak_memory_bytes=402_653_184 + 1_048_576 * number,
            )
    for fold in folds:
        rmse = baseline + 0.8 * hardness[fold]
        rows += _fold_scores(
            BASELINE, {"rmse": rmse, "mae": 0.778 * rmse, "rsq": np.nan}, fold=fold
        )
    return pd.DataFrame(rows)


def _summary(settings: Settings) -> dict[str, Any]:
    return {
        "rows_read": 68_411,
        "rows_train": 54_716,
        "rows_test": 13_681,
        "rows_empty": 3,
        "rows_rejected": 11,
        "corpus_digest": "9f2c4e1ab07d5563c8e0f1b2a49d77e6135f0c8872dbe4419a06cc21d37f58ea",
        "baseline": {"rmse": 1.4731, "mae": 1.1462, "rsq": None},
        "folds_computed": 80,
        "folds_remembered": 0,
        "seconds": 1163.4,
        "cpu_seconds": 2241.9,
        "peak_memory_bytes": 612_368_384,
        "settings": settings.as_dict(),
        "versions": {
            "fanfold": "0.1.0",
            "python": "3.11.7",
            "numpy": "2.4.6",
            "polars": "1.44.0",
            "xgboost": "3.3.1",
        },
        "data": {
            "uri": "gs://packages-bookworm/tables/debian-packages.csv.gz",
            "size": 9_231_004,
            "version": "1763911204551083",
        },
        "started": "2026-03-04T09:12:44Z",
        "git": "4f1c2d9e07b6a35588d1c0e2f9b7a6431c5d8e90",
        "tokens": 1_918_442,
        "vocabulary": 41_387,
        "first_rejects": [
            {
                "line": 1_207,
                "reason": "expected 4 fields but found 6",
                "text": 'libfoo-dev,412,"headers, and" more,<b>bold</b>,x',
            },
            {
                "line": 20_518,
                "reason": "target is not a finite number: log1p(installed_kib) of 'n/a'",
                "text": "fonts-bar,n/a," + "a family of open fonts for screens and paper " * 12,
            },
            {"line": 31_002, "reason": "bytes that are not UTF-8", "text": "caf\udce9-data\x00,12"},
        ],
    }


def report_data(
    grid: Mapping[str, Sequence[Any]] = SEED_GRID,
    *,
    limit: int | None = None,
    folds: Sequence[str] = FIVE,
    failed: Mapping[int, str] | None = None,
    undefined: Sequence[tuple[int, str]] = (),
    metric: str = "rmse",
    selection: str = "best",
    estimator: str = "xgboost",
    baseline: float = 1.4731,
    tokens: Sequence[str] = TOKENS,
    tested: bool = True,
) -> ReportData:
    """A finished search over a grid, chosen from by fanfold itself.

    `limit` keeps the grid's first candidates, `failed` gives some an error by their number,
    `undefined` names candidates and folds without an rmse, `tested` is false before train_final.
    """
    kind = get_estimator(estimator)
    candidates = expand(dict(grid), kind)[:limit]
    scores = _scores(candidates, grid, folds, failed or {}, undefined, baseline)
    chosen = select(scores, candidates, kind, metric=metric, selection=selection)
    share = 0.16 * 0.88 ** np.arange(len(tokens))
    settings = Settings(
        data="debian-packages.csv.gz",
        text_column="description",
        target="log1p(installed_kib)",
        metric=metric,
        selection=selection,
        estimator=estimator,
    )
    return ReportData(
        leaderboard=chosen.leaderboard,
        scores=scores,
        best=chosen.as_dict(),
        summary=_summary(settings),
        metric=metric,
        metrics={"rmse": 1.1712, "mae": 0.8807, "rsq": 0.3724} if tested else None,
        importances=list(zip(tokens, share.tolist(), strict=True)) or None,
        target="log1p(installed_kib)",
        text_column="description",
        parameters=list(grid),
    )
