"""A table's columns as text and as numbers, whatever type they come in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import numpy as np

from fanfold.arrays import Floats
from fanfold.errors import UserError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


def check_kinds(
    schema: pa.Schema, needed: Iterable[str], of: str, *, numbers: Collection[str] = ()
) -> None:
    """Raise `UserError` for a column that is neither text nor numbers.

    Args:
        schema: of a Parquet file or a frame.
        needed: columns of it.
        of: what messages call it.
        numbers: those of `needed` in which dates and times, which can be text, are refused too:
            they would silently count as days or microseconds.
    """
    import pyarrow as pa

    types = pa.types
    for name in needed:
        kind = schema.field(name).type
        kind = kind.value_type if types.is_dictionary(kind) else kind
        no_text = (
            types.is_nested(kind)
            or "binary" in str(kind)
            or isinstance(kind, pa.BaseExtensionType)
            or types.is_duration(kind)
            or types.is_decimal256(kind)  # polars has none
        )
        if no_text or (name in numbers and types.is_temporal(kind)):
            wanted = "numbers" if name in numbers else "text or numbers"
            raise UserError(
                f"the column {name!r} of {of} holds {kind}: {wanted} are needed; convert it, or"
                " name another"
            )


def as_floats(column: pa.Array) -> Floats:
    """A column as float64; what is no number, missing or misspelt, is NaN."""
    import polars as pl

    values = pl.Series(column)
    if values.dtype == pl.String:
        values = values.str.strip_chars()
    return values.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()


def as_strings(column: pa.Array) -> pl.Series:
    """A column as text, null where something is missing, which pandas writes as NaN."""
    import polars as pl

    values = pl.Series(column)
    if values.dtype.is_float():
        values = values.fill_nan(None)
    return values.cast(pl.String, strict=False)


def as_texts(column: pa.Array) -> pl.Series:
    """A column as text, also one of numbers or dates; what is missing is empty."""
    return as_strings(column).fill_null("")
