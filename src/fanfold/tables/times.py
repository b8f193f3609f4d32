"""Dates and times as text, also those that neither Python nor polars can hold.

Databases write an infinite date as the largest that a file can store, and a file may name a time
zone that this machine does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fanfold.arrays import Mask

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

FIRST_DAY, LAST_DAY = -719162, 2932896
"""0001-01-01 and 9999-12-31, in days since 1970."""

IN_A_DAY = {"day": 1, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400 * 10**9}


def times_as_strings(column: pa.Array) -> pl.Series:
    """A column of dates, times or timestamps as text; null stays null.

    A time of a zone that polars does not know is written in UTC. A value out of range (a year
    before 1 or after 9999, a time of day of over 24 hours) is written as Arrow writes it:
    `10000-01-01`, or `<value out of range: 2147483647>`.
    """
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type) and column.type.tz and not _is_known(column.type):
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    odd = _out_of_range(column)
    usual = pc.if_else(pa.array(odd), pa.scalar(None, column.type), column)
    if pa.types.is_date64(column.type):  # polars would add the time of day
        usual = usual.cast(pa.date32())
    texts = pl.Series(usual).cast(pl.String)
    if not odd.any():
        return texts
    if pa.types.is_timestamp(column.type):  # Arrow computes wrongly with a zone
        column = column.cast(pa.timestamp(column.type.unit))
    return texts.zip_with(texts.is_not_null(), pl.Series(column.cast(pa.string())))


def _is_known(kind: pa.TimestampType) -> bool:
    """Whether polars knows the time zone."""
    import polars as pl
    import pyarrow as pa

    try:
        pl.Series(pa.array([0], pa.int64()).view(kind)).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def _out_of_range(column: pa.Array) -> Mask:
    """The values that are no time of day, or lie outside the years 1 to 9999."""
    import pyarrow as pa

    types, kind = pa.types, column.type
    name = "day" if types.is_date32(kind) else "ms" if types.is_date64(kind) else kind.unit
    first, behind = (0, 1) if types.is_time(kind) else (FIRST_DAY, LAST_DAY + 1)
    stored = column.view(stored_as(kind)).fill_null(0).to_numpy(zero_copy_only=False)
    limits = np.iinfo(np.int64)
    low = max(first * IN_A_DAY[name], limits.min)
    high = min(behind * IN_A_DAY[name] - 1, limits.max)
    odd: Mask = (stored < low) | (stored > high)
    return odd


def stored_as(kind: pa.DataType) -> pa.DataType:
    """The integers as which Arrow stores a date or a time of this type."""
    import pyarrow as pa

    return pa.int32() if kind.bit_width == 32 else pa.int64()
