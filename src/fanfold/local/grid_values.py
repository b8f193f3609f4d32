"""A grid of Python values becomes JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence, Set
from typing import Any

from fanfold.errors import UserError

_LONGEST = 100
"""Characters of a value in a message."""


def as_json(grid: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """The grid as JSON; ranges, arrays, Series, sets and tuples become lists.

    Raises:
        UserError: it holds what JSON cannot say.
    """
    try:
        return json.dumps(grid, default=_plain)
    except TypeError:  # a key that is neither text nor a number
        raise UserError("the names in a grid must be text") from None


def _plain(value: Any) -> Any:
    """What JSON says in place of `value`."""
    is_table = hasattr(value, "columns")
    for method in ("tolist", "to_list"):  # of numpy, pandas, pyarrow; of polars
        if hasattr(value, method) and not is_table:
            return getattr(value, method)()
    if isinstance(value, Set):
        return sorted(value, key=_place)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Collection) and not isinstance(value, bytes) and not is_table:
        return list(value)
    shown = " ".join(repr(value).split())
    shown = shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "..."
    raise UserError(f"the grid holds {shown}, a {type(value).__name__}: JSON cannot say it")


def _place(value: Any) -> tuple[bool, float, str]:
    """Where a set's member stands: numbers by their size, then all else by how it is written."""
    is_number = isinstance(value, int | float)
    return not is_number, value if is_number else 0.0, repr(value)
