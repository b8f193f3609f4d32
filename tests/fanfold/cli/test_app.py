"""The real command: the files it writes, what it prints and what a terminal shows."""

from __future__ import annotations

import json
import os
import pty
import re
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from fanfold import __version__, load_model
from fanfold.settings.search import fields
from fanfold.tables.sample import csv_stream
from tests.contract import FILES
from tests.fanfold.command import (
    BAD,
    EMPTY,
    FANFOLD,
    GRID,
    SMALL,
    all_of,
    description,
    fanfold,
    json_of,
    rows_of,
    write_packages,
)
from tests.fanfold.earlier import write_earlier

METRICS = ("rmse", "mae", "rsq")
COST = ("--cpu-hour-price", "0.05", "--estimated-cpu-hours", "2")


@dataclass(frozen=True)
class Tuned:
    """A search that ended well: its folder, what it printed, and what its terminal showed."""

    folder: Path
    out: str
    screen: str

    @property
    def output(self) -> Path:
        return self.folder / "found"


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """`fanfold tune` with its standard error on a terminal."""
    folder = tmp_path_factory.mktemp("tuned")
    write_packages(folder / "packages.csv")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*FANFOLD, "tune", "packages.csv", *SMALL, *COST, "--output", "found"],
        cwd=folder,
        env={**os.environ, "COLUMNS": "60", "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    screen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", all_of(ours))  # without colours and moves
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, screen
    return Tuned(folder, out, screen)


def test_tune_writes_the_files_of_the_contract_and_leaves_nothing_beside(tuned: Tuned) -> None:
    assert {path.name for path in tuned.output.iterdir()} == FILES
    assert {path.name for path in tuned.folder.iterdir()} == {"packages.csv", "found"}


def test_the_leaderboard_has_a_row_a_candidate_best_first_and_the_baseline(tuned: Tuned) -> None:
    board = rows_of(tuned.output / "leaderboard.csv")
    statistics_of = [f"{metric}_{what}" for metric in METRICS for what in ("mean", "std_err", "n")]
    assert list(board[0]) == [
        *("rank", "candidate", "max_depth", "n_estimators"),
        *(*statistics_of, "n", "columns", "fit_seconds", "cpu_seconds", "error", "same_as"),
    ]
    assert [row["rank"] for row in board] == ["1", "2", "3", "4", ""]
    assert board[-1]["candidate"] == "baseline"
    combinations = {(row["max_depth"], row["n_estimators"]) for row in board[:4]}
    assert combinations == {("2", "5"), ("2", "10"), ("3", "5"), ("3", "10")}
    means = [float(row["rmse_mean"]) for row in board[:4]]
    assert means == sorted(means)


def test_the_leaderboards_means_and_errors_are_those_of_the_scores(tuned: Tuned) -> None:
    scores = rows_of(tuned.output / "scores.csv")
    columns = "candidate fold metric value ok error columns remembered"
    columns += " fit_seconds cpu_seconds peak_memory_bytes"
    assert set(scores[0]) == set(columns.split())
    board = {row["candidate"]: row for row in rows_of(tuned.output / "leaderboard.csv")}
    assert len(scores) == len(board) * 3 * len(METRICS)
    assert {row["ok"] for row in scores} == {"True"}
    for candidate, row in board.items():
        for metric in ("rmse", "mae"):
            values = [
                float(each["value"])
                for each in scores
                if (each["candidate"], each["metric"]) == (candidate, metric)
            ]
            assert float(row[f"{metric}_mean"]) == pytest.approx(statistics.fmean(values))
            error = statistics.stdev(values) / len(values) ** 0.5
            assert float(row[f"{metric}_std_err"]) == pytest.approx(error)
            assert row[f"{metric}_n"] == row["n"] == "3"


def test_best_is_the_first_of_the_leaderboard_and_its_parameters_have_their_types(
    tuned: Tuned,
) -> None:
    best, first = json_of(tuned.output / "best.json"), rows_of(tuned.output / "leaderboard.csv")[0]
    assert best["candidate"] == first["candidate"]
    assert best["mean"] == float(first["rmse_mean"])
    assert (best["metric"], best["selection"]) == ("rmse", "best")
    parameters = {name: int(first[name]) for name in ("max_depth", "n_estimators")}
    assert best["parameters"] == parameters
    assert load_model(tuned.output / "model").manifest["parameters"] == parameters


def test_every_row_read_is_accounted_for(tuned: Tuned) -> None:
    summary = json_of(tuned.output / "summary.json")
    parts = ("rows_train", "rows_test", "rows_rejected", "rows_empty")
    assert summary["rows_read"] == 300 == sum(summary[part] for part in parts)
    assert summary["rows_rejected"] == len(BAD)
    assert summary["rows_test"] == 60 or summary["rows_test"] == 59
    assert summary["rows_empty"] <= 1
    rejects = rows_of(tuned.output / "rejects.csv")
    assert [int(row["line"]) for row in rejects] == [number + 1 for number in BAD]
    assert [row["text"].strip() for row in rejects] == list(BAD.values())
    assert [row["line"] for row in summary["first_rejects"]] == [n + 1 for n in BAD]


