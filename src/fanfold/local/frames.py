"""A frame becomes a table that a search reads as any other, and a target that may be values."""

from __future__ import annotations

import keyword
import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.errors import UserError
from fanfold.settings.search import from_mapping
from fanfold.tables.frame import Frame, as_arrow, as_frame, refusal
from fanfold.tables.table import FRAME, frame_at, require_columns

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

logger = logging.getLogger(__name__)

_REFUSED = (ArithmeticError, AttributeError, RuntimeError, TypeError, ValueError)
"""What Arrow and Parquet raise for a column that they cannot hold."""

_LONGEST_NAME = 100
"""Characters of a target's name."""


@contextmanager
def table_of(data: Any, settings: Mapping[str, Any], scratch: Path) -> Iterator[dict[str, Any]]:
    """Within the block the yielded settings name `data` and its target as text.

    A frame waits in `scratch` as Parquet, so that it walks the same way as any table.

    Raises:
        UserError: `data` is neither a path nor a frame; a column that the search needs cannot be
            stored, or has no name of its own; the target's values are not one a row.
    """
    target = settings.get("target", "")
    if isinstance(data, str | Path):
        if not isinstance(target, str):
            raise UserError(
                f"the target is a {type(target).__name__}, and the data a path: name a column of"
                " it, or give a frame"
            )
        yield {**settings, "data": str(data)}
        return
    frame = as_frame(data)
    if frame is None:
        raise UserError(
            "the data must be a path or a frame of pandas, polars or pyarrow but is a"
            f" {type(data).__name__}"
        )
    given = {**_with_names(settings, frame), "data": FRAME}
    target = given.get("target", "")
    if not isinstance(target, str):
        frame, given["target"] = _with_target(frame, target, getattr(data, "index", None))
    path = scratch / "frame.parquet"
    _store(frame, _needed(frame, given), path)
    with frame_at(path):
        yield given


def _with_names(settings: Mapping[str, Any], frame: Frame) -> dict[str, Any]:
    """The settings, in which a column of the frame whose label is a number has its text."""
    names = ("text_column", "target", "split_column", "fold_column", "group_column")
    labels = {
        name: str(label)
        for name in names
        if type(label := settings.get(name)) is int and str(label) in frame.names
    }
    return {**settings, **labels}


def _with_target(frame: Frame, target: Any, index: Any) -> tuple[Frame, str]:
    """The frame with the target as a column of it, and the expression that names this column."""
    import polars as pl

    by_expression = isinstance(target, pl.Expr)
    values = _evaluated(frame, target) if by_expression else target
    name = _name_of_expression(frame, target) if by_expression else _name_of(target)
    if (
        not hasattr(values, "__len__")
        or isinstance(values, bytes | Mapping | Set)
        or as_frame(values)
    ):
        raise UserError(
            "the target must be a column's name, an expression, or a value for each row, but is a"
            f" {type(values).__name__}"
        )
    if len(values) != frame.rows:
        raise UserError(
            f"the target is {len(values):,} long, and the frame has {frame.rows:,} rows: give a"
            " value for each row"
        )
    own_index: Any = getattr(values, "index", None)
    if hasattr(own_index, "equals") and index is not None and not own_index.equals(index):
        raise UserError(
            "the target's index is not the frame's: give target.loc[frame.index], or"
            " target.to_numpy() to go by position"
        )
    return _joined(frame, _arrow_of("the target", values), name)


def _joined(frame: Frame, column: pa.ChunkedArray, name: str) -> tuple[Frame, str]:
    """The frame with one more column, unless it has the very same by this name already."""
    if not 0 < len(name) <= _LONGEST_NAME or "`" in name or not name.isprintable():
        name = "target"
    if frame.names.count(name) == 1:
        known = frame.columns[frame.names.index(name)]
        try:
            same = _arrow_of(name, known).equals(column)
        except UserError:
            same = False
        if same:
            return frame, _quoted(name)
    while name in frame.names:
        name += "_"
    names, columns = [*frame.names, name], [*frame.columns, column]
    return replace(frame, names=names, columns=columns), _quoted(name)


def _quoted(name: str) -> str:
    plain = name.isidentifier() and not keyword.iskeyword(name)
    return name if plain else f"`{name}`"


def _name_of(values: Any) -> str:
    name = getattr(values, "name", None)
    return name if isinstance(name, str) else ""


def _name_of_expression(frame: Frame, expression: pl.Expr) -> str:
    """The name that the expression gives its values, unless it took it from a column."""
    name = expression.meta.output_name(raise_if_undetermined=False) or ""
    is_own = name not in frame.names or expression.meta.is_column()
    return name if is_own else str(expression)


def _evaluated(frame: Frame, expression: pl.Expr) -> pl.Series:
    """The values of a polars expression on the frame."""
    import polars as pl

    try:
        needed = expression.meta.root_names() or list(dict.fromkeys(frame.names))
        require_columns(frame.names, needed, FRAME)
        columns = {name: frame.columns[frame.names.index(name)] for name in needed}
        table = pl.DataFrame({name: pl.Series(as_arrow(each)) for name, each in columns.items()})
        found = table.select(expression)
    except (*_REFUSED, pl.exceptions.PolarsError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"the target {str(expression)!r} cannot be evaluated: {refusal(error)}"
        ) from None
    if found.width != 1:
        raise UserError(f"the target {str(expression)!r} gives {found.width} columns: give one")
    return found.to_series()


def _arrow_of(name: str, values: Any) -> pa.ChunkedArray:
    import pyarrow as pa

    try:
        column = as_arrow(values)
    except _REFUSED as error:
        raise UserError(f"{name} cannot be stored: {refusal(error)}; convert it") from None
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _needed(frame: Frame, given: Mapping[str, Any]) -> list[str]:
    """The columns that the search reads; raises UserError for one that cannot be told."""
    from fanfold.tables.target import parse_target

    chosen = from_mapping(given)
    target = parse_target(chosen.target, frame.names).columns
    labels = [chosen.split_column, chosen.fold_column, chosen.group_column]
    needed = [chosen.text_column, *target, *filter(None, labels)]
    for name in needed:
        if frame.names.count(name) > 1:
            raise UserError(f"the frame has {frame.names.count(name)} columns {name!r}: leave one")
        if name in frame.index and name not in frame.names:
            raise UserError(
                f"no column {name!r} in the frame, whose index it is: give frame.reset_index()"
            )
    return needed


def _store(frame: Frame, needed: Sequence[str], path: Path) -> None:
    """Write the frame as Parquet.

    A column that Parquet cannot hold is left out, unless the search needs it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    held: dict[str, pa.ChunkedArray] = {}
    for name, column in zip(frame.names, frame.columns, strict=True):
        try:
            if name in held:
                raise ValueError("another one has this name")
            held[name] = _storable(column)
        except _REFUSED as error:
            if name in needed:
                raise UserError(
                    f"the column {name!r} of the frame cannot be stored: {refusal(error)}; convert"
                    " it, or name another"
                ) from None
            logger.warning("column_left_out column=%r reason=%r", name, refusal(error))
    try:
        pq.write_table(pa.table(held), path)
    except _REFUSED as error:
        raise UserError(f"the frame cannot be stored: {refusal(error)}") from None


def _storable(column: Any) -> pa.Array | pa.ChunkedArray:
    """The column as Arrow holds it, if Parquet can too."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = as_arrow(column)
    try:
        pq.write_table(pa.table({"column": found[:0]}), pa.BufferOutputStream())
    except OSError as error:  # of the closing: what could not be written came before
        raise ValueError(refusal(error.__context__ or error)) from None
    return found
