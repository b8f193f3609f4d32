"""A column of every type that Arrow can write to Parquet, with the values that are hard to show."""

from __future__ import annotations

import decimal
import uuid

import numpy as np
import pyarrow as pa

ROWS = 24
LARGEST = 2**63 - 1
BYTES = [b"\xff\xfe", b"ok", None]


def _whole(kind: pa.DataType, *values: int) -> pa.Array:
    """A column of a type that is stored as integers, a null behind the values."""
    stored = pa.int32() if kind.bit_width == 32 else pa.int64()
    return pa.array([*values, None], stored).view(kind)


def _stored(kind: pa.DataType, values: list[object]) -> pa.Array:
    """A column of an extension type."""
    return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))


def _lists(values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(np.arange(len(values) + 1, dtype=np.int32), values)


DATES = _whole(pa.date32(), 0, 2**31 - 1, -(2**31), 2932897, -719163)
NOT_UTF8 = pa.array(BYTES, pa.binary()).view(pa.string())
DIGITS = [decimal.Decimal("1.50"), decimal.Decimal("-0.01"), None]

SIMPLE = {
    "null": pa.nulls(3),
    "bool": pa.array([True, False, None]),
    "int8": pa.array([-128, 127, None], pa.int8()),
    "uint64": pa.array([2**64 - 1, 0, None], pa.uint64()),
    "half": pa.array(np.array([1.5, np.nan, np.inf], np.float16)),
    "float": pa.array([1e300, float("nan"), None]),
    "date32": DATES,
    "date64": _whole(pa.date64(), 0, 86_400_000 * 106_751_991_167, -86_400_000 * 106_751_991_167),
    "time32": _whole(pa.time32("s"), 0, 86_399, 86_400, -1, 2**31 - 1),
    "time64": _whole(pa.time64("us"), 0, 86_400_000_000, -1, LARGEST),
    "time64 ns": _whole(pa.time64("ns"), 1, LARGEST, -LARGEST),
    "decimal32": pa.array(DIGITS, pa.decimal32(9, 2)),
    "decimal64": pa.array(DIGITS, pa.decimal64(18, 2)),
    "decimal128": pa.array(DIGITS, pa.decimal128(38, 2)),
    "decimal256": pa.array(DIGITS, pa.decimal256(76, 2)),
    "short text": pa.array(["é", "", None]),
    "large text": pa.array(["é", "", None], pa.large_string()),
    "view": pa.array(["é", "", None], pa.string_view()),
    "not utf8": NOT_UTF8,
    "binary": pa.array(BYTES),
    "binary view": pa.array(BYTES, pa.binary_view()),
    "fixed binary": pa.array(BYTES, pa.binary(2)),
    "categories": pa.array(["a", "b", None]).dictionary_encode(),
    "categories of bytes": pa.array(BYTES).dictionary_encode(),
    "categories of dates": DATES.dictionary_encode(),
}
NESTED = {
    "list": _lists(DATES),
    "list of text": _lists(NOT_UTF8),
    "list of categories": _lists(pa.array(["a", "b", None]).dictionary_encode()),
    "list of views": _lists(pa.array(["a", "b", None], pa.string_view())),
    "large list": pa.array([[1], [], None], pa.large_list(pa.int8())),
    "list view": pa.array([[1], [], None], pa.list_view(pa.int8())),
    "fixed list": pa.array([[1, 2], [3, None], None], pa.list_(pa.int8(), 2)),
    "struct": pa.array([{"a": {"b": [1.5]}}, {"a": None}, None]),
    "twins": pa.StructArray.from_arrays([DATES, pa.array(range(6))], names=["a", "a"]),
    "map": pa.array([[("a", 1), ("a", 2)], [], None], pa.map_(pa.string(), pa.int8())),
    "map of dates": pa.MapArray.from_arrays([0, 1, 3, 5], DATES.drop_null(), DATES[1:]),
}
EXTENDED = {
    "uuid": pa.array([uuid.UUID(int=1).bytes, None], pa.uuid()),
    "bool8": _stored(pa.bool8(), [1, 0, None]),
    "json": _stored(pa.json_(), ["{}", "1", None]),
    "opaque": _stored(pa.opaque(pa.int8(), "t", "v"), [1, 0, None]),
    "tensor": _stored(pa.fixed_shape_tensor(pa.int8(), [2]), [[1, 2], [3, 4]]),
}
ZONES = (None, "UTC", "Europe/Paris", "+01:00", "Mars/Phobos", "+25:00", "")
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
YEAR_10000 = 253_402_300_800


def _times(unit: str, zone: str | None) -> pa.Array:
    most = LARGEST // 1000 if unit == "s" else LARGEST  # Parquet writes seconds as milliseconds
    year_10000 = min(YEAR_10000 * UNITS[unit], most)
    return _whole(pa.timestamp(unit, zone), 0, most, -most, year_10000)


TIMES = {f"timestamp[{unit}, {zone}]": _times(unit, zone) for unit in UNITS for zone in ZONES}
DURATIONS = {f"duration[{unit}]": _whole(pa.duration(unit), 1, LARGEST) for unit in UNITS}


def _repeated(values: pa.Array) -> pa.Array:
    return pa.concat_arrays([values] * ROWS).slice(0, ROWS)


KINDS = {
    name: _repeated(values)
    for name, values in {**SIMPLE, **NESTED, **EXTENDED, **TIMES, **DURATIONS}.items()
}
"""Name -> a column of `ROWS` rows."""
