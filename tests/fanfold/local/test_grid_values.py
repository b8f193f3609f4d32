"""A grid of Python values as JSON."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from fanfold.errors import UserError
from fanfold.local.grid_values import as_json

VALUES: dict[str, tuple[Any, list[Any]]] = {
    "a range": (range(2, 9, 2), [2, 4, 6, 8]),
    "whole numbers of numpy": (np.arange(2, 5), [2, 3, 4]),
    "powers of numpy": (np.logspace(-2, 0, 3), [0.01, 0.1, 1.0]),
    "a number of numpy": ([np.float64(0.5)], [0.5]),
    "a tuple": ((1, None), [1, None]),
    "a set": ({12, 6, None, 2}, [2, 6, 12, None]),
    "a set of texts": (frozenset(["b", "a"]), ["a", "b"]),
    "the keys of a dict": ({"b": 1, "a": 2}.keys(), ["a", "b"]),
    "the values of a dict": ({"b": 3, "a": 2}.values(), [3, 2]),
    "an index of pandas": (pd.Index([3, 1]), [3, 1]),
    "a Series of pandas": (pd.Series([0.5, 1.0]), [0.5, 1.0]),
    "a Series of polars": (pl.Series([True, False]), [True, False]),
    "an array of pyarrow": (pa.array(["a", "b"]), ["a", "b"]),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_of_any_kind_become_a_list(name: str) -> None:
    given, expected = VALUES[name]
    assert json.loads(as_json({"axis": given})) == {"axis": expected}
    assert json.loads(as_json([MappingProxyType({"axis": given})])) == [{"axis": expected}]


@pytest.mark.parametrize(
    "value", [object(), 1j, b"a", pd.DataFrame({"a": [1]}), (n for n in range(2)), pd.NA]
)
def test_what_json_cannot_say_is_named(value: Any) -> None:
    with pytest.raises(UserError, match=f"a {type(value).__name__}: JSON cannot say it$"):
        as_json({"axis": [value]})


def test_a_table_in_a_grid_is_named_in_one_line() -> None:
    with pytest.raises(UserError) as told:
        as_json({"axis": [pd.DataFrame({"a": range(50)})]})
    assert "\n" not in str(told.value) and len(str(told.value)) < 200


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(UserError, match="names in a grid must be text"):
        as_json({("max_depth", 3): [1]})
