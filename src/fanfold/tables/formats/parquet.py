"""Parquet: native types, but text of every kind (large, view, dictionary) as plain strings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from fanfold.tables.batch import Batch, OpenStream, Reject, stretches, where
from fanfold.tables.formats.row_json import row_json

FEW_ROWS = 256
"""Rows that are decoded at a time: only then is it known how long they are."""


def read_parquet(open_stream: OpenStream, *, batch_rows: int = 65536) -> Iterator[Batch]:
    """Batches of a Parquet file; a row with text that is not UTF-8 is set aside.

    Rows have no lines: they are numbered from 1. Their raw text is a JSON object. The checksums
    of pages are verified where the file has them.

    Args:
        open_stream: gives the file; it must be able to seek.
        batch_rows: most rows of a batch, good and bad.
    """
    with open_stream() as stream:
        file = pa.parquet.ParquetFile(stream, page_checksum_verification=True)
        first = 1
        few = min(FEW_ROWS, batch_rows)
        parts = file.iter_batches(few)
        for some in stretches(parts, batch_rows // few, lambda part: part.nbytes):
            rows = pa.concat_batches(some)
            yield _batch(rows, first)
            first += rows.num_rows
        if first == 1:
            yield _batch(pa.RecordBatch.from_pylist([], file.schema_arrow), first)


def _batch(rows: pa.RecordBatch, first: int) -> Batch:
    """The batch of `rows`, whose first row is row `first` of the file."""
    schema = _with_text_as(rows.schema, pa.string())
    # Arrow trusts the text of a Parquet file: only a cast from bytes to string looks at it.
    rows = rows.cast(_with_text_as(rows.schema, pa.large_binary()))
    bad: dict[int, str] = {}
    try:
        plain = rows.cast(schema)
    except pa.ArrowInvalid:
        bad = _not_utf8(rows, schema)
        plain = where(rows, np.isin(np.arange(rows.num_rows), list(bad), invert=True)).cast(schema)
    good = np.delete(np.arange(rows.num_rows), np.array(list(bad), np.int64))
    return Batch(
        plain,
        first + good,
        lambda i: row_json(rows, int(good[i])),
        [Reject(first + i, reason, row_json(rows, i)) for i, reason in sorted(bad.items())],
    )


def _with_text_as(schema: pa.Schema, kind: pa.DataType) -> pa.Schema:
    """`schema`, its text columns of type `kind`."""

    def is_text(type_: pa.DataType) -> bool:
        if pa.types.is_dictionary(type_):
            type_ = type_.value_type
        tests = pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view
        return any(test(type_) for test in tests)

    return pa.schema([field.with_type(kind) if is_text(field.type) else field for field in schema])


def _not_utf8(rows: pa.RecordBatch, schema: pa.Schema) -> dict[int, str]:
    """What is wrong with each row that has a text (by `schema`) that is not UTF-8."""
    bad: dict[int, str] = {}
    for field, column in zip(schema, rows.columns, strict=True):
        if pa.types.is_string(field.type):
            for i, value in enumerate(column.to_pylist()):
                if value is not None and not _is_utf8(value):
                    bad.setdefault(i, f"column {field.name!r} is not UTF-8")
    return bad


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
