"""The grid: candidates, the units that share one fit, and the tasks that units are packed into."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fanfold.errors import UserError
from fanfold.estimators.base import Estimator
from fanfold.estimators.hyperparameters import label_of, varying
from fanfold.features.text import PREFIX, TextSettings

MAX_CANDIDATES = 10_000
"""Largest grid: a mistyped axis should be an error and not a bill."""

Grid = str | Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Candidate:
    """One combination of hyperparameters.

    Attributes:
        id: 12 hexadecimal digits, a hash of all parameters, text defaults included; the same
            combination has the same id in any grid.
        parameters: what the grid says of it, by name.
        text: its text settings, defaults filled in.
    """

    id: str
    parameters: dict[str, Any]
    text: TextSettings

    @property
    def model_parameters(self) -> dict[str, Any]:
        """The estimator's own part of `parameters`."""
        return {k: v for k, v in self.parameters.items() if not k.startswith(PREFIX)}


@dataclass(frozen=True)
class Unit:
    """Candidates that one fit serves: they differ, if at all, in the number of rounds.

    Attributes:
        candidates: ascending in the number of rounds, so the last one is what is fitted.
        label: the parameters that set the unit apart, `max_depth=6 subsample=0.8`.
    """

    candidates: tuple[Candidate, ...]
    label: str


def make_candidate(parameters: Mapping[str, Any], estimator: Estimator) -> Candidate:
    """The checked candidate of `parameters`.

    Raises:
        UserError: a parameter that the estimator does not have, or a value it does not take.
    """
    parameters = {name: _plain(name, value) for name, value in parameters.items()}
    text = TextSettings.of(parameters)
    own = estimator.checked({k: v for k, v in parameters.items() if not k.startswith(PREFIX)})
    full = {**own, **text.as_parameters()}
    whole = json.dumps(full, sort_keys=True)
    shown = {name: full[name] for name in parameters}
    return Candidate(hashlib.sha256(whole.encode()).hexdigest()[:12], shown, text)


def expand(
    grid: Grid, estimator: Estimator, text_defaults: Mapping[str, Any] | None = None
) -> list[Candidate]:
    """The grid's candidates, in order: the first axis varies slowest.

    Args:
        grid: a dict of lists (every combination), a list of dicts (each one candidate, or
            with lists inside each a grid of its own), or any of these as JSON.
        estimator: knows which parameters there are.
        text_defaults: `text__` parameters for candidates whose grid does not say them.

    Raises:
        UserError: the grid is empty or too large, holds a candidate twice, or a parameter is
            unknown or of a wrong type.
    """
    defaults = {k: v for k, v in (text_defaults or {}).items() if _differs(k, v)}
    candidates: list[Candidate] = []
    for part in _parts(grid):
        size = 1
        axes = {name: _axis(name, values) for name, values in part.items()}
        for name, value in defaults.items():
            axes.setdefault(name, [value])
        for values in axes.values():
            size *= len(values)
        if len(candidates) + size > MAX_CANDIDATES:
            raise UserError(
                f"the grid has more than {MAX_CANDIDATES:,} candidates: make it smaller"
            )
        for point in itertools.product(*axes.values()):
            candidates.append(make_candidate(dict(zip(axes, point, strict=True)), estimator))
    _check_distinct(candidates)
    return candidates


def _differs(name: str, value: Any) -> bool:
    return bool(TextSettings().as_parameters().get(name) != value)


def _parts(grid: Grid) -> list[Mapping[str, Any]]:
    given = grid
    if isinstance(grid, str):
        try:
            given = json.loads(grid, object_pairs_hook=_said_once)
        except UserError:
            raise
        except RecursionError:
            raise UserError(
                "the grid is nested too deeply: write"
                ' {"max_depth": [6, 12]} or [{"max_depth": 6}, {"max_depth": 12}]'
            ) from None
        except ValueError as error:
            raise UserError(
                f"the grid is not JSON ({error}): write"
                ' {"max_depth": [6, 12]} or [{"max_depth": 6}, {"max_depth": 12}]'
            ) from None
    parts = [given] if isinstance(given, Mapping) else given
    if not isinstance(parts, list | tuple) or not all(isinstance(p, Mapping) for p in parts):
        raise UserError(
            f"the grid must be a dict of lists or a list of dicts but is {str(given)[:200]!r}"
        )
    if not parts:
        raise UserError("the grid is empty: name at least one candidate")
    return list(parts)


def _said_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the grid; of a key that it holds twice, JSON would keep the last."""
    said = dict(pairs)
    if len(said) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"the grid names {twice!r} twice in one object: put its values in one list")
    return said


def _axis(name: str, values: Any) -> list[Any]:
    if isinstance(values, Mapping):
        raise UserError(f"the grid's {name!r} is a dict: give a list of values")
    if not isinstance(values, list | tuple):
        return [values]
    if not values:
        raise UserError(f"the grid's {name!r} is an empty list: give it values or leave it out")
    return list(values)


def _plain(name: str, value: Any) -> Any:
    """`value` as JSON can hold it, numpy's scalars as Python's."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise UserError(
        f"{name}={value!r} is a {type(value).__name__}: a hyperparameter is a number, a text,"
        " true, false or null"
    )


def _check_distinct(candidates: Sequence[Candidate]) -> None:
    seen: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.id in seen:
            raise UserError(
                f"the grid holds {label_of(candidate.parameters)!r} twice: leave one out"
            )
        seen[candidate.id] = candidate


def make_units(
    candidates: Sequence[Candidate], estimator: Estimator, *, share_fits: bool = True
) -> list[Unit]:
    """The fits that serve `candidates`, in the order of their first candidate.

    Candidates that differ only in the estimator's number of rounds (`n_estimators`) share
    one; with `share_fits` false every candidate has its own.
    """
    rounds = estimator.rounds_parameter
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        rest = {**candidate.model_parameters, **candidate.text.as_parameters()}
        if share_fits and rounds is not None:
            rest.pop(rounds, None)
        groups.setdefault(json.dumps(rest, sort_keys=True), []).append(candidate)
    apart = varying(candidates)
    units = []
    for members in groups.values():
        if rounds is not None:
            members.sort(key=lambda each: estimator.rounds(each.model_parameters))
        shown = {k: v for k, v in members[-1].parameters.items() if k in apart}
        if len(members) > 1 and rounds is not None:
            shown.pop(rounds, None)
        units.append(Unit(tuple(members), label_of(shown or members[-1].parameters)))
    return units


def pack(units: Sequence[Unit], estimator: Estimator, max_tasks: int) -> list[list[Unit]]:
    """Units shared out to at most `max_tasks` tasks, balanced by estimated cost.

    One unit a task while there are no more units than tasks. Else the dearest units go
    first, each to the task with least so far (longest processing time first).
    """
    if len(units) <= max_tasks:
        return [[unit] for unit in units]
    cost = {
        number: estimator.cost(unit.candidates[-1].model_parameters)
        for number, unit in enumerate(units)
    }
    shares: list[list[int]] = [[] for _ in range(max_tasks)]
    load = [0.0] * max_tasks
    for number in sorted(cost, key=lambda each: (-cost[each], each)):
        lightest = load.index(min(load))
        shares[lightest].append(number)
        load[lightest] += cost[number]
    return [[units[number] for number in sorted(share)] for share in shares]
