from __future__ import annotations

import csv
import datetime
import gzip
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fanfold import Model, load_model, tune
from fanfold.errors import UserError
from fanfold.models.predict_table import number_rows, predict_table
from fanfold.models.texts import texts_of
from fanfold.tables.batch import Batch, Reject
from fanfold.tables.columns import as_texts
from fanfold.tables.table import read_table

HEADER = ["id", "text"]
TEXTS = [f"red {'blue ' * (n % 5)}{'green ' * (n % 3)}" for n in range(60)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("found")
    frame = pd.DataFrame({"text": TEXTS, "size": [n % 5 + n % 3 for n in range(60)]})
    grid = {"n_estimators": [10], "max_depth": [2]}
    tune(frame, text_column="text", target="size", grid=grid, folds=2, output=folder / "out")
    return load_model(folder / "out" / "model")


def predictions_in(path: Path) -> list[tuple[int, float]]:
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    assert list(frame.columns) == ["row", "prediction"]
    return list(zip(frame["row"].tolist(), frame["prediction"].tolist(), strict=True))


@pytest.mark.parametrize("output", ["out.csv", "out.parquet"])
def test_each_row_has_the_models_prediction_and_a_bad_row_an_empty_one(
    model: Model, tmp_path: Path, output: str
) -> None:
    lines = [
        b"id,text",
        b"1,red blue",
        b"2",
        b'3,"red\nred, green"',
        b"4,\xff\xfe",
        b"5,",
        b"6,a,b",
    ]
    (tmp_path / "in.csv").write_bytes(b"\r\n".join(lines) + b"\r\n")
    done = predict_table(model, str(tmp_path / "in.csv"), tmp_path / output)
    assert done == (6, 3)
    first, third, fifth = model.predict(["red blue", "red\nred, green", ""])
    found = predictions_in(tmp_path / output)
    assert [row for row, _ in found] == [1, 2, 3, 4, 5, 6]
    expected = [first, math.nan, third, math.nan, fifth, math.nan]
    np.testing.assert_array_equal([value for _, value in found], expected)


def test_rows_join_back_to_a_table_of_many_batches(model: Model, tmp_path: Path) -> None:
    path, bad = tmp_path / "in.csv.gz", {1, 2, 70_000, 140_000, 140_001}
    with gzip.open(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for n in range(1, 140_002):
            writer.writerow([n] if n in bad else [n, TEXTS[n % 60]])
    assert predict_table(model, str(path), tmp_path / "out.parquet") == (140_001, len(bad))
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert found["row"].tolist() == list(range(1, 140_002))
    by_text = model.predict(TEXTS)
    expected = np.array([math.nan if n in bad else by_text[n % 60] for n in range(1, 140_002)])
    np.testing.assert_array_equal(found["prediction"], expected)


def test_bad_rows_that_are_told_long_before_their_place_are_numbered_in_their_place() -> None:
    import pyarrow as pa

    def batch(lines: list[int], rejects: list[int]) -> Batch:
        rows = pa.record_batch({"text": [""] * len(lines)})
        bad = [Reject(line, "bad", "") for line in rejects]
        return Batch(rows, np.array(lines, dtype=np.int64), str, bad)

    batches = [batch([2, 5], [3, 6, 9]), batch([], []), batch([7, 8], []), batch([11], [12])]
    frames = list(number_rows((each, each.lines * 1.0) for each in batches))
    whole = pd.concat(frames, ignore_index=True)
    assert whole["row"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    nan = math.nan
    np.testing.assert_array_equal(whole["prediction"], [2, nan, 5, nan, 7, 8, nan, 11, nan])


def test_a_table_without_rows_gives_a_file_without_rows(model: Model, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n")
    assert predict_table(model, str(tmp_path / "in.csv"), tmp_path / "out.csv") == (0, 0)
    assert (tmp_path / "out.csv").read_text() == "row,prediction\n"


def test_a_null_in_json_is_an_empty_text_and_not_a_bad_row(model: Model, tmp_path: Path) -> None:
    rows = [{"text": "red"}, {"text": None}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert predict_table(model, str(tmp_path / "in.jsonl"), tmp_path / "out.csv") == (2, 0)
    expected = list(enumerate(model.predict(["red", None]), start=1))
    assert predictions_in(tmp_path / "out.csv") == expected


def test_a_table_without_the_models_column_is_an_error_and_leaves_nothing(
    model: Model, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("id,texts\n1,red\n")
    with pytest.raises(UserError, match="'text'.*did you mean 'texts'"):
        predict_table(model, str(tmp_path / "in.csv"), tmp_path / "out.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["in.csv"]


def test_an_output_of_another_format_is_an_error_that_says_which_there_are(
    model: Model, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"out\.xlsx' must end in \.csv or \.parquet"):
        predict_table(model, "sample:10", tmp_path / "out.xlsx")


@pytest.mark.parametrize(
    "kinds",
    [
        [1e-5, 1e20, math.nan, 0.5],
        [datetime.date(2020, 1, 1 + each) for each in range(4)],
        list(pd.date_range("2020", periods=4)),
        [True, False, True, False],
        [7, 8, 9, 10],
        pd.Categorical(["red", "blue", "green", "red"]),
    ],
)
def test_a_frame_is_predicted_as_the_table_that_it_becomes(
    model: Model, tmp_path: Path, kinds: list[object]
) -> None:
    """The texts are compared: two spellings of one value may be predicted alike by chance."""
    frame = pd.DataFrame({"text": kinds})
    frame.to_parquet(tmp_path / "in.parquet")
    predict_table(model, str(tmp_path / "in.parquet"), tmp_path / "out.csv")
    found = [value for _, value in predictions_in(tmp_path / "out.csv")]
    np.testing.assert_array_equal(model.predict(frame), found)
    (batch,) = read_table(str(tmp_path / "in.parquet"))
    spelt = as_texts(batch.rows.column("text")).to_list()
    assert texts_of(frame, "text") == texts_of(frame["text"], "text") == spelt


def test_a_table_whose_column_is_neither_text_nor_numbers_is_refused(
    model: Model, tmp_path: Path
) -> None:
    pd.DataFrame({"text": pd.to_timedelta([1, 2])}).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(UserError, match=r"'text' of '.*in.parquet' holds duration.* are needed"):
        predict_table(model, str(tmp_path / "in.parquet"), tmp_path / "out.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["in.parquet"]


def test_rows_in_an_old_encoding_are_told_with_how_to_convert_the_table(
    model: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in.csv").write_bytes(b"text\nred\ncaf\xe9\nblue\n")
    assert predict_table(model, str(tmp_path / "in.csv"), tmp_path / "out.csv") == (3, 1)
    assert "likely cp1252 or Latin-1: convert it, `iconv -f cp1252" in caplog.messages[-1]


def test_lone_quotes_cost_their_rows_predictions_alone(model: Model, tmp_path: Path) -> None:
    lines = ['"' * (n in (3, 7, 8)) + text for n, text in enumerate(TEXTS)]
    (tmp_path / "in.csv").write_text("\n".join(["text", *lines, ""]))
    assert predict_table(model, str(tmp_path / "in.csv"), tmp_path / "out.csv") == (60, 3)
    empty = [row for row, value in predictions_in(tmp_path / "out.csv") if math.isnan(value)]
    assert empty == [4, 8, 9]
