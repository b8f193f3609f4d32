"""The scale on which an estimator reads the target, so that scores do not depend on its unit.

xgboost keeps targets and gradients as float32 and drops splits that gain less than 1e-6,
scikit-learn's trees stop where a node's variance is below 2e-16, and support vector machines,
Huber's loss and gradient descent have tolerances in units of the target. On a target of 1e-6, of
Unix seconds or of 1e20 they find nothing. Such a target is fitted minus a centre and divided by
a power of two, both learned from the training rows, and predictions are brought back.

An ordinary target is read as it is, so that scores are those of the library called directly.
The limits are where that begins to cost: in xgboost's fits of 60 trees of depth 3 to three tables
(of 128 to 2,000 rows), the ratio of rmse to the baseline's moved by less than 1e-6 down to a
standard deviation of 0.19, and by 2e-3 at 0.09; by 5e-6 where the mean was 30 standard deviations
from 0, and by 1e-2 at 300. Upwards, xgboost needs no scale below 1e15.

Losses with constants in units of the target (support vector machines, Huber's, Lasso's penalty,
steps of gradient descent) depend on the unit everywhere. They read a target of about one unit as
it is, as scikit-learn's own do, and any other one less its mean and divided by its standard
deviation: so they find the same in every unit.

A unit that is no power of two still changes how numbers are rounded. That decides between splits
that gain the same: in deep trees of few rows, in forests, and in the trial fit that orders the
rows of which `subsample` draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fanfold.arrays import Floats
from fanfold.errors import UserError

LEAST_SPREAD, MOST_SPREAD = 2.0**-3, 2.0**20
"""Standard deviations of ordinary targets: a rating of 0 to 1 has 0.3, a house price 80,000."""

LEAST_UNIT, MOST_UNIT = 0.25, 4.0
"""Standard deviations of about one unit; logarithms of counts and prices have 0.4 to 2.5."""

MOST_SHIFT = 32.0
"""How many standard deviations the mean of an ordinary target may be from 0: a wine's points of
100 have 29."""


@dataclass(frozen=True)
class TargetScale:
    """What an estimator reads in place of the target: (target - centre) / factor.

    Attributes:
        centre: in units of the target; a multiple of the power of two below the standard
            deviation, so that whole numbers stay whole.
        factor: a power of two, which changes no digit of a number; for losses in units of the
            target the standard deviation.
    """

    centre: float = 0.0
    factor: float = 1.0

    def apply(self, target: Floats) -> Floats:
        """The target [rows] as the estimator reads it, float64; itself where it is ordinary."""
        return target if self == AS_IT_IS else (target - self.centre) / self.factor

    def undo(self, estimate: Floats) -> Floats:
        """An estimator's predictions [rows] in units of the target, float64."""
        return estimate if self == AS_IT_IS else estimate * self.factor + self.centre


AS_IT_IS = TargetScale()


def learn_scale(target: Floats, *, centred: bool = True, in_units: bool = False) -> TargetScale:
    """The scale for training rows with this `target`: `AS_IT_IS` where it is ordinary.

    Otherwise the standard deviation is brought to between 1 and 2, and the mean near 0.

    Args:
        target: of the training rows, finite.
        centred: False where the estimator's zero has a meaning.
        in_units: whether the loss has constants in units of the target; it then reads a target
            that is not of about one unit with standard deviation 1 and mean 0.
    """
    exponent = math.frexp(np.abs(target).max(initial=0.0))[1]
    small = np.ldexp(target, -exponent)  # at most 1, whose squares do not overflow
    offset = small - small[:1]  # exactly 0 where the target is constant
    spread = math.ldexp(offset.std(), exponent) if len(offset) else 0.0
    if spread == 0:
        return TargetScale(centre=float(target[0])) if centred and len(target) else AS_IT_IS
    power = math.ldexp(1.0, math.frexp(spread)[1] - 1)
    mean = math.ldexp(small[0] + offset.mean(), exponent)
    if in_units and not LEAST_UNIT <= spread < MOST_UNIT:
        return TargetScale(centre=mean if centred else 0.0, factor=spread)
    shifted = centred and abs(mean) / spread > MOST_SHIFT
    return TargetScale(
        centre=power * round(mean / power) if shifted else 0.0,
        factor=1.0 if LEAST_SPREAD <= spread < MOST_SPREAD else power,
    )


@dataclass(frozen=True)
class TargetRange:
    """The targets that a loss is defined for: from `low` (itself excluded if `above`).

    Such a loss depends on where 0 is, so that its target is never moved nor stretched.
    """

    low: float
    above: bool = False

    def check(self, target: Floats, loss: str) -> None:
        """Raise `UserError` if a value of `target` [rows] is outside; `loss` is what needs it."""
        least = target.min(initial=math.inf)
        if least < self.low or (self.above and least == self.low):
            raise UserError(
                f"{loss} needs targets {self}, and the smallest of the training rows is"
                f" {least:g}: choose another loss or another target"
            )

    def __str__(self) -> str:
        return f"{'above' if self.above else 'of at least'} {self.low:g}"
