"""What the settings ask of preprocessing: target, columns, splits, formats."""

from __future__ import annotations

import datetime
import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fanfold.errors import UserError
from fanfold.features.corpus import load_corpus
from fanfold.features.preprocess import build_corpus
from fanfold.settings.search import Settings
from tests.fanfold.preprocessed import ROWS, rejects, run, whole, write_csv


def test_a_target_is_computed_and_where_it_cannot_be_the_row_is_set_aside(tmp_path: Path) -> None:
    rows = [{**row, "z": row["id"] - 10} for row in ROWS]
    data = write_csv(tmp_path / "data.csv", rows)
    summary = run(data, target="log(z) / (y - 20)", max_bad_rows=0.5)
    assert [int(line) for line, _, _ in rejects(tmp_path)] == [*range(2, 13), 22]
    assert summary["rows_rejected"] == 12
    assert rejects(tmp_path)[-1][1] == "the target is not a finite number: z='10' y='20'"
    corpus = load_corpus(tmp_path / "corpus")
    possible = {n: math.log(n - 10) / (n - 20) for n in range(11, 50) if n != 20}
    assert set(np.round(corpus.target, 12)) <= {round(value, 12) for value in possible.values()}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"target": "y +"}, "y +"),
        ({"target": "__import__('os')"}, "allowed"),
        ({"target": "log2(y)"}, r"calls log2\(\); did you mean 'log"),
        ({"target": "1 + 2"}, "names no column"),
        ({"target": "z"}, "no column 'z' in .* which has 'id', 'text', 'y'"),
        ({"text_column": "txt"}, "no column 'txt' .* did you mean 'text'"),
        (
            {"text_column": "definition"},
            "no column 'definition', which the default text_column needs: give --text-column"
            r" \(in Python and by --set: text_column\); its columns are 'id', 'text', 'y'",
        ),
        (
            {"text_column": "definition", "target": "log1p(up_votes + down_votes)"},
            "'definition', .* give --text-column and --target .*: text_column and target",
        ),
        ({"target": "log1p(up_votes + down_votes)"}, "'up_votes', .* default target .* --target"),
        ({"split_column": "part"}, "no column 'part'"),
        ({"split_column": "y"}, "split_column holds '0'"),
        ({"folds": 41}, "40 training rows with text cannot make 41 folds"),
        ({"data": "nowhere.csv"}, "no file at 'nowhere.csv'"),
    ],
)
def test_a_wrong_setting_is_named_and_leaves_nothing_behind(
    tmp_path: Path, how: dict[str, Any], message: str
) -> None:
    write_csv(tmp_path / "data.csv", ROWS)
    chosen = {"data": str(tmp_path / "data.csv"), "text_column": "text", "target": "y", **how}
    out = tmp_path / "out"
    with pytest.raises(UserError, match=message):
        build_corpus(Settings(**chosen), corpus=out / "c", test=out / "t", rejects=out / "r.csv")
    assert not out.exists() or {path.name for path in out.iterdir()} <= {"r.csv"}


@pytest.mark.parametrize(
    ("column", "kind"),
    [([[1, 2]], "list"), ([{"a": 1}], "struct"), ([b"\xff"], "binary")],
)
@pytest.mark.parametrize("role", ["text_column", "target", "fold_column"])
def test_a_column_of_neither_text_nor_numbers_is_refused(
    tmp_path: Path, column: list[Any], kind: str, role: str
) -> None:
    frame = pl.DataFrame({"y": range(50), "text": ["a"] * 50, "odd": column * 50})
    frame.write_parquet(tmp_path / "data.parquet")
    with pytest.raises(UserError, match=rf"column 'odd' of .* holds (large_)?{kind}.* are needed"):
        run(tmp_path / "data.parquet", **{role: "odd"})


