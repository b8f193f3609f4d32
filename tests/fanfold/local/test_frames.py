"""Frames of pandas, polars and pyarrow as data, and targets that are values."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fanfold
from fanfold.errors import UserError
from fanfold.local.tune import TuneResult

ROWS = 60
GRID = {"n_estimators": [5]}


def table() -> pd.DataFrame:
    words = ["alpha", "beta", "gamma", "delta"]
    return pd.DataFrame(
        {
            "body": [f"{words[row % 4]} {words[row % 3]}" for row in range(ROWS)],
            "y": [float(row % 4) + 1 for row in range(ROWS)],
        }
    )


def search(data: Any, target: Any = "y", **settings: Any) -> TuneResult:
    given = {"text_column": "body", "grid": GRID, "folds": 2} | settings
    return fanfold.tune(data, target=target, **given)


@pytest.fixture(scope="module")
def expected() -> TuneResult:
    return search(table())


FRAMES: dict[str, Callable[[], Any]] = {
    "polars": lambda: pl.from_pandas(table()),
    "lazy polars": lambda: pl.from_pandas(table()).lazy(),
    "pyarrow": lambda: pa.Table.from_pandas(table()),
    "a record batch": lambda: pa.RecordBatch.from_pandas(table()),
    "what exports a stream": lambda: Exporter(pa.Table.from_pandas(table())),
    "categories": lambda: table().astype({"body": "category"}),
    "categories of polars": lambda: pl.from_pandas(table()).cast({"body": pl.Categorical}),
    "categories that are numbers": lambda: table().astype({"y": "category"}),
    "numbers that may be missing": lambda: table().astype({"y": "Int64"}),
    "objects": lambda: table().astype({"body": object, "y": object}),
    "an index of its own": lambda: table().set_index(pd.Index(range(7, 7 + ROWS), name="at")),
    "names that are numbers": lambda: table().assign(**{"0": 1}).rename(columns={"0": 0}),
}


class Exporter:
    """A table of a library that nobody knows here, which exports Arrow's stream."""

    def __init__(self, own: pa.Table) -> None:
        self._own = own

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._own.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("name", FRAMES)
def test_the_same_rows_of_any_library_are_the_same_search(name: str, expected: TuneResult) -> None:
    found = search(FRAMES[name]())
    assert found.summary["corpus_digest"] == expected.summary["corpus_digest"]
    assert found.metrics == expected.metrics
    np.testing.assert_array_equal(
        found.model.predict(FRAMES[name]()), expected.model.predict(table()["body"].tolist())
    )


TARGETS: dict[str, Callable[[], Any]] = {
    "a Series": lambda: table()["y"],
    "a Series without a name": lambda: table()["y"].rename(None),
    "a Series of polars": lambda: pl.from_pandas(table())["y"],
    "an array": lambda: table()["y"].to_numpy(),
    "a list": lambda: table()["y"].tolist(),
    "an array of pyarrow": lambda: pa.array(table()["y"]),
    "an expression": lambda: pl.col("y") * 1,
    "a column as an expression": lambda: pl.col("y"),
}


@pytest.mark.parametrize("frame", ["polars", "pyarrow", "pandas"])
@pytest.mark.parametrize("name", TARGETS)
def test_a_target_of_values_is_the_column_of_these(
    name: str, frame: str, expected: TuneResult
) -> None:
    found = search(FRAMES.get(frame, table)(), TARGETS[name]())
    assert found.metrics == expected.metrics
    assert found.summary["rows_train"] == expected.summary["rows_train"]


def test_a_target_that_is_a_column_of_the_frame_goes_by_its_name(expected: TuneResult) -> None:
    found = search(table(), table()["y"])
    assert found.summary == expected.summary | {
        name: found.summary[name] for name in ("started", "seconds", "cpu_seconds",
                                               "peak_memory_bytes")
    }  # fmt: skip


