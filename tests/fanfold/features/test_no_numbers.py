"""Targets that are no numbers: the likely cause is named with cells of the column."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fanfold.errors import UserError
from fanfold.features.no_numbers import likely_cause
from tests.fanfold.preprocessed import ROWS, run, write_csv

CAUSES = [
    (["1,5", "2,25", "-0,5"], "decimal commas"),
    (["1.234,5", "1.234", "12.000"], "decimal commas"),
    (["1,500", "2,5"], "decimal commas"),
    (["1,234", "12,345,678", "1,234.50"], "thousands separators"),
    (["1 234", "12 345 678"], "thousands separators"),
    (["1\u202f234", "1'234"], "thousands separators"),
    (["12%", "12.5 %"], "percent signs"),
    (["$12", "$1,200.50", "-$3"], "currency signs"),
    (["12 €", "1,50 €"], "currency signs"),
    (["EUR 12", "12 USD"], "currency signs"),
    (["setosa", "versicolor"], "words"),
    (["yes", "no"], "words"),
    (["2024-01-31", "2024-02-01 10:00:00"], "dates or times"),
    (["31.01.2024", "12:30"], "dates or times"),
    (["", "NA", "n/a", "-"], "no value"),
    (["3 km", "12.5 km"], "more than digits"),
    (["4/5", "1/2"], "more than digits"),
    (["\u22123.5", "\u22120.25"], "more than digits"),
    (["(1.5)", "0x1f"], "more than digits"),
    (["{}", "[1]"], ""),
    ([], ""),
]


@pytest.mark.parametrize(("cells", "cause"), CAUSES, ids=lambda value: str(value)[:20])
def test_the_likely_cause_is_named_with_some_of_the_cells(cells: list[str], cause: str) -> None:
    said = likely_cause({"y": cells})
    assert (cause in said) if cause else said == ""
    if said:
        assert said.startswith("Likely cause: the column 'y' ") and repr(cells[0]) in said


def test_what_most_cells_are_is_named_and_no_more_than_three_are_shown() -> None:
    said = likely_cause({"x": ["NA"], "y": ["NA", *(f"class {letter}" for letter in "abcdef")]})
    assert "column 'y' holds words ('class a', 'class b', 'class c'), and" in said


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("spelt", "cause"),
    [
        (lambda n: ["setosa", "virginica"][n % 2], r"words \('(setosa|virginica)', .* 1 where it"),
        (lambda n: f"{n},5", "decimal commas .* write a point"),
    ],
)
def test_the_error_on_bad_rows_says_the_likely_cause(
    tmp_path: Path, ending: str, spelt: object, cause: str
) -> None:
    rows = [{**row, "y": spelt(row["id"])} for row in ROWS]  # type: ignore[operator]
    frame, data = pl.DataFrame(rows), tmp_path / f"data{ending}"
    {".csv": frame.write_csv, ".jsonl": frame.write_ndjson, ".parquet": frame.write_parquet}[
        ending
    ](data)
    with pytest.raises(UserError, match=f"50 of 50 rows are bad(.|\n)*Likely cause: .*{cause}"):
        run(data)


def test_a_target_that_is_only_undefined_somewhere_has_no_such_cause(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        run(write_csv(tmp_path / "data.csv", ROWS), target="log(y - 20)")
    assert "Likely cause" not in str(refused.value)
