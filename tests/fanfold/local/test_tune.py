"""`fanfold.tune`: the whole walk in one process."""

from __future__ import annotations

import dataclasses
import html
import json
import logging
import re
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

import fanfold
from fanfold.errors import UserError
from fanfold.local.tune import TuneResult
from fanfold.models.predict_table import predict_table
from fanfold.storage import AccessDenied, published
from fanfold.tables.table import read_table
from tests.contract import FILES

GRID = {"max_depth": [2, 4], "n_estimators": [5, 15]}
TARGET = "log1p(up_votes + down_votes)"


def frame(rows: int = 400) -> pd.DataFrame:
    read = pl.concat([pl.from_arrow(batch.rows) for batch in read_table(f"sample:{rows}")])
    votes = pl.col("up_votes", "down_votes").cast(pl.Float64, strict=False)
    return read.with_columns(votes).drop_nulls().to_pandas()


@pytest.fixture(scope="module")
def result() -> TuneResult:
    return fanfold.tune(frame(), grid=GRID, folds=3)


def test_a_frame_a_csv_and_a_parquet_file_give_the_same_leaderboard(
    result: TuneResult, tmp_path: Path
) -> None:
    frame().to_csv(tmp_path / "table.csv", index=False)
    frame().to_parquet(tmp_path / "table.parquet", index=False)
    for name in ("table.csv", "table.parquet"):
        other = fanfold.tune(tmp_path / name, grid=GRID, folds=3)
        scores = ["candidate", "rmse_mean", "rmse_std_err", "mae_mean", "rsq_mean"]
        pd.testing.assert_frame_equal(
            other.leaderboard[scores], result.leaderboard[scores], check_exact=True
        )
        assert other.metrics == result.metrics
        assert other.summary["corpus_digest"] == result.summary["corpus_digest"]


def test_the_winner_leads_and_the_baseline_stands_last(result: TuneResult) -> None:
    board = result.leaderboard
    assert board["candidate"].iloc[0] == result.best["candidate"]
    assert board["candidate"].iloc[-1] == "baseline" and pd.isna(board["rank"].iloc[-1])
    assert board["rmse_mean"].iloc[:4].is_monotonic_increasing
    assert board["max_depth"].iloc[0] == result.best["parameters"]["max_depth"]
    means = result.scores.query("metric == 'rmse'").groupby("candidate")["value"].mean()
    np.testing.assert_allclose(board.set_index("candidate")["rmse_mean"], means[board["candidate"]])


def test_test_metrics_are_those_of_the_model_on_rows_it_never_saw(tmp_path: Path) -> None:
    table = frame().assign(
        split=["test" if row % 4 == 0 else "train" for row in range(len(frame()))]
    )
    result = fanfold.tune(table, grid=GRID, folds=3, split_column="split")
    held_out = table[table["split"] == "test"]
    truth = np.log1p(held_out["up_votes"] + held_out["down_votes"])
    estimate = result.model.predict(held_out)
    assert result.summary["rows_test"] == len(held_out)
    assert result.metrics["rmse"] == pytest.approx(
        root_mean_squared_error(truth, estimate), abs=1e-12
    )
    assert result.metrics["mae"] == pytest.approx(mean_absolute_error(truth, estimate), abs=1e-12)


def test_the_result_shows_itself_in_a_frame_of_its_own(result: TuneResult) -> None:
    shown = result._repr_html_()
    assert shown.startswith("<iframe") and 'sandbox="allow-scripts"' in shown
    assert shown.count("<") == 2, "the page inside is escaped"
    assert len(shown) < 90_000, "a notebook may hold many"
    page = re.search("srcdoc='([^']*)'", shown)
    assert page and page[1].count("&lt;script") == 0
    assert result.best["sentence"] in html.unescape(html.unescape(page[1]))


def test_a_result_a_model_and_settings_say_in_a_line_what_they_are(result: TuneResult) -> None:
    assert repr(result).startswith(f"TuneResult(candidates=4, best={result.best['parameters']}, ")
    assert f"'rmse': {result.metrics['rmse']:.4g}" in repr(result)
    said = repr(result.model)
    assert said.startswith(f"Model(estimator='xgboost', target='{TARGET}', text_column='defin")
    assert f"rows_train={result.summary['rows_train']}" in said
    assert max(map(len, (said, repr(result)))) < 250
    assert repr(fanfold.Settings()) == "Settings()"
    settings = fanfold.Settings(data="posts.csv", folds=3)
    assert repr(settings) == "Settings(data='posts.csv', folds=3)"


