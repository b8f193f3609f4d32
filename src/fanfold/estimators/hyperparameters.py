"""Hyperparameters by name: those that a grid may hold, and what sets candidates apart.

It is light to import: the live views, which show at once that something happens, do so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from fanfold.errors import UserError, did_you_mean


class Parametrized(Protocol):
    """Whatever has hyperparameters: a candidate, a standing, a row of a ledger."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Its hyperparameters, by name."""


def check_names(parameters: Mapping[str, Any], allowed: list[str], owner: str) -> None:
    """Raise `UserError` for the first of `parameters` that is not among `allowed`."""
    for name in parameters:
        if name not in allowed:
            from fanfold.features.text import TextSettings

            every = [*allowed, *TextSettings.names()]
            raise UserError(
                f"{owner} has no hyperparameter {name!r}{did_you_mean(name, every)};"
                f" allowed: {', '.join(every)}"
            )


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
