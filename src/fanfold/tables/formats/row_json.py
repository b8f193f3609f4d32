"""A row of Arrow as the text of a JSON object, whatever Arrow can hold.

Python has no objects for all of it: dates beyond the year 9999, zones that this machine does not
know, structs with two fields of one name, text that is not UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from fanfold.tables.times import stored_as, times_as_strings


def row_json(rows: pa.RecordBatch, i: int) -> str:
    """Row `i` as a JSON object; of columns of one name it has each."""
    columns = zip(rows.schema.names, rows.columns, strict=True)
    return _object((name, column[i]) for name, column in columns)


def _object(fields: Iterable[tuple[str, pa.Scalar]]) -> str:
    return "{" + ", ".join(f"{_text(name)}: {_json(value)}" for name, value in fields) + "}"


def _list(values: Iterable[pa.Scalar]) -> str:
    return "[" + ", ".join(map(_json, values)) + "]"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _json(value: pa.Scalar) -> str:
    types, kind = pa.types, value.type
    if not value.is_valid:
        return "null"
    if isinstance(value, pa.ExtensionScalar | pa.DictionaryScalar):
        return _text(value.as_py()) if isinstance(value, pa.UuidScalar) else _json(value.value)
    if types.is_struct(kind):
        return _object((field.name, value[n]) for n, field in enumerate(kind))
    if types.is_map(kind):
        return "[" + ", ".join(_list([pair[0], pair[1]]) for pair in value.values) + "]"
    if types.is_nested(kind):
        return _list(value.values)
    if types.is_duration(kind):
        return _text(f"{value.value} {kind.unit}")
    if types.is_temporal(kind):
        return _text(times_as_strings(pa.array([value.value], stored_as(kind)).view(kind))[0])
    if hasattr(value, "as_buffer"):  # text or bytes
        return _text(value.as_buffer().to_pybytes().decode("utf-8", "backslashreplace"))
    return _text(value.as_py())