def test_values_never_hide_a_column_of_their_name(expected: TuneResult) -> None:
    data = table().assign(target=0.0, votes=0.0)
    for values, name in ((table()["y"].rename("votes"), "votes_"), (table()["y"].array, "target_")):
        found = search(data, values)
        assert found.summary["settings"]["target"] == name
        assert found.metrics == expected.metrics


@pytest.mark.parametrize("name", ["class", "2 x", "a`b", "", "log1p(y)", "x" * 2000, "y\n"])
def test_values_may_have_any_name(name: str, expected: TuneResult) -> None:
    assert search(table(), table()["y"].rename(name)).metrics == expected.metrics


def test_an_expression_is_evaluated_on_the_frame() -> None:
    by_polars = search(pl.from_pandas(table()), (pl.col("y") + 1).log())
    assert by_polars.metrics["rmse"] == pytest.approx(
        search(table(), "log1p(y)").metrics["rmse"], abs=1e-12
    )
    assert by_polars.summary["settings"]["target"].startswith('`[(col("y")) + (')
    named = search(table(), (pl.col("y") + 1).log().alias("closeness"))
    assert named.summary["settings"]["target"] == "closeness"


BAD_TARGETS: dict[str, tuple[Callable[[], Any], str]] = {
    "too short": (lambda: [1.0] * 5, r"target is 5 long, and the frame has 60 rows: give a value"),
    "an aggregate": (lambda: pl.col("y").mean(), r"target is 1 long, and the frame has 60 rows"),
    "another order": (lambda: table()["y"][::-1], r"index is not the frame's: give target\.loc"),
    "a table": (lambda: table()[["y"]], r"must be .* a value for each row, but is a DataFrame$"),
    "a number": (lambda: 5, r"must be .* but is a int$"),
    "a dict": (lambda: {"y": 1}, r"must be .* but is a dict$"),
    "a grid": (lambda: np.zeros((ROWS, 2)), r"target cannot be stored: only handle 1-dimensional"),
    "no such column": (lambda: pl.col("z"), r"^no column 'z' in the frame, which has 'body', 'y'"),
    "two columns": (lambda: pl.col("y", "body"), r"gives 2 columns: give one$"),
    "what fails": (lambda: pl.col("body").str.to_integer(), r"cannot be evaluated: "),
    "dates": (lambda: pd.Series(pd.date_range("2020", periods=ROWS)), r"numbers are needed"),
}


@pytest.mark.parametrize("name", BAD_TARGETS)
def test_a_target_that_is_not_a_number_a_row_is_told(name: str) -> None:
    make, message = BAD_TARGETS[name]
    with pytest.raises(UserError, match=message) as told:
        search(table(), make())
    assert "\n" not in str(told.value)


