"""What a model predicts from, as a list of texts: lists, columns and frames of any library."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from fanfold.errors import UserError, did_you_mean, listed
from fanfold.features.text import without_half_pairs
from fanfold.tables.columns import as_texts, check_kinds
from fanfold.tables.frame import Frame, as_arrow, as_frame

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    Texts: TypeAlias = Sequence[str | None] | pd.Series | pl.Series | pa.Array | pa.ChunkedArray
    Table: TypeAlias = pd.DataFrame | pl.DataFrame | pl.LazyFrame | pa.Table

logger = logging.getLogger(__name__)


def texts_of(data: Any, column: str) -> list[str | None]:
    """The texts [rows] of `data`, None where one is missing.

    Args:
        data: texts, or a frame.
        column: the text column that a frame must have.

    Raises:
        UserError: `data` is one text or a dict, or the frame has no such column of text or
            numbers.
    """
    if isinstance(data, str | bytes | bytearray):
        raise UserError("predict takes a list of texts, and was given one text: write [text]")
    frame = as_frame(data)
    if frame is not None:
        data = _column_of(frame, column)
    elif isinstance(data, Mapping) or getattr(data, "shape", None) == () or not _is_iterable(data):
        raise UserError(
            f"predict takes a frame or a list of texts, and was given a {type(data).__name__}"
        )
    is_column = frame is not None or hasattr(data, "dtype") or hasattr(data, "to_pylist")
    texts = _as_trained(data, column) if is_column else None
    return texts or _encodable([_text_of(value) for value in data])


def _is_iterable(data: Any) -> bool:
    return hasattr(data, "__iter__") or hasattr(data, "to_pylist")


def _column_of(frame: Frame, name: str) -> Any:
    """The text column of a frame; raises UserError where it has none or several."""
    names = list(frame.names)
    if name not in names:
        raise UserError(
            f"the model reads the column {name!r}, and the frame has {listed(names)}"
            f"{did_you_mean(name, names)}"
        )
    if names.count(name) > 1:
        raise UserError(f"the frame has {names.count(name)} columns {name!r}: leave one")
    return frame.columns[names.index(name)]


def _as_trained(values: Any, name: str) -> list[str | None] | None:
    """A column as the text that training makes of it; None where Arrow has no type for it."""
    import pyarrow as pa

    try:
        column = as_arrow(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
    check_kinds(pa.schema([(name, column.type)]), [name], "the data")
    return list(as_texts(column).to_list())


def _text_of(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | list | tuple) or hasattr(value, "__array__"):
        raise UserError(
            f"predict takes texts, and one of them is {value!r:.60}, a {type(value).__name__}: give"
            " text (of bytes, value.decode())"
        )
    # NaN and NaT differ from themselves; whether pandas' NA does is neither true nor false.
    missing = value is None or type(value).__name__ == "NAType" or value != value
    return None if missing else str(value)


def _encodable(texts: list[str | None]) -> list[str | None]:
    """The texts as UTF-8 can hold them; a warning says in which ones something was replaced."""
    found = [text and without_half_pairs(text) for text in texts]
    both = enumerate(zip(texts, found, strict=True))
    places = [n for n, (text, mended) in both if text != mended and "\ufffd" in str(mended)]
    if places:
        logger.warning(
            "half of a surrogate pair, which is no text, is replaced in %d of %d texts; the first"
            " is text %d, counted from 0", len(places), len(texts), places[0],
        )  # fmt: skip
    return found
