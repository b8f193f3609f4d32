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

TRUTHS = {"true": 1.0, "false": 0.0}
"""What these words, in any case, are as numbers; columns of booleans are the same numbers."""


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
        if not _is_text_or_number(kind) or (name in numbers and types.is_temporal(kind)):
            wanted = "numbers" if name in numbers else "text or numbers"
            raise UserError(
                f"the column {name!r} of {of} holds {kind}: {wanted} are needed; convert it, or"
                " name another"
            )


def _is_text_or_number(kind: pa.DataType) -> bool:
    """Whether `as_strings` takes the type; dates and times are among those that it takes."""
    import pyarrow as pa

    types = pa.types
    if types.is_decimal(kind):  # polars has none of 256 bits, and no negative scale
        return not types.is_decimal256(kind) and kind.scale >= 0
    tests = (
        types.is_string, types.is_large_string, types.is_string_view, types.is_null,
        types.is_boolean, types.is_integer, types.is_floating,
        types.is_date, types.is_time, types.is_timestamp,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def as_floats(column: pa.Array | pa.ChunkedArray) -> Floats:
    """A column as float64: true is 1 and false is 0; what is no number or is missing is NaN."""
    import polars as pl

    values = pl.Series(_plain(column))
    if values.dtype == pl.String:
        values = _read(values.str.strip_chars())
    return values.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()


def _read(texts: pl.Series) -> pl.Series:
    """The number that each text says; null where it says none."""
    import polars as pl

    numbers = texts.cast(pl.Float64, strict=False)
    if numbers.null_count() == texts.null_count():
        return numbers
    words = texts.str.to_lowercase()
    truths = words.replace_strict(TRUTHS, default=None, return_dtype=pl.Float64)
    return numbers.zip_with(numbers.is_not_null(), truths)


def as_strings(column: pa.Array | pa.ChunkedArray) -> pl.Series:
    """A column as text, null where something is missing, which pandas writes as NaN."""
    import polars as pl
    import pyarrow as pa

    from fanfold.tables.times import times_as_strings

    column = _plain(column)
    if pa.types.is_temporal(column.type):
        return times_as_strings(column)
    values = pl.Series(column)
    if values.dtype.is_float():
        values = values.fill_nan(None)
    return values.cast(pl.String, strict=False)


def as_texts(column: pa.Array | pa.ChunkedArray) -> pl.Series:
    """A column as text, also one of numbers or dates; what is missing is empty."""
    return as_strings(column).fill_null("")


def hold_numbers_only(texts: pl.Series) -> bool:
    """Whether each text that is not empty is a number."""
    import polars as pl

    said = texts.filter(texts.str.len_bytes() > 0).str.strip_chars()
    return said.cast(pl.Float64, strict=False).null_count() == 0


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column in one piece, with its values where it holds their places in a dictionary."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