def test_values_need_a_frame(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(UserError, match=r"target is a Series, and the data a path: name a column"):
        search(tmp_path / "table.csv", table()["y"])


def test_a_frames_messages_report_and_files_name_no_scratch_file(
    expected: TuneResult, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UserError, match=r"^no column 'text' in the frame, which has 'body', 'y'$"):
        search(table(), text_column="text")
    with pytest.raises(UserError, match=r"^no column 'votes' in the frame, which has 'body', 'y'$"):
        search(pl.from_pandas(table()), "votes")
    with pytest.raises(
        UserError, match=r"^the column 'when' of the frame holds timestamp.* needed"
    ):
        search(table().assign(when=pd.Timestamp("2020")), "when")
    with caplog.at_level(logging.DEBUG):
        found = search(table())
    assert found.summary["data"] == {"uri": "frame:", "rows": ROWS, "columns": 2}
    assert found.model.manifest["data"] == found.summary["data"]
    assert "a frame of 60 rows and 2 columns" in found.report
    everything = [found.report, str(found.summary), str(found.model.manifest), caplog.text]
    assert not any("parquet" in text or f"{gettempdir()}/" in text for text in everything)


def test_a_table_given_by_path_is_identified_as_before(tmp_path: Path) -> None:
    table().to_parquet(tmp_path / "table.parquet", index=False)
    found = search(tmp_path / "table.parquet")
    assert found.summary["data"].keys() == {"uri", "size", "version"}
    assert found.summary["corpus_digest"] == search(table()).summary["corpus_digest"]


def test_a_frame_of_a_search_that_is_over_is_told(expected: TuneResult) -> None:
    settings = expected.summary["settings"]
    with pytest.raises(UserError, match=r"'frame:' is the frame of a search that is over: give"):
        fanfold.tune(**settings)


def test_columns_of_several_levels_are_refused(expected: TuneResult) -> None:
    data = table()
    data.columns = pd.MultiIndex.from_product([["a"], data.columns])
    for use in (search, expected.model.predict):
        with pytest.raises(UserError, match=r"columns have 2 levels, and one is needed: join them"):
            use(data)


def test_a_column_that_is_the_index_is_told() -> None:
    with pytest.raises(UserError, match=r"no column 'body' .* whose index it is: .*reset_index"):
        search(table().set_index("body"))


def test_only_a_needed_column_must_have_a_name_of_its_own(expected: TuneResult) -> None:
    twins = pd.concat([table(), pd.DataFrame({"n": [1] * ROWS, "m": [2] * ROWS})], axis=1)
    twins.columns = pd.Index(["body", "y", "n", "n"])
    assert search(twins).metrics == expected.metrics
    twins.columns = pd.Index(["body", "y", "y", "n"])
    with pytest.raises(UserError, match=r"the frame has 2 columns 'y': leave one$"):
        search(twins)


def test_a_needed_column_that_is_sparse_or_mixed_says_what_to_do() -> None:
    sparse = table().astype({"y": pd.SparseDtype(float)})
    with pytest.raises(
        UserError, match=r"'y' of the frame cannot be stored: it is sparse, and .sp"
    ):
        search(sparse)
    mixed = table().assign(body=[1, "a"] * (ROWS // 2))
    with pytest.raises(UserError, match=r"holds values of several types: int, str; convert it"):
        search(mixed)
    with pytest.raises(UserError, match=r"^the target cannot be .*: it holds .*: float, str; conv"):
        search(table(), [1.5, "a"] * (ROWS // 2))
    objects = pl.DataFrame({"body": pl.Series([object()] * ROWS), "y": [1.0] * ROWS})
    with pytest.raises(UserError, match=r"'body' of the frame cannot be stored: it holds objects"):
        search(objects)


def test_a_frame_without_rows_or_columns_is_told() -> None:
    with pytest.raises(UserError, match=r"^no column 'body' in the frame, which has none"):
        search(pd.DataFrame())
    with pytest.raises(UserError):
        search(table()[:0])


def test_a_folder_called_frame_may_be_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    search(table(), output="frame")
    assert (tmp_path / "frame" / "best.json").exists()


@pytest.mark.parametrize(
    "texts",
    [
        pl.Series(["alpha", None, "beta"]),
        pa.array(["alpha", None, "beta"]),
        pa.chunked_array([["alpha"], [None, "beta"]]),
        pd.Series(["alpha", None, "beta"]),
        np.array(["alpha", None, "beta"], dtype=object),
    ],
)
def test_a_column_of_any_library_is_predicted_as_its_texts(
    texts: Any, expected: TuneResult
) -> None:
    found = expected.model.predict(texts)
    np.testing.assert_array_equal(found, expected.model.predict(["alpha", "", "beta"]))


def test_predicting_from_what_is_no_list_of_texts_is_told(expected: TuneResult) -> None:
    with pytest.raises(UserError, match="was given a dict"):
        expected.model.predict({"body": ["alpha"]})  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"reads the column 'body', and the frame has 'text'"):
        expected.model.predict(pl.DataFrame({"text": ["alpha"]}))


def test_columns_whose_labels_are_numbers_are_named_by_them() -> None:
    table = pd.DataFrame([["a b", 1.0], ["c d", 2.0], ["a d", 3.0]] * 10)
    found = fanfold.tune(table, text_column=0, target=1, grid={"n_estimators": [2]}, folds=2)
    assert (found.summary["settings"]["text_column"], found.summary["settings"]["target"]) == (
        "0",
        "1",
    )
