"""The hyperparameters of xgboost that a grid may hold: their ranges and defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fanfold.errors import UserError
from fanfold.tasks.target_scale import TargetRange

DEFAULT_ROUNDS, DEFAULT_DEPTH, DEFAULT_BINS = 100, 6, 256

ROUNDS = "n_estimators"


@dataclass(frozen=True)
class Range:
    """Values that a numeric parameter takes: from `low` (itself excluded if `above`) to `high`."""

    whole: bool
    low: float = 0
    high: float = math.inf
    above: bool = False

    def holds(self, value: Any) -> bool:
        """Whether `value` is of the kind and in the range."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            return False
        if self.whole and value != math.floor(value):
            return False
        low_holds = value > self.low if self.above else value >= self.low
        return bool(low_holds and value <= self.high)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        low = f"{'above' if self.above else 'at least'} {self.low:g}"
        high = "" if math.isinf(self.high) else f" and at most {self.high:g}"
        return f"{kind}, {low}{high}"


TARGET_RANGES = {
    "reg:squaredlogerror": TargetRange(-1, above=True),
    "count:poisson": TargetRange(0),
    "reg:gamma": TargetRange(0, above=True),
    "reg:tweedie": TargetRange(0),
}
"""Objectives that read logarithms of the target, and the targets that they take."""

SHARE = Range(False, 0, 1, above=True)
# Names and ranges: xgboost 3, "XGBoost Parameters", tree booster on CPU.
PARAMETERS: dict[str, Range | tuple[str, ...]] = {
    ROUNDS: Range(True, 1),
    "max_depth": Range(True),
    "learning_rate": Range(False, above=True),
    "subsample": SHARE,
    "colsample_bynode": SHARE,
    "colsample_bytree": SHARE,
    "colsample_bylevel": SHARE,
    "min_child_weight": Range(False),
    "gamma": Range(False),
    "reg_alpha": Range(False),
    "reg_lambda": Range(False),
    "max_leaves": Range(True),
    "max_bin": Range(True, 2),
    "max_delta_step": Range(False),
    "num_parallel_tree": Range(True, 1),
    "grow_policy": ("depthwise", "lossguide"),
    "objective": (
        "reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror",
        "count:poisson", "reg:gamma", "reg:tweedie",
    ),
}  # fmt: skip

# xgboost's own, ibid., but for the rounds, which are XGBRegressor's.
DEFAULTS: dict[str, Any] = {
    ROUNDS: DEFAULT_ROUNDS, "max_depth": DEFAULT_DEPTH, "max_bin": DEFAULT_BINS,
    "learning_rate": 0.3, "subsample": 1.0, "colsample_bynode": 1.0, "colsample_bytree": 1.0,
    "colsample_bylevel": 1.0, "min_child_weight": 1.0, "gamma": 0.0, "reg_alpha": 0.0,
    "reg_lambda": 1.0, "max_leaves": 0, "max_delta_step": 0.0, "num_parallel_tree": 1,
    "grow_policy": "depthwise", "objective": "reg:squarederror",
}  # fmt: skip


def checked_value(name: str, value: Any) -> Any:
    """The value of the parameter `name`, whole numbers as int, others as float.

    Raises:
        UserError: the parameter does not take it.
    """
    allowed = PARAMETERS[name]
    if isinstance(allowed, Range):
        if allowed.holds(value):
            return int(value) if allowed.whole else float(value)
        raise UserError(f"{name} must be {allowed} but is {value!r}")
    if value not in allowed:
        raise UserError(f"{name} must be one of {', '.join(allowed)} but is {value!r}")
    return value
