"""Parquet: what went in comes out, as rows or as rejects."""

from __future__ import annotations

import io
import struct
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fanfold.errors import UserError
from fanfold.tables.batch import Batch, Reject
from fanfold.tables.formats.parquet import read_parquet
from fanfold.tables.table import read_table


def read(table: pa.Table, batch_rows: int = 65536) -> list[Batch]:
    file = io.BytesIO()
    pq.write_table(table, file)
    return list(read_parquet(partial(io.BytesIO, file.getvalue()), batch_rows=batch_rows))


def test_types_are_kept_and_rows_are_numbered_across_batches() -> None:
    table = pa.table({
        "n": pa.array([1, None, 3], pa.int32()),
        "nested": [[1.5], [], None],
        "raw": [b"\xff", b"", None],
        "text": ["NA", "", None],
    })  # fmt: skip
    batches = read(table, batch_rows=2)
    assert pa.Table.from_batches([batch.rows for batch in batches]).equals(table)
    assert [batch.lines.tolist() for batch in batches] == [[1, 2], [3]]


def test_text_of_every_kind_becomes_plain_strings() -> None:
    kinds = [pa.string(), pa.large_string(), pa.string_view()]
    columns = [pa.array(["é", None], kind) for kind in kinds]
    columns.append(columns[0].dictionary_encode())
    (batch,) = read(pa.table(columns, names=list("abcd")))
    assert set(batch.rows.schema.types) == {pa.string()}
    assert batch.rows.to_pylist() == [dict.fromkeys("abcd", "é"), dict.fromkeys("abcd")]


def test_text_whose_dictionary_differs_from_part_to_part_is_one_batch() -> None:
    values = [f"word{n % 3000}" for n in range(5000)]
    table = pa.table({"a": pa.array(values).dictionary_encode()})
    (batch,) = read(table)
    assert batch.rows.column("a").to_pylist() == values


def test_a_file_that_polars_wrote_is_read() -> None:
    frame = pl.DataFrame({"text": ["a", None], "kind": ["x", "y"], "n": [1, 2]})
    frame = frame.with_columns(pl.col("kind").cast(pl.Categorical))
    file = io.BytesIO()
    frame.write_parquet(file)
    (batch,) = read_parquet(partial(io.BytesIO, file.getvalue()))
    assert batch.rows.to_pylist() == frame.to_dicts()


def test_a_row_with_text_that_is_not_utf8_is_set_aside() -> None:
    # Each value by itself: together, the first two would be an é.
    text = pa.array([b"\xc3", b"\xa9", None, b"ok"], pa.binary()).view(pa.string())
    (batch,) = read(pa.table({"n": [1, 2, 3, 4], "text": text}))
    assert batch.rows.to_pylist() == [{"n": 3, "text": None}, {"n": 4, "text": "ok"}]
    assert batch.lines.tolist() == [3, 4]
    assert batch.rejects == [
        Reject(1, "column 'text' is not UTF-8", r'{"n": 1, "text": "\\xc3"}'),
        Reject(2, "column 'text' is not UTF-8", r'{"n": 2, "text": "\\xa9"}'),
    ]


def test_a_good_row_can_be_set_aside_later_with_its_number_and_values() -> None:
    (batch,) = read(pa.table({"n": [1, None], "text": ["é", "x"]}))
    assert batch.reject(0, "not wanted") == Reject(1, "not wanted", '{"n": 1, "text": "é"}')
    assert batch.reject(1, "not wanted") == Reject(2, "not wanted", '{"n": null, "text": "x"}')


def test_columns_of_one_name_are_all_told() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array(["x"]), pa.array([True])], ["a", "a", ""])
    (batch,) = read(table)
    assert batch.raw(0) == '{"a": 1, "a": "x", "": true}'


@pytest.mark.parametrize("page", ["1.0", "2.0"])
def test_a_bit_that_flips_in_a_page_with_a_checksum_is_told(page: str, tmp_path: Path) -> None:
    """Of a page without one it is not: its numbers would be others."""
    path = tmp_path / "t.parquet"
    how = {"write_page_checksum": True, "compression": "none", "use_dictionary": False}
    pq.write_table(pa.table({"n": pa.array([77.25] * 9)}), path, data_page_version=page, **how)
    whole = path.read_bytes()
    place = whole.index(struct.pack("<d", 77.25) * 9) + 20
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(UserError, match=r"cannot read '.*t\.parquet': damaged.* CRC checksum"):
        list(read_table(str(path)))


def test_a_file_without_rows_tells_its_columns() -> None:
    (batch,) = read(pa.table({"n": pa.array([], pa.int64()), "text": pa.array([], pa.string())}))
    assert batch.rows.schema.names == ["n", "text"]
    assert batch.rows.num_rows == 0
