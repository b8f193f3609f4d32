"""Which of two candidates is simpler, for the one-standard-error rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fanfold.errors import UserError, did_you_mean
from fanfold.estimators.base import EstimatorParameters
from fanfold.estimators.hyperparameters import parameter_names
from fanfold.search.grid import Candidate


def simplicity(
    simplest_by: str, candidates: Sequence[Candidate], estimator: EstimatorParameters
) -> tuple[str, ...]:
    """The hyperparameters that say which candidate is simpler; the first one decides first.

    Args:
        simplest_by: names, separated by commas, with `-` before a name whose large values are
            simple; empty: the estimator's own.
        candidates: the grid's.
        estimator: fits them.

    Raises:
        UserError: a name that is not in the grid.
    """
    asked = tuple(part.strip() for part in simplest_by.split(",") if part.strip())
    known = parameter_names(candidates)
    for name in asked:
        if name.lstrip("-") not in known:
            raise UserError(
                f"simplest_by names {name!r}, which is not in the grid"
                f"{did_you_mean(name.lstrip('-'), known)}; allowed: {', '.join(known)}"
            )
    return asked or tuple(key for key in estimator.simplest_by if key.lstrip("-") in known)


def complexity(
    candidate: Candidate, keys: Sequence[str], estimator: EstimatorParameters
) -> list[tuple[bool, float]]:
    """A key that sorts candidates, the simplest first; defaults count as if the grid had them."""
    parameters = candidate.text.as_parameters() | estimator.effective(candidate.model_parameters)
    return [_place(parameters.get(key.lstrip("-")), key.startswith("-")) for key in keys]


def _place(value: Any, large_is_simple: bool) -> tuple[bool, float]:
    """Sorts numbers by size and puts what is no number (None: no limit) last."""
    if not isinstance(value, int | float):
        return True, 0.0
    return False, -float(value) if large_is_simple else float(value)