def test_the_summary_says_what_ran_on_what_at_what_cost(tuned: Tuned) -> None:
    summary = json_of(tuned.output / "summary.json")
    board = rows_of(tuned.output / "leaderboard.csv")[-1]
    assert summary["baseline"] == {
        "rmse": float(board["rmse_mean"]),
        "mae": float(board["mae_mean"]),
        "rsq": None,
    }
    assert set(summary["settings"]) == {each.name for each in fields()}
    assert summary["settings"]["grid"] == GRID
    assert summary["data"]["uri"] == "packages.csv"
    assert len(summary["corpus_digest"]) == 64
    assert {"python", "xgboost"} <= set(summary["versions"])
    assert min(summary[cost] for cost in ("seconds", "cpu_seconds", "peak_memory_bytes")) > 0


def test_the_test_metrics_are_numbers_by_name(tuned: Tuned) -> None:
    metrics = json_of(tuned.output / "metrics.json")
    assert list(metrics) == list(METRICS)
    assert metrics["rmse"] >= metrics["mae"] > 0


def test_tune_ends_by_telling_what_won_how_it_stands_and_where_the_report_is(tuned: Tuned) -> None:
    best, metrics = json_of(tuned.output / "best.json"), json_of(tuned.output / "metrics.json")
    lines = tuned.out.splitlines()
    assert lines[-1] == f"Report: {Path('found') / 'report.html'}"
    assert best["sentence"] in lines
    assert f"The winner of 4 candidates: {best['candidate']}" in lines
    assert f"{best['mean']:.4f}" in tuned.out
    assert f"{metrics['rmse']:.4f}" in tuned.out
    assert all(line == line.rstrip() for line in lines if not line.startswith(" "))


def test_what_it_cost_stands_in_the_terminal_and_the_report_beside_what_was_estimated(
    tuned: Tuned,
) -> None:
    hours = json_of(tuned.output / "summary.json")["cpu_seconds"] / 3600
    said = re.search(r"processor time \(estimated: 2 h 00 min\), (\S+) at 0.05 a vCPU", tuned.out)
    assert said and float(said[1]) == pytest.approx(0.05 * hours, rel=0.05)
    page = (tuned.output / "report.html").read_text().replace("\u00a0", " ")
    assert page.count(f"(estimated: 2 h), {said[1]} at 0.05 a vCPU hour") == 2


def test_a_terminal_shows_the_search_live_within_its_width(tuned: Tuned) -> None:
    assert "✓ train_final" in tuned.screen
    assert "12/12" in tuned.screen
    assert "mean rmse on 3 of 3 folds, 4 of 4 candidates" in tuned.screen
    assert max(map(len, tuned.screen.splitlines())) <= 60


def test_predict_writes_each_rows_number_and_the_models_prediction(tuned: Tuned) -> None:
    ended = fanfold("predict", "found/model", "packages.csv", "--output", "p.csv", cwd=tuned.folder)
    assert (ended.code, ended.out) == (0, "300 rows: p.csv\nprediction: log1p(kib)\n")
    assert "1 of 300 rows could not be read: their prediction is empty" in ended.err
    found = rows_of(tuned.folder / "p.csv")
    assert [row["row"] for row in found] == [str(number) for number in range(1, 301)]
    numbers = [number for number in range(1, 301) if number != EMPTY and number not in BAD]
    texts = [description(number) for number in numbers]
    expected = load_model(tuned.output / "model").predict(texts)
    assert [float(found[n - 1]["prediction"]) for n in numbers] == expected.tolist()
    assert found[19]["prediction"] == ""
    (tuned.folder / "p.csv").unlink()


def test_predict_takes_what_a_search_wrote_for_its_model(tuned: Tuned, tmp_path: Path) -> None:
    table = tuned.folder / "packages.csv"
    written = []
    for model, name in (("found", "a.csv"), ("found/model", "b.csv")):
        ended = fanfold("predict", tuned.folder / model, table, "--output", name, cwd=tmp_path)
        assert ended.code == 0, ended.err
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("model", ["found", "found/model"])
def test_predict_of_table_and_model_in_turned_order_says_so(
    tuned: Tuned, tmp_path: Path, model: str
) -> None:
    chosen = ("packages.csv", model, "--output", tmp_path / "o.csv")
    ended = fanfold("predict", *chosen, cwd=tuned.folder)
    assert (ended.code, ended.out) == (2, "")
    said = "error: the model comes first, then the table: fanfold predict"
    assert ended.err == f"{said} {model} packages.csv --output FILE\n"


