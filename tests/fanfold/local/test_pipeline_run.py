"""The compiled pipeline through kfp.local: the numbers of `tune`, and mistakes told well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import fanfold
from fanfold.errors import DamagedError, FanfoldError, UserError
from fanfold.local.pipeline_run import run_pipeline
from fanfold.progress import events
from tests.contract import FILES

GRID = '{"max_depth": [2, 3], "n_estimators": [5, 10], "text__weighting": ["tfidf", "count"]}'
SMALL = {"folds": 2, "grid": '{"max_depth": [2], "n_estimators": [5]}'}
MEASURED = ["fit_seconds", "cpu_seconds"]

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes in /proc, not here"
)


@dataclass(frozen=True)
class Ran:
    """One run of the pipeline, and of `tune` on the same table."""

    output: Path
    told: list[Mapping[str, Any]]
    tuned: fanfold.TuneResult


def write_sample(path: Path, rows: int) -> Path:
    from fanfold.tables.sample import write_sample as write

    write(path, rows=rows)
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """A run in a folder whose name, and whose files, trip kfp.local up: see the tests."""
    folder = tmp_path_factory.mktemp("python3 for me")
    (folder / "random.py").write_text("raise SystemExit('the wrong module')")
    table = write_sample(folder / "words of python3.csv", 400)
    settings = {"target": "up_votes + down_votes", "grid": GRID, "folds": 3}
    told: list[Mapping[str, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_pipeline({"data": table.name, **settings}, output="found", on_event=told.append)
    tuned = fanfold.tune(table, **settings, output=folder / "tuned")
    yield Ran(folder / "found", told, tuned)


def test_the_pipeline_and_tune_give_the_same_leaderboard_to_the_bit(ran: Ran) -> None:
    boards = [
        pd.read_csv(folder / "leaderboard.csv", dtype=str, keep_default_na=False)
        for folder in (ran.output, ran.output.parent / "tuned")
    ]
    assert len(boards[0]) == 9
    pd.testing.assert_frame_equal(*(each.drop(columns=MEASURED) for each in boards))


def test_the_pipeline_and_tune_give_the_same_model_and_test_metrics(ran: Ran) -> None:
    texts = ["a good one", "", "nothing known"]
    model = fanfold.load_model(ran.output / "model")
    assert model.predict(texts).tolist() == ran.tuned.model.predict(texts).tolist()
    assert json.loads((ran.output / "metrics.json").read_text()) == ran.tuned.metrics


def test_the_pipeline_leaves_the_files_of_the_contract(ran: Ran) -> None:
    assert {path.name for path in ran.output.iterdir()} == FILES
    summary = json.loads((ran.output / "summary.json").read_text())
    measured = {"seconds", "cpu_seconds", "peak_memory_bytes", "started"}
    for name in summary.keys() - measured - {"settings"}:
        assert summary[name] == ran.tuned.summary[name]
    # Packed for the two tasks that run at once here.
    assert summary["settings"] == {**ran.tuned.summary["settings"], "max_tasks": 2}


def test_a_path_that_is_relative_or_has_spaces_or_names_an_interpreter_is_read(ran: Ran) -> None:
    summary = json.loads((ran.output / "summary.json").read_text())
    assert summary["data"]["uri"] == str(ran.output.parent / "words of python3.csv")
    assert summary["rows_read"] == 400


def test_each_stage_is_told_once_and_each_score_as_it_comes(ran: Ran) -> None:
    stages = [event["stage"] for event in ran.told if event["event"] == "stage"]
    assert sorted(stages[:2]) == ["expand_grid", "preprocess"]
    assert stages[2:] == ["cross_validate", "select_best", "train_final"]
    scores = [event for event in ran.told if event["event"] == "score"]
    assert len({(event["candidate"], event["fold"]) for event in scores}) == len(scores) == 24


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"data": "nowhere.csv"}, "no file at 'nowhere.csv'"),
        ({"foldz": 3}, "no setting is named 'foldz'; did you mean 'folds'"),
        ({"folds": 1}, "folds must be at least 2"),
        ({"target": "votes ** 2"}, r"\*\*"),
        ({"grid": '{"max_dept": [3]}'}, "max_depth"),
        ({"cross_validate_memory": "much"}, "cross_validate_memory must be memory"),
    ],
)
def test_a_mistake_that_can_be_seen_at_once_starts_no_task(
    settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    told: list[Mapping[str, Any]] = []
    with pytest.raises(UserError, match=said):
        run_pipeline({**SMALL, **settings}, output=tmp_path / "found", on_event=told.append)
    assert told == []
    assert list(tmp_path.iterdir()) == []


def test_a_runner_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="no runner is named 'podman': there is subprocess and docker"
    ):
        run_pipeline(SMALL, output=tmp_path / "found", runner="podman")


def test_an_image_is_for_containers_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="uses no image: leave 'mine:1' out, or choose docker"):
        run_pipeline(SMALL, output=tmp_path / "found", image="mine:1")


def test_without_a_docker_daemon_containers_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(
        UserError, match=r"no Docker daemon answers at unix://.*/nobody.sock: start"
    ):
        run_pipeline(SMALL, output=tmp_path / "found", runner="docker", image="mine:1")
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_no_image_is_refused_before_docker_hears_of_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'a b' is no image's name"):
        run_pipeline(SMALL, output=tmp_path / "found", runner="docker", image="a b")


def test_containers_need_an_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FANFOLD_IMAGE", raising=False)
    with pytest.raises(UserError, match="which image"):
        run_pipeline(SMALL, output=tmp_path / "found", runner="docker")


def test_a_folder_that_holds_something_is_not_replaced_unless_told(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="not empty"):
        run_pipeline(SMALL, output=tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_a_mistake_that_a_task_finds_is_the_same_error_as_in_one_process(tmp_path: Path) -> None:
    table = tmp_path / "bad.csv"
    table.write_text("definition,up_votes\n" + "text,1\n" * 20 + "text,many\n" * 20)
    settings = {"data": str(table), "target": "up_votes", **SMALL}
    with pytest.raises(UserError) as alone:
        fanfold.tune(**settings)
    with pytest.raises(UserError) as told:
        run_pipeline(settings, output=tmp_path / "found")
    assert str(told.value) == str(alone.value)
    assert "max_bad_rows" in str(told.value)
    assert not (tmp_path / "found").exists()


def broken_library(folder: Path, code: str) -> str:
    """A folder for `PYTHONPATH` in which polars, which only tasks import, runs `code`."""
    folder.mkdir()
    (folder / "polars.py").write_text(code)
    return str(folder)


def test_a_defect_in_a_task_ends_with_the_last_lines_of_its_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", broken_library(tmp_path / "lib", "1 / 0"))
    with pytest.raises(FanfoldError, match="the step preprocess failed") as told:
        run_pipeline(SMALL, output=tmp_path / "found")
    assert not isinstance(told.value, UserError)
    assert str(told.value).endswith("ZeroDivisionError: division by zero")


@pytest.mark.slow
def test_a_task_that_is_killed_is_an_error_with_what_it_wrote_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import os; print('so far so good', flush=True); os.kill(os.getpid(), 9)"
    monkeypatch.setenv("PYTHONPATH", broken_library(tmp_path / "lib", code))
    with pytest.raises(FanfoldError, match="ended without a word") as told:
        run_pipeline(SMALL, output=tmp_path / "found")
    assert "so far so good" in str(told.value)
    assert "preprocess" in str(told.value)


LONG = """
import sys
from fanfold.local.pipeline_run import run_pipeline
grid = '{"max_depth": [12, 13], "n_estimators": [100000]}'
run_pipeline({"grid": grid}, output=sys.argv[1], on_event=lambda event: print(event, flush=True))
"""


def processes_in(folder: Path) -> list[int]:
    """Processes that were started with `folder` in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:  # somebody else's, or it has just ended
            continue
    return found


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupt_ends_every_task_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", LONG, str(tmp_path / "found")],
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as caller:
        assert caller.stdout is not None
        for line in caller.stdout:
            if "'search'" in line:
                break
        time.sleep(1)  # by now the fits are under way, which end when they end
        assert len(processes_in(scratch)) >= 3  # the caller, kfp.local, a task
        caller.send_signal(number)
        assert caller.wait(timeout=20) != 0
    deadline = time.monotonic() + 20
    while processes_in(scratch) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = processes_in(scratch)
    for each in left:
        os.kill(each, signal.SIGKILL)
    assert left == []
    assert not (tmp_path / "found").exists()
    if number == signal.SIGINT:
        assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("error", [UserError, DamagedError, FanfoldError])
def test_a_step_tells_of_its_own_errors_and_still_raises_them(
    error: type[FanfoldError],
) -> None:
    @events.stage("preprocess")
    def step() -> None:
        raise error("no such column")

    told: list[Mapping[str, Any]] = []
    with events.listening(told.append), pytest.raises(error, match="no such column"):
        step()
    assert told == [
        {"event": "stage", "stage": "preprocess"},
        {
            "event": "error",
            "stage": "preprocess",
            "kind": error.__name__,
            "message": "no such column",
        },
    ]