def test_who_has_changed_the_leaderboard_sees_the_report_all_the_same(result: TuneResult) -> None:
    board = result.leaderboard.rename(columns={"rmse_mean": "rmse"})
    changed = dataclasses.replace(result, leaderboard=board)
    shown = html.unescape(html.unescape(changed._repr_html_()))
    assert result.best["sentence"] in shown


def test_a_grid_of_numpy_values_is_a_grid(result: TuneResult) -> None:
    grid = {"max_depth": np.array([2, 4]), "n_estimators": [np.int64(5), np.int64(15)]}
    assert fanfold.tune(frame(), grid=grid, folds=3).best["candidate"] == result.best["candidate"]


def test_text_settings_count_as_hyperparameters_of_every_candidate() -> None:
    result = fanfold.tune(
        frame(), grid={"n_estimators": [5]}, folds=2, text__max_tokens=7, text__weighting="count"
    )
    assert result.best["parameters"] == {
        "n_estimators": 5, "text__max_tokens": 7, "text__weighting": "count",
    }  # fmt: skip
    assert len(result.model.features.tokens) == 7


def test_folds_and_groups_that_the_user_brings_are_obeyed() -> None:
    table = frame().assign(
        part=lambda f: np.where(f.index % 3 == 0, "b", "a"), who=lambda f: f.index % 9
    )
    by_fold = fanfold.tune(table, grid={"n_estimators": [5]}, fold_column="part")
    assert sorted(set(by_fold.scores["fold"])) == ["a", "b"]
    by_group = fanfold.tune(table, grid={"n_estimators": [5]}, folds=3, group_column="who")
    assert by_group.summary["rows_train"] + by_group.summary["rows_empty"] < len(table)


def test_a_scikit_learn_regressor_walks_the_same_way() -> None:
    result = fanfold.tune(
        frame(), estimator="sklearn.linear_model.Ridge", grid={"alpha": [0.01, 1.0]}, folds=2
    )
    assert result.best["parameters"]["alpha"] in (0.01, 1.0)
    assert result.model.predict(["love"]).shape == (1,)


def test_the_output_folder_holds_every_file_of_the_contract(tmp_path: Path) -> None:
    output = tmp_path / "found"
    result = fanfold.tune("sample:400", grid=GRID, folds=2, output=output)
    assert {path.name for path in output.iterdir()} == FILES
    assert json.loads((output / "best.json").read_text()) == result.best
    summary = json.loads((output / "summary.json").read_text())
    parts = ("rows_train", "rows_empty", "rows_test", "rows_rejected")
    assert summary["rows_read"] == 400 == sum(summary[part] for part in parts)
    assert list(tmp_path.iterdir()) == [output], "nothing is left beside it"


def test_another_price_of_an_hour_is_the_same_search(tmp_path: Path) -> None:
    given = {"data": "sample:400", "grid": GRID, "folds": 2, "ledger": str(tmp_path / "ledger")}
    before, after = fanfold.tune(**given), fanfold.tune(**given, cpu_hour_price=0.05)
    assert (before.summary["folds_computed"], after.summary["folds_computed"]) == (8, 0)
    assert before.summary["corpus_digest"] == after.summary["corpus_digest"]
    assert before.summary["settings"] | {"cpu_hour_price": 0.05} == after.summary["settings"]
    assert before.best == after.best


