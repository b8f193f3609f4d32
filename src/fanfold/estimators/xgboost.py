"""xgboost's gradient-boosted trees: histograms, CSR in and CSR at prediction.

An absent cell means missing in both, so a sparse and a dense matrix must never be mixed.
Scores are bit for bit the same whatever the number of threads, and the first n rounds of a
longer fit are the fit of n rounds; tests hold both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix

from fanfold.arrays import Floats, Ints
from fanfold.estimators.alike_rows import alike_order, distinct_rows
from fanfold.estimators.hyperparameters import check_names
from fanfold.estimators.xgboost_library import load_xgboost
from fanfold.estimators.xgboost_parameters import (
    DEFAULT_BINS,
    DEFAULT_DEPTH,
    DEFAULT_ROUNDS,
    DEFAULTS,
    PARAMETERS,
    ROUNDS,
    TARGET_RANGES,
    checked_value,
)
from fanfold.tasks.target_scale import AS_IT_IS, TargetScale, learn_scale

if TYPE_CHECKING:
    import xgboost


SPARSE_BELOW = 0.01
"""Share of cells below which xgboost keeps a column as a list (its own: 0.2). Whether a row goes
left or right is then looked up, and not searched for, in all but the rarest columns: in large
tables a fifth of the time, for a byte a row and column. It changes no score."""

TRIAL_ROUNDS, TRIAL_STEP = 60, 25
"""The small fit that tells which columns trees split by: its rounds, and one row in so many."""

LOG_LINK = ("count:poisson", "reg:gamma", "reg:tweedie")
"""Objectives that predict the exponential of what the trees add up to."""


class XGBoost:
    """`xgboost.train` with `tree_method="hist"`; parameters as in `xgboost.XGBRegressor`."""

    name = "xgboost"
    library = "xgboost"
    rounds_parameter: str | None = ROUNDS
    simplest_by: tuple[str, ...] = (ROUNDS, "max_depth")
    model_file = "booster.ubj"
    threaded = True

    def checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """`parameters` with whole numbers as int, others as float; `UserError` if not allowed."""
        check_names(parameters, list(PARAMETERS), self.name)
        return {name: checked_value(name, value) for name, value in parameters.items()}

    def rounds(self, parameters: Mapping[str, Any]) -> int:
        """Rounds of boosting, `n_estimators`."""
        return int(parameters.get(ROUNDS, DEFAULT_ROUNDS))

    def cost(self, parameters: Mapping[str, Any]) -> float:
        """Rounds times depth, less half of the share of rows, and of columns, that is left out.

        Rows that are left out go through the tree all the same, and histograms are made of all
        columns: only the search for splits has less to do.
        """
        depth = parameters.get("max_depth", DEFAULT_DEPTH) or 2 * DEFAULT_DEPTH
        trees = parameters.get("num_parallel_tree", 1)
        shares = (parameters.get(name, 1) for name in ("subsample", "colsample_bynode"))
        work = math.prod((1 + share) / 2 for share in shares)
        return float(self.rounds(parameters) * trees * depth * work)

    def effective(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """`parameters` and the defaults of the others; None where there is no limit."""
        values = {**DEFAULTS, **parameters}
        return values | {name: values[name] or None for name in ("max_depth", "max_leaves")}

    def data_key(self, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """The number of histogram bins, which the data is cut into once, and what a row is.

        And which objective reads the target on no scale but its own, if one of those.
        """
        own_range = TARGET_RANGES.get(parameters.get("objective", ""))
        return parameters.get("max_bin", DEFAULT_BINS), _weighs(parameters), own_range

    def target_scale(self, target: Floats, parameters: Mapping[str, Any]) -> TargetScale:
        """The target as it is for objectives that read its logarithm, else that of `learn_scale`.

        Where it is not `AS_IT_IS`, `gamma`, `reg_alpha`, `max_delta_step` and the slope of 1 of
        `reg:pseudohubererror`, which are in units of the target, act on the scaled target.
        """
        objective = parameters.get("objective", "")
        if objective not in TARGET_RANGES:
            return learn_scale(target)
        TARGET_RANGES[objective].check(target, objective)
        return AS_IT_IS

    def prepare(
        self, matrix: csr_matrix, target: Floats, parameters: Mapping[str, Any], threads: int
    ) -> xgboost.DMatrix:
        """The matrix cut into histogram bins, with the target as label.

        Rows that are alike in the columns by which trees split first stand together: they go
        through a tree side by side, and the next one is in the cache. Where it makes no
        difference but rounding, equal rows are one with their mean target and their number as
        its weight.
        """
        max_bin, weighs, _ = self.data_key(parameters)
        matrix = matrix.astype(np.float32)
        some = slice(None, None, TRIAL_STEP)
        trial = load_xgboost().DMatrix(matrix[some], label=target[some], nthread=threads)
        foremost = _foremost(_boost(trial, {"max_bin": max_bin}, TRIAL_ROUNDS, 0, threads))
        if weighs:
            rows, numbers = distinct_rows(matrix, foremost)
            weight = np.bincount(numbers)
            label = np.bincount(numbers, weights=target) / weight
        else:
            order = alike_order(matrix, foremost)
            rows, label, weight = matrix[order], target[order], None
        data: xgboost.DMatrix = load_xgboost().DMatrix(
            rows, label=label, weight=weight, nthread=threads
        )
        # xgboost cuts at the first fit, which must not be two fits at once. (A QuantileDMatrix
        # would come cut, but knows nothing of a sparse_threshold.)
        _boost(data, {"max_bin": max_bin, "max_depth": 1}, 1, 0, threads)
        return data

    def fit(
        self, data: xgboost.DMatrix, parameters: Mapping[str, Any], seed: int, threads: int
    ) -> xgboost.Booster:
        """A booster of `n_estimators` rounds."""
        own = {name: value for name, value in parameters.items() if name != ROUNDS}
        return _boost(data, own, self.rounds(parameters), seed, threads)

    def predict(self, model: xgboost.Booster, matrix: csr_matrix) -> Floats:
        """Predictions float64 [rows]."""
        return self.predict_rounds(model, matrix, (0,))[0]

    def predict_rounds(
        self, model: xgboost.Booster, matrix: csr_matrix, rounds: Sequence[int]
    ) -> list[Floats]:
        """Predictions float64 [rows] by the first so many rounds each, ascending (0: all).

        Each goes on from the one before it, to the same bits as if it had begun anew.
        """
        objective = json.loads(model.save_config())["learner"]["objective"]["name"]
        rows, numbers = distinct_rows(matrix.astype(np.float32), _foremost(model))
        found = []
        done, so_far = 0, None
        for upto in rounds:
            so_far = model.inplace_predict(rows, iteration_range=(done, upto), base_margin=so_far)
            found.append(so_far.astype(np.float64)[numbers])
            done = upto
            if objective in LOG_LINK:  # exponentials of sums, and no sums to go on from
                done, so_far = 0, None
        return found

    def importances(self, model: xgboost.Booster, columns: int) -> Floats | None:
        """Each column's share of the total gain of all splits."""
        gains = _gains(model)
        return gains / gains.sum() if gains.sum() > 0 else None

    def save(self, model: xgboost.Booster, path: Path) -> None:
        """Write the booster to `path` as UBJSON."""
        path.write_bytes(model.save_raw("ubj"))  # xgboost's own writer overlooks a full disk

    def load(self, path: Path) -> xgboost.Booster:
        """The booster in the UBJSON file `path`."""
        booster: xgboost.Booster = load_xgboost().Booster(model_file=path)
        return booster


