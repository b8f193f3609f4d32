"""Whatever Parquet can hold: a column of it is used, or refused in words, in whatever role."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fanfold.errors import UserError
from tests.fanfold.arrow_kinds import KINDS, ROWS
from tests.fanfold.preprocessed import rejects, run, whole

ROLES = ("text_column", "target", "split_column", "fold_column", "group_column")
UNUSABLE = ("decimal256", "binary", "bytes", "list", "struct", "twins", "map", "duration",
            "uuid", "bool8", "json", "opaque", "tensor")  # fmt: skip


def write(folder: Path, columns: dict[str, pa.Array]) -> Path:
    plain = {"text": [f"word{row % 5}" for row in range(ROWS)], "y": list(range(ROWS))}
    pq.write_table(pa.table({**plain, **columns}), folder / "data.parquet")
    return folder / "data.parquet"


@pytest.mark.parametrize("role", ROLES)
def test_a_column_of_any_type_is_read_or_refused_in_words(tmp_path: Path, role: str) -> None:
    used = []
    for name, column in KINDS.items():
        data = write(tmp_path, {"odd": column})
        how = {"folds": 2, "max_bad_rows": 0.9, role: "odd"}
        try:
            summary = run(data, **how)
        except UserError as error:
            assert "odd" in str(error) or role in str(error) or "rows" in str(error), name
        else:
            assert whole(summary) == ROWS, name
            used.append(name)
    assert all(not any(part in name for part in UNUSABLE) for name in used)
    expected = {"text_column": "date32", "target": "decimal128", "group_column": "date32"}
    assert expected.get(role) in (*used, None)
    assert ("timestamp[us, Mars/Phobos]" in used) == (role in ("text_column", "group_column"))


def test_a_rejected_row_shows_columns_of_any_type_that_are_not_needed(tmp_path: Path) -> None:
    y = pa.array([None if row % 2 else float(row) for row in range(ROWS)])
    others = {name: column for name, column in KINDS.items() if name != "not utf8"}
    data = write(tmp_path, {**others, "y": y})
    summary = run(data, folds=2, max_bad_rows=0.5)
    assert (summary["rows_rejected"], whole(summary)) == (ROWS // 2, ROWS)
    shown = [json.loads(text) for _, _, text in rejects(tmp_path)]
    assert [list(row) for row in shown] == [["text", "y", *others]] * (ROWS // 2)


def test_rows_of_any_type_are_held_out_as_they_were_read(tmp_path: Path) -> None:
    others = {name: column for name, column in KINDS.items() if name != "not utf8"}
    numbered = pa.array(range(ROWS))
    data = write(tmp_path, {"row": numbered, **others})
    run(data, folds=2)
    test, table = pq.read_table(tmp_path / "test.parquet"), pq.read_table(data)
    assert test.num_rows
    for place, row in enumerate(test.column("row").to_pylist()):
        for name in others:
            assert shown(test.column(name), place) == shown(table.column(name), row), name


def shown(column: pa.ChunkedArray, place: int) -> str:
    """One value as Arrow prints it, which needs no object of Python's."""
    value = pa.concat_arrays(column.slice(place, 1).chunks)
    value = value.dictionary_decode() if pa.types.is_dictionary(value.type) else value
    return str(value.to_string())
