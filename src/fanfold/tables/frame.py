"""A table in memory as names and columns, whichever library made it: pandas, polars, pyarrow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fanfold.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Frame:
    """A table in memory.

    Attributes:
        names: of the columns, as text; several may be the same.
        columns: the library's own, in this order.
        rows: how many there are.
        index: names of the index, which only pandas has.
    """

    names: Sequence[str]
    columns: Sequence[Any]
    rows: int
    index: Sequence[str] = ()


def as_frame(data: Any) -> Frame | None:
    """`data` as a frame; None where it is no table in memory.

    A table is a frame of pandas or polars (a lazy one is collected), a table or record batch of
    pyarrow, and whatever exports a stream of Arrow's record batches.

    Raises:
        UserError: the columns have names of several levels.
    """
    pd, pl, pa = (sys.modules.get(name) for name in ("pandas", "polars", "pyarrow"))
    if pd and isinstance(data, pd.DataFrame):
        return _of_pandas(data)
    if pl and isinstance(data, pl.LazyFrame):
        data = data.collect()
    if pl and isinstance(data, pl.DataFrame):
        return Frame(data.columns, data.get_columns(), data.height)
    if not (pa and isinstance(data, pa.Table | pa.RecordBatch)):
        data = _exported(data)
    return None if data is None else Frame(data.schema.names, data.columns, data.num_rows)


def _of_pandas(data: pd.DataFrame) -> Frame:
    import pandas as pd

    if data.columns.nlevels > 1:
        raise UserError(
            f"the names of the frame's columns have {data.columns.nlevels} levels, and one is"
            " needed: join them, such as frame.columns = ['_'.join(map(str, name)) for name in"
            " frame.columns]"
        )
    data = pd.DataFrame(data, copy=False)  # without its attrs, which may be anything
    columns = [data.iloc[:, number] for number in range(data.shape[1])]
    index = [str(name) for name in data.index.names if name is not None]
    return Frame([str(name) for name in data.columns], columns, len(data), index)


def _exported(data: Any) -> Any:
    """The table that another library's object exports; None where it exports none."""
    if not hasattr(data, "__arrow_c_stream__"):
        return None
    import pyarrow as pa

    try:
        return pa.table(data)
    except (pa.ArrowException, TypeError, ValueError):  # a column alone is no table
        return None


def as_arrow(column: Any) -> pa.Array | pa.ChunkedArray:
    """A column, or any sequence of values, as Arrow holds it; pandas' NaN is missing.

    Raises:
        ArrowException, AttributeError, OverflowError, TypeError, ValueError: Arrow has no type
            for it.
    """
    import pyarrow as pa

    if isinstance(column, pa.Array | pa.ChunkedArray):
        return column
    pl = sys.modules.get("polars")
    if pl and isinstance(column, pl.Series):
        if column.dtype == pl.Object:
            raise TypeError("it holds objects of Python")
        return column.to_arrow()
    if hasattr(column, "sparse"):  # only a sparse column of pandas has it
        raise TypeError("it is sparse, and .sparse.to_dense() makes it plain")
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        kinds = _kinds(column)
        if len(kinds) < 2:
            raise
        raise TypeError(f"it holds values of several types: {', '.join(kinds)}") from None


def _kinds(column: Any) -> list[str]:
    """Names of the types in a column of Python's objects, but of what stands for missing."""
    if str(getattr(column, "dtype", "object")) != "object" or not hasattr(column, "__iter__"):
        return []
    return sorted({type(value).__name__ for value in column} - {"NoneType", "NAType", "NaTType"})


def refusal(error: BaseException) -> str:
    """Why Arrow refuses a column, in one line."""
    import pyarrow as pa

    told = error.args[0] if isinstance(error, pa.ArrowException) and error.args else error
    return " ".join(str(told).split()) or type(error).__name__