DAY = datetime.date(2024, 1, 31)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.period_range("2020", periods=50, freq="M"), "extension<pandas.period"),
        (pd.arrays.IntervalArray.from_breaks(range(51)), "extension<pandas.interval"),
        (pd.to_timedelta(range(50), unit="s"), "duration"),
        (pa.array(range(50)).cast(pa.decimal256(60, 2)), "decimal256"),
    ],
)
@pytest.mark.parametrize("role", ["text_column", "target", "fold_column", "group_column"])
def test_a_column_of_what_polars_cannot_read_is_refused(
    tmp_path: Path, column: Any, kind: str, role: str
) -> None:
    odd = column if isinstance(column, pa.Array) else pa.array(column)
    table = pa.table({"y": range(50), "text": ["a"] * 50, "odd": odd})
    pq.write_table(table, tmp_path / "data.parquet")
    with pytest.raises(UserError, match=rf"column 'odd' of .* holds {kind}.* are needed; convert"):
        run(tmp_path / "data.parquet", **{role: "odd"})


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (DAY, "date32"),
        (datetime.time(1, 2), "time64"),
        (datetime.datetime(2024, 1, 31), "timestamp"),
        (datetime.datetime(2024, 1, 31, tzinfo=datetime.UTC), "timestamp"),
    ],
)
def test_dates_and_times_are_labels_and_no_target(tmp_path: Path, value: Any, kind: str) -> None:
    table = pa.table({"y": range(50), "text": ["a"] * 50, "when": [value] * 50})
    pq.write_table(table, tmp_path / "data.parquet")
    with pytest.raises(UserError, match=rf"'when' of .* holds {kind}.*: numbers are needed; conv"):
        run(tmp_path / "data.parquet", target="y + when")
    run(tmp_path / "data.parquet", text_column="when")
    with pytest.raises(UserError, match=r"fold_column has 1 label\(s\) .*(2024-01-31|01:02)"):
        run(tmp_path / "data.parquet", fold_column="when")


def test_decimals_and_truths_are_numbers(tmp_path: Path) -> None:
    decimals = pa.array(range(50)).cast(pa.decimal128(24, 2))
    truths = [number % 2 == 0 for number in range(50)]
    table = pa.table({"y": decimals, "text": ["a"] * 50, "even": truths})
    pq.write_table(table, tmp_path / "data.parquet")
    run(tmp_path / "data.parquet", target="y + even / 2")
    assert {value % 2 for value in load_corpus(tmp_path / "corpus").target} == {0.5, 1}


def written(folder: Path, frame: pl.DataFrame) -> list[Path]:
    """The frame in every format."""
    frame.write_csv(folder / "data.csv")
    frame.write_csv(folder / "data.tsv", separator="\t")
    frame.write_ndjson(folder / "data.jsonl")
    frame.write_parquet(folder / "data.parquet")
    return sorted(folder.glob("data.*"))


def test_a_target_of_truths_is_the_same_in_every_format(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS)
    numbers = frame.with_columns(y=pl.col("id") % 2)
    numbers.write_csv(tmp_path / "numbers.csv")
    expected = run(tmp_path / "numbers.csv")["corpus_digest"]
    paths = written(tmp_path, frame.with_columns(y=pl.col("id") % 2 == 1))
    assert [run(path)["corpus_digest"] for path in paths] == [expected] * 4


def test_a_target_of_truths_and_numbers_is_the_same_in_every_format(tmp_path: Path) -> None:
    mixed = [["true", "False", str(row["id"])][row["id"] % 3] for row in ROWS]
    frame = pl.DataFrame(ROWS).with_columns(y=pl.Series(mixed))
    digests = {run(path, target="y * 2")["corpus_digest"] for path in written(tmp_path, frame)}
    values = {float({"true": 1, "False": 0}.get(text, text)) * 2 for text in mixed}
    assert len(digests) == 1 and set(load_corpus(tmp_path / "corpus").target) < values


NAMED = ["Sales total", "Sub-Total", "votes.total", "class", "price ($)", "log1p", "text - id"]


@pytest.mark.parametrize("name", NAMED)
def test_a_numeric_column_is_the_target_by_its_name_in_every_format(
    tmp_path: Path, name: str
) -> None:
    frame = pl.DataFrame(ROWS).with_columns((pl.col("id") * 2).alias(name))
    for path in written(tmp_path, frame):
        run(path, target=name)
        corpus = load_corpus(tmp_path / "corpus")
        assert set(corpus.target) < {2.0 * number for number in range(50)}
        assert corpus.settings["target"] == name