def test_tune_takes_a_file_of_parameters_that_options_override(
    tuned: Tuned, tmp_path: Path
) -> None:
    parameters = {
        **{"data": str(tuned.folder / "packages.csv"), "text_column": "description"},
        **{"target": "log1p(kib)", "grid": json.loads(GRID), "folds": 5},
        "train_final_memory": "1Gi",  # of the pods: the file is one for `run` and `submit` too
    }
    (tmp_path / "params.json").write_text(json.dumps(parameters))
    chosen = ("--params", "params.json", "--folds", "3", "--output", "found")
    ended = fanfold("tune", *chosen, cwd=tmp_path)
    assert ended.code == 0, ended.err
    ours, theirs = (
        [{k: v for k, v in row.items() if "seconds" not in k} for row in rows_of(path)]
        for path in (tmp_path / "found/leaderboard.csv", tuned.output / "leaderboard.csv")
    )
    assert ours == theirs


def test_a_damaged_model_ends_with_1_and_names_the_file(tuned: Tuned, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for path in (tuned.output / "model").iterdir():
        content = path.read_bytes()
        (model / path.name).write_bytes(content[:-1] if path.suffix != ".json" else content)
    ended = fanfold(
        "predict", model, tuned.folder / "packages.csv", "--output", "o.csv", cwd=tmp_path
    )
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert line.startswith("error: ")
    assert "booster.ubj" in line


def test_overwrite_replaces_a_folder_and_plain_lines_tell_how_far_it_is(tmp_path: Path) -> None:
    write_earlier(tmp_path / "found")
    (tmp_path / "grid.json").write_text(GRID)
    chosen = ("--grid", "grid.json", "--set", "folds=2", "--output", "found", "--overwrite")
    ended = fanfold("tune", "sample:300", *chosen, cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert json_of(tmp_path / "found" / "best.json")["candidate"]
    lines = ended.err.splitlines()
    stages = [line for line in lines if ":" not in line]
    assert stages == ["expand_grid", "preprocess", "cross_validate", "select_best", "train_final"]
    assert lines[-3].startswith("cross_validate: 8/8 (100 %), best rmse ")
    assert ended.out.splitlines()[-1].startswith("Report: ")


@pytest.mark.slow
def test_run_gives_the_files_and_the_leaderboard_that_tune_gives(tuned: Tuned) -> None:
    parameters = {"text_column": "description", "target": "log1p(kib)", "grid": json.loads(GRID)}
    (tuned.folder / "params.json").write_text(json.dumps({**parameters, "folds": 5}))
    chosen = ("--params", "params.json", "--set", "folds=3", "--metric", "rmse")
    ended = fanfold("run", "packages.csv", *chosen, "--output", "ran", cwd=tuned.folder)
    assert ended.code == 0, ended.err
    ran = tuned.folder / "ran"
    files = sorted(path.relative_to(tuned.output) for path in tuned.output.rglob("*"))
    assert sorted(path.relative_to(ran) for path in ran.rglob("*")) == files
    ours, theirs = (
        [{k: v for k, v in row.items() if "seconds" not in k} for row in rows_of(folder)]
        for folder in (tuned.output / "leaderboard.csv", ran / "leaderboard.csv")
    )
    assert ours == theirs
    assert "cross_validate: 12/12 (100 %)" in ended.err
    assert ended.out.splitlines()[-1] == f"Report: {Path('ran') / 'report.html'}"


def test_sample_writes_the_rows_that_the_seed_says(tmp_path: Path) -> None:
    ended = fanfold("sample", "--rows", "50", "--seed", "7", "--output", "a.csv", cwd=tmp_path)
    assert (ended.code, ended.out) == (0, "50 rows: a.csv\n")
    written = (tmp_path / "a.csv").read_bytes()
    assert written.startswith(b"word_id,word,up_votes,down_votes,author,definition\n1,")
    assert written == csv_stream(50, seed=7).read() != csv_stream(50).read()


def test_compile_writes_the_pipeline_for_an_image(tmp_path: Path) -> None:
    chosen = ("--image", "registry.example/mine:7", "--parallelism", "9", "--output", "mine.yaml")
    assert fanfold("compile", *chosen, cwd=tmp_path).code == 0
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    images = {line.strip() for line in text.splitlines() if line.strip().startswith("image:")}
    assert images == {"image: registry.example/mine:7"}
    assert "parallelismLimit: 9" in text


def test_settings_shows_every_setting_and_version_the_version(tmp_path: Path) -> None:
    shown = fanfold("settings", cwd=tmp_path)
    assert shown.code == 0
    assert all(setting.name in shown.out for setting in fields())
    version = fanfold("--version", cwd=tmp_path)
    assert (version.code, version.out.split()) == (0, ["fanfold", __version__])
