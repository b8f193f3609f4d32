"""Hyperparameters by name: those that a grid may hold, and what sets candidates apart.

It is light to import: the live views, which show at once that something happens, do so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from fanfold.errors import UserError
from fanfold.estimators.other_names import NOT_IN_A_GRID, hyperparameter_hint


class Parametrized(Protocol):
    """Whatever has hyperparameters: a candidate, a standing, a row of a ledger."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Its hyperparameters, by name."""


def check_names(parameters: Mapping[str, Any], allowed: list[str], owner: str) -> None:
    """Raise `UserError` for the first of `parameters` that is not among `allowed`."""
    for name in parameters:
        if name not in allowed:
            raise UserError(_refusal(name, allowed, owner))


def _refusal(name: str, allowed: list[str], owner: str) -> str:
    """Why a grid of `owner` may not hold `name`, and what to do."""
    from fanfold.features.text import TextSettings
    from fanfold.settings.search import fields

    if name in NOT_IN_A_GRID:
        return f"a grid of {owner} does not take {name!r}: {NOT_IN_A_GRID[name]}; leave it out"
    every = [*allowed, *TextSettings.names()]
    if name in {each.name for each in fields()}:
        return (
            f"{name!r} is a setting of the search and no hyperparameter of {owner}: give it beside"
            f" the grid; a grid may hold {', '.join(every)}"
        )
    hint = hyperparameter_hint(name, every)
    return f"{owner} has no hyperparameter {name!r}{hint}; allowed: {', '.join(every)}"


def parameter_names(those: Iterable[Parametrized]) -> list[str]:
    """The hyperparameters that any of `those` says, in the order in which they appear."""
    return list(dict.fromkeys(name for each in those for name in each.parameters))


def varying(those: Sequence[Parametrized]) -> list[str]:
    """The hyperparameters that set `those` apart, in their order; all of a single one."""
    names = parameter_names(those)
    apart = [n for n in names if len({repr(each.parameters.get(n)) for each in those}) > 1]
    return apart or names


def label_of(parameters: Mapping[str, Any]) -> str:
    """`max_depth=6 subsample=0.8`, or `defaults` where nothing is set."""
    return " ".join(f"{name}={value}" for name, value in parameters.items()) or "defaults"