def test_not_a_number_is_no_label_and_no_text(tmp_path: Path) -> None:
    """pandas writes NaN where a number is missing, and so does what reads a file of pandas."""
    labels = pa.array([math.nan if number % 5 == 0 else number % 2 for number in range(50)])
    table = pa.table({"y": range(50), "text": ["a"] * 50, "odd": labels})
    pq.write_table(table, tmp_path / "data.parquet")
    with pytest.raises(UserError, match=r"fold_column is empty in \d+ training rows"):
        run(tmp_path / "data.parquet", fold_column="odd")
    with pytest.raises(UserError, match="split_column holds None"):
        run(tmp_path / "data.parquet", split_column="odd")
    summary = run(tmp_path / "data.parquet", text_column="odd", test_fraction=0.1)
    assert summary["rows_empty"] > 0
    corpus = load_corpus(tmp_path / "corpus")
    assert corpus.text.vocabulary == ("0.0", "1.0") and all(corpus.target % 5)


def test_numbers_and_dates_are_text_where_text_is_asked_for(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS).with_columns(when=pl.lit("2024-01-31").str.to_date())
    frame.write_parquet(tmp_path / "data.parquet")
    run(tmp_path / "data.parquet", text_column="when")
    assert load_corpus(tmp_path / "corpus").text.vocabulary == ("01", "2024", "31")
    run(tmp_path / "data.parquet", text_column="id", target="-id")
    corpus = load_corpus(tmp_path / "corpus")
    assert set(corpus.text.vocabulary) == {str(-int(value)) for value in corpus.target}


def test_the_digest_is_of_the_rows_and_not_of_the_file(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", ROWS)
    frame = pl.DataFrame(ROWS)
    packed = tmp_path / "data.csv.gz"
    packed.write_bytes(gzip.compress(data.read_bytes()))
    frame.write_csv(tmp_path / "data.tsv", separator="\t")
    frame.write_ndjson(tmp_path / "data.jsonl")
    frame.write_parquet(tmp_path / "data.parquet")
    digests = {run(path)["corpus_digest"] for path in sorted(tmp_path.glob("data.*"))}
    assert len(digests) == 1
    assert {run(data, seed=1)["corpus_digest"], run(data, folds=4)["corpus_digest"]}.isdisjoint(
        digests
    )


def test_split_fold_and_group_columns_are_followed(tmp_path: Path) -> None:
    rows = [
        {
            **row,
            "part": "test" if row["id"] % 10 < 2 else "train",
            "fold": ["x", "b", "a"][row["id"] % 3] if row["id"] % 10 >= 2 else "",
            "group": row["id"] // 2,
        }
        for row in ROWS
    ]
    data = write_csv(tmp_path / "data.csv", rows)
    run(data, split_column="part", fold_column="fold")
    corpus = load_corpus(tmp_path / "corpus")
    assert corpus.fold_labels == ("a", "b", "x")
    folds = [corpus.fold_labels[fold] for fold in corpus.fold]
    assert folds == [rows[int(y)]["fold"] for y in corpus.target]
    assert corpus.target.tolist() == [n for n in range(50) if n % 10 >= 2]

    run(data, group_column="group", folds=4)
    corpus = load_corpus(tmp_path / "corpus")
    held_out = {int(row) // 2 for row in pl.read_parquet(tmp_path / "test.parquet")["id"]}
    groups = corpus.target.astype(int) // 2
    assert held_out.isdisjoint(groups.tolist())
    assert all(len(set(corpus.fold[groups == group].tolist())) == 1 for group in set(groups))
    with pytest.raises(UserError, match=r"group .* lies on two sides"):
        run(data, group_column="group", fold_column="fold", split_column="part")


def test_a_sample_is_a_table_too(tmp_path: Path) -> None:
    summary = build_corpus(
        Settings(data="sample:400", folds=3),
        corpus=tmp_path / "c",
        test=tmp_path / "t.parquet",
        rejects=tmp_path / "r.csv",
    )
    assert summary["rows_read"] == whole(summary) == 400
    corpus = load_corpus(tmp_path / "c")
    assert corpus.fold_labels == ("1", "2", "3") and corpus.settings["data"] == "sample:400"
