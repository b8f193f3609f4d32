"""The fits of a cross-validation: which there are, in which order they start, on which threads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from fanfold.estimators.base import Estimator
from fanfold.search.fold_data import data_key
from fanfold.search.grid import Candidate, Unit


@dataclass(frozen=True)
class Fit:
    """One fit: a unit with one fold held out.

    Attributes:
        unit: the candidates that the fit serves.
        fold: index of the fold that is held out.
        threads: threads that the fit may use.
    """

    unit: Unit
    fold: int
    threads: int = 1

    @property
    def candidate(self) -> Candidate:
        """The candidate that is fitted: the one with most rounds."""
        return self.unit.candidates[-1]


def unknown_fits(
    units: Sequence[Unit], fold_labels: Sequence[str], known: Collection[tuple[str, str]]
) -> list[Fit]:
    """A fit for each fold and unit, for the candidates that are not `known` on that fold.

    Args:
        units: what to fit.
        fold_labels: the folds' names.
        known: (candidate id, fold label) of the scores that need no fit.
    """
    fits = []
    for fold, label in enumerate(fold_labels):
        for unit in units:
            unknown = tuple(each for each in unit.candidates if (each.id, label) not in known)
            if unknown:
                fits.append(Fit(replace(unit, candidates=unknown), fold))
    return fits


def in_starting_order(fits: Sequence[Fit], estimator: Estimator, workers: int) -> list[Fit]:
    """The fits in the order in which they start.

    Fits that share data stand together, the dearest first. The last ones, fewer than `workers`,
    share the idle workers' threads where the estimator can use them.
    """
    keys = [data_key(fit.fold, fit.candidate, estimator) for fit in fits]
    place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    cost = [estimator.cost(fit.candidate.model_parameters) for fit in fits]
    order = sorted(range(len(fits)), key=lambda each: (place[keys[each]], -cost[each]))
    tail = len(fits) % workers if estimator.threaded else 0
    return [
        replace(fits[each], threads=workers // tail if number >= len(fits) - tail else 1)
        for number, each in enumerate(order)
    ]