def _gains(model: xgboost.Booster) -> Floats:
    """Each column's total gain of all splits by it, float64 [columns]."""
    gains = np.zeros(model.num_features())
    for name, gain in model.get_score(importance_type="total_gain").items():
        gains[int(name.removeprefix("f"))] = gain
    return gains


def _foremost(model: xgboost.Booster) -> Ints:
    """The columns, that of the largest gain first."""
    return np.argsort(-_gains(model), kind="stable")


def _weighs(parameters: Mapping[str, Any]) -> bool:
    """Whether equal rows may be one with a weight: all are fitted on, and by squared error.

    The sum of the gradients of equal rows, p - y each, is w (p - mean y), and that of the
    hessians is w.
    """
    squared = parameters.get("objective", "reg:squarederror") == "reg:squarederror"
    return bool(squared and parameters.get("subsample", 1) == 1)


def _boost(
    data: xgboost.DMatrix, parameters: Mapping[str, Any], rounds: int, seed: int, threads: int
) -> xgboost.Booster:
    fixed = {
        "tree_method": "hist",
        "sparse_threshold": SPARSE_BELOW,
        "seed": seed,
        "nthread": threads,
        "verbosity": 0,
    }
    booster: xgboost.Booster = load_xgboost().train(
        {"max_bin": DEFAULT_BINS, **parameters, **fixed}, data, rounds
    )
    return booster
