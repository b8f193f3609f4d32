"""Every format and compression gives the same rows; what cannot be read is told plainly."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fanfold.errors import UserError
from fanfold.tables.batch import Batch
from fanfold.tables.sample import csv_stream
from fanfold.tables.table import read_table, require_columns

ROWS = [
    {"id": "1", "text": "plain", "votes": "3"},
    {"id": "2", "text": 'a comma, a "quote" and\r\ntwo lines', "votes": "4.50"},
    {"id": "3", "text": "NA", "votes": ""},
    {"id": "4", "text": "", "votes": "nul"},
    {"id": "5", "text": " köln\t東京 ", "votes": "-1e9"},
]


def written(folder: Path, name: str) -> str:
    """A file of that name that holds ROWS, written by other means than those under test."""
    plain = folder / name.removesuffix(".gz").removesuffix(".zst").removesuffix(".zstd")
    kind = plain.suffix.lower()
    if kind in (".csv", ".tsv"):
        with plain.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(
                file, list(ROWS[0]), dialect="excel-tab" if "t" in kind else "excel"
            )
            writer.writeheader()
            writer.writerows(ROWS)
    elif kind == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), plain)
    else:
        plain.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    path, data = folder / name, plain.read_bytes()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(data))
    elif path != plain:
        path.write_bytes(pa.compress(data, codec="zstd", asbytes=True))
    return str(path)


def rows_of(batches: list[Batch]) -> list[dict[str, str]]:
    return [row for batch in batches for row in batch.rows.to_pylist()]


@pytest.mark.parametrize("compression", ["", ".gz", ".zst", ".zstd"])
@pytest.mark.parametrize("ending", [".csv", ".TSV", ".jsonl", ".ndjson", ".json"])
def test_each_format_and_compression_gives_the_same_rows(
    tmp_path: Path, ending: str, compression: str
) -> None:
    batches = list(read_table(written(tmp_path, f"my table{ending}{compression}")))
    assert rows_of(batches) == ROWS
    assert not any(batch.rejects for batch in batches)


def test_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    assert rows_of(list(read_table(written(tmp_path, "t.parquet")))) == ROWS


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
@pytest.mark.parametrize("batch_rows", [1, 2, 5, 100])
def test_batches_are_no_larger_than_asked_and_keep_line_and_text(
    tmp_path: Path, name: str, batch_rows: int
) -> None:
    uri = written(tmp_path, name)
    batches = list(read_table(uri, batch_rows=batch_rows))
    assert rows_of(batches) == ROWS
    assert max(batch.rows.num_rows for batch in batches) <= batch_rows
    (whole,) = read_table(uri)
    expected = [whole.reject(i, "no") for i in range(len(ROWS))]
    assert [b.reject(i, "no") for b in batches for i in range(b.rows.num_rows)] == expected


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_batches_of_long_rows_hold_few_of_them(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"text": [f"{n} " + "ab " * 3000 for n in range(3000)]})
    path = tmp_path / f"long{ending}"
    if ending == ".parquet":
        frame.to_parquet(path)
    else:
        path.write_text(
            frame.to_csv(index=False)
            if ending == ".csv"
            else frame.to_json(orient="records", lines=True)
        )
    sizes = [batch.rows.nbytes for batch in read_table(str(path))]
    assert sum(sizes) > 27e6 and max(sizes) < 18e6
    assert rows_of(list(read_table(str(path)))) == frame.to_dict("records")


def test_rejects_come_once_when_a_batch_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3\n4,5\n6,7,8\n9,10\n")
    batches = list(read_table(str(path), batch_rows=1))
    assert [batch.lines.tolist() for batch in batches] == [[2], [4], [6]]
    assert [reject.line for batch in batches for reject in batch.rejects] == [3, 5]


def test_a_sample_is_a_table() -> None:
    batches = list(read_table("sample:20000"))
    good, bad = len(rows_of(batches)), sum(len(batch.rejects) for batch in batches)
    assert (good + bad, bad > 0) == (20_000, True)
    lines = csv_stream(20_000).read().decode("latin-1").split("\n")
    for reject in (reject for batch in batches for reject in batch.rejects):
        there = lines[(reject.line or 0) - 1].encode("latin-1")
        assert there.decode("utf-8", "backslashreplace") == reject.text.split("\n")[0]


@pytest.mark.parametrize("uri", ["t.txt", "t", "t.csv.bz2", "t.parquet.gz", "csv", "sample"])
def test_a_name_that_tells_no_format_is_refused_at_once(uri: str) -> None:
    with pytest.raises(UserError, match=r"format of .*\.csv \.tsv \.jsonl.*\.gz.*sample:ROWS"):
        read_table(uri)


def test_a_missing_file_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv"):
        next(read_table(str(tmp_path / "none.csv")))


@pytest.mark.parametrize("name", ["t.csv.gz", "t.jsonl.gz", "t.csv.zst", "t.jsonl.zst"])
@pytest.mark.parametrize("damage", [lambda data: data[:-6], lambda data: b"id,text\n" * 9])
def test_a_damaged_compressed_file_is_named(tmp_path: Path, name: str, damage) -> None:  # type: ignore[no-untyped-def]
    path = Path(written(tmp_path, name))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=rf"cannot read '.*{name}': damaged"):
        list(read_table(str(path)))


@pytest.mark.parametrize("data", [b"", b"id,text\n1,2\n", b"PAR1" + bytes(50) + b"PAR1"])
def test_what_is_no_parquet_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"cannot read '.*t\.parquet': damaged"):
        list(read_table(str(path)))


TWINS = [["1", "2", "x"], ["3", "4", "y"]]
"""Rows of two columns of one name, and one of another."""


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize("name", ["a", ""])
def test_two_columns_of_one_name_are_read_where_neither_is_needed(
    tmp_path: Path, ending: str, name: str
) -> None:
    path, names = tmp_path / f"t{ending}", [name, name, "b"]
    if ending == ".parquet":
        columns = [pa.array(values) for values in zip(*TWINS, strict=True)]
        pq.write_table(pa.Table.from_arrays(columns, names), path)
    else:
        frame = pd.DataFrame(TWINS, columns=names)
        frame.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
    (batch,) = read_table(str(path))
    require_columns(batch.rows.schema.names, ["b"], str(path))
    columns = [column.to_pylist() for column in batch.rows.columns]
    assert [list(row) for row in zip(*columns, strict=True)] == TWINS
    assert all(value in batch.raw(0) for value in TWINS[0])
    with pytest.raises(UserError, match=rf"columns of .*t{ending}' are named '{name}': rename"):
        require_columns(batch.rows.schema.names, ["b", name], str(path))


def test_a_missing_column_is_named_with_those_there_and_the_nearest() -> None:
    require_columns(["up_votes", "text"], ["text"], "t.csv")
    message = (
        "no column 'up_vote' in 't.csv', which has 'up_votes', 'text'; did you mean 'up_votes'"
    )
    with pytest.raises(UserError, match=message):
        require_columns(["up_votes", "text"], ["text", "up_vote"], "t.csv")
    with pytest.raises(UserError, match=r"'c29' and 70 more$"):
        require_columns([f"c{i}" for i in range(100)], ["text"], "t.csv")