def test_an_output_that_exists_is_not_overwritten_without_being_told(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    with pytest.raises(UserError, match=r"exists and is not empty"):
        fanfold.tune("sample:400", grid=GRID, output=tmp_path)
    assert (tmp_path / "precious").read_text() == "kept"
    with pytest.raises(UserError, match=r"holds what no search wrote \(precious\): name another"):
        fanfold.tune("sample:400", grid=GRID, output=tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_mistake_is_named_before_the_table_is_read() -> None:
    with pytest.raises(UserError, match=r"max_depht.*did you mean 'max_depth'"):
        fanfold.tune("nowhere.csv", grid={"max_depht": [3]})
    with pytest.raises(UserError, match=r"no setting is named 'fold'.*did you mean 'folds'"):
        fanfold.tune("nowhere.csv", fold=3)


def test_a_folder_of_parquet_files_is_named_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "table.parquet"
    folder.mkdir()
    pd.DataFrame({"text": ["a"], "y": [1.0]}).to_parquet(folder / "part-0.parquet")
    with pytest.raises(UserError, match=r"is a folder, and one file is needed: .*read_parquet"):
        fanfold.tune(str(folder), text_column="text", target="y")


def test_a_column_may_be_both_text_and_target() -> None:
    table = pd.DataFrame({"votes": [row % 5 for row in range(200)]})
    result = fanfold.tune(
        table, text_column="votes", target="votes", grid={"n_estimators": [30]}, folds=2
    )
    assert result.metrics["rmse"] < 0.1


def test_codes_with_gaps_are_the_same_text_in_training_test_and_prediction(
    tmp_path: Path,
) -> None:
    """pandas would make floats of whole numbers where some are missing, and `5` would be `5.0`."""
    codes = [None if row % 7 == 0 else row % 5 for row in range(300)]
    votes = [0.0 if code is None else 10.0 * code for code in codes]
    sides = ["test" if row % 4 == 0 else "train" for row in range(300)]
    table = pl.DataFrame({"code": codes, "votes": votes, "side": sides})
    table.write_parquet(tmp_path / "codes.parquet")
    result = fanfold.tune(
        tmp_path / "codes.parquet", text_column="code", target="votes", split_column="side",
        grid={"n_estimators": [30]}, folds=2,
    )  # fmt: skip
    texts = ["" if code is None else str(code) for code in codes]
    expected = result.model.predict(texts)
    known = np.array([code is not None for code in codes])
    np.testing.assert_allclose(expected[known], np.array(votes)[known], atol=0.01)
    error = root_mean_squared_error(votes[::4], expected[::4])
    assert result.metrics["rmse"] == pytest.approx(error, abs=1e-12)
    predict_table(result.model, str(tmp_path / "codes.parquet"), tmp_path / "found.csv")
    found = pd.read_csv(tmp_path / "found.csv")["prediction"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_a_search_whose_bucket_takes_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upload(path: Path, uri: str) -> None:
        raise AccessDenied("access is denied")

    monkeypatch.setattr("fanfold.settings.paths.exists", lambda uri: False)
    monkeypatch.setattr(sys.modules[published.__module__], "seen", lambda uri, names: {})
    monkeypatch.setattr(sys.modules[published.__module__], "upload", upload)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AccessDenied, match="access is denied; nothing is lost: .*to s3://b/out"):
        fanfold.tune("sample:400", grid={"n_estimators": [5]}, folds=2, output="s3://b/out")
    (kept,) = tmp_path.glob("fanfold-kept-*/out")
    assert {path.name for path in kept.iterdir()} == FILES
    assert fanfold.load_model(kept / "model").predict(["love"]).shape == (1,)


def test_finished_folds_behind_a_link_are_remembered(tmp_path: Path) -> None:
    given = {"data": "sample:400", "grid": GRID, "folds": 2, "ledger": str(tmp_path / "ledger")}
    assert fanfold.tune(**given).summary["folds_computed"] == 8
    shutil.move(tmp_path / "ledger" / "folds", tmp_path / "disk")
    (tmp_path / "ledger" / "folds").symlink_to(tmp_path / "disk")
    summary = fanfold.tune(**given).summary
    assert (summary["folds_computed"], summary["folds_remembered"]) == (0, 8)


def test_data_ledger_and_output_may_lie_in_the_users_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    frame().to_csv(tmp_path / "home" / "words.csv", index=False)
    given = {"ledger": "~/ledger", "output": "~/found", "overwrite": True}
    for data in ("~/words.csv", Path("~/words.csv")):
        result = fanfold.tune(data, grid={"n_estimators": [5]}, folds=2, **given)
    assert result.summary["folds_remembered"] == 2
    names = {path.name for path in (tmp_path / "home").iterdir()}
    assert names == {"words.csv", "ledger", "found"}
    assert list((tmp_path / "here").iterdir()) == []


ODD = {
    "ranges": lambda rows: pd.cut(np.arange(rows), 3),
    "nothing": lambda rows: [{} for _ in range(rows)],
    "complex": lambda rows: np.full(rows, 1j),
    "mixed": lambda rows: [1, "a"] * (rows // 2),
    "huge": lambda rows: [2**70] * rows,
    "sparse": lambda rows: pd.arrays.SparseArray(np.zeros(rows)),
}


def test_a_column_that_parquet_cannot_hold_is_left_out_where_it_is_not_needed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = frame()
    table = table.iloc[: len(table) // 2 * 2]
    plain = fanfold.tune(table, grid={"n_estimators": [5]}, folds=2)
    odd = table.assign(**{name: make(len(table)) for name, make in ODD.items()})
    with caplog.at_level(logging.WARNING, "fanfold"):
        other = fanfold.tune(odd, grid={"n_estimators": [5]}, folds=2)
    assert other.metrics == plain.metrics and other.best == plain.best
    left_out = [r.getMessage() for r in caplog.records if "column_left_out" in r.getMessage()]
    assert len(left_out) == len(ODD)
    assert all(f"column={name!r}" in line for name, line in zip(ODD, left_out, strict=True))


def test_what_a_frame_carries_beside_its_columns_does_no_harm() -> None:
    table = frame()
    table.attrs = {"source": Path("posts.csv"), "lock": threading.Lock()}
    found = fanfold.tune(table, grid={"n_estimators": [5]}, folds=2)
    assert found.metrics and set(table.attrs) == {"source", "lock"}


def test_a_text_with_half_a_character_is_told_as_python_tells_it() -> None:
    texts = pd.Series(["a"] * 7 + ["\ud83d"], dtype=object)
    table = pd.DataFrame({"definition": texts, "up_votes": 1, "down_votes": 1})
    with pytest.raises(UserError, match="'definition' .* cannot be stored: .*surrogates not"):
        fanfold.tune(table)


@pytest.mark.parametrize("role", ["text_column", "target", "fold_column"])
@pytest.mark.parametrize("name", ODD)
def test_a_needed_column_that_parquet_cannot_hold_is_named(name: str, role: str) -> None:
    table = pd.DataFrame({"definition": ["a"] * 8, "up_votes": 1, "down_votes": 1})
    table[name] = ODD[name](8)
    with pytest.raises(UserError, match=f"'{name}' of the frame cannot be stored") as told:
        fanfold.tune(table, **{role: name})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("data", [None, {"a": [1]}, pd.Series(["a"])])
def test_what_is_no_table_is_refused(data: object) -> None:
    message = r"must be a path or a frame of pandas, polars or pyarrow but is a \w+$"
    with pytest.raises(UserError, match=message):
        fanfold.tune(data)  # type: ignore[arg-type]


def test_a_frame_with_two_columns_of_one_name_is_refused() -> None:
    table = pd.DataFrame([["a", "b"]] * 8, columns=["definition"] * 2)
    with pytest.raises(UserError, match=r"the frame has 2 columns 'definition': leave one$"):
        fanfold.tune(table)


def test_a_frames_column_is_the_target_by_its_name() -> None:
    table, quick = frame(), {"grid": {"n_estimators": [5]}, "folds": 2}
    named = table.assign(**{"votes.total": table["up_votes"], "votes": [[1]] * len(table)})
    found = fanfold.tune(named, target="votes.total", **quick)
    assert found.metrics == fanfold.tune(table, target="up_votes", **quick).metrics


def test_two_columns_of_one_name_do_no_harm_where_neither_is_needed() -> None:
    table, quick = frame(), {"grid": {"n_estimators": [5]}, "folds": 2}
    notes = pd.DataFrame([["a", 1]] * len(table), columns=["note", "note"], index=table.index)
    found = fanfold.tune(pd.concat([table, notes], axis="columns"), **quick)
    assert found.metrics == fanfold.tune(table, **quick).metrics
