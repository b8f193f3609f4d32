"""The real commands `submit`, `results` and `logs` against a server that answers as KFP does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract import FILES
from tests.fanfold.command import FANFOLD, Ended, fanfold, json_of
from tests.kfp_server import gates
from tests.kfp_server.backend import Moment
from tests.kfp_server.fixtures import artifacts, ended, until
from tests.kfp_server.graph import ALL, Step
from tests.kfp_server.server import API, KfpServer

SECRET = "a-token-that-nobody-may-see"
QUICK = ("--every", "0.05")
RUNNING = Moment(("PENDING", "RUNNING"), ALL[:2])


@pytest.fixture
def host(kfp_server: KfpServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", kfp_server.url)
    return kfp_server.url


def test_submit_and_wait_follows_the_run_and_shows_what_it_found(
    kfp_server: KfpServer, host: str, searched: Path, tmp_path: Path
) -> None:
    kfp_server.backend.course = (Moment(("PENDING",)), RUNNING, ended(searched))
    (tmp_path / "words.yaml").write_text("folds: 4\ndata: gs://bucket/other.csv\nseed: 7\n")
    chosen = ("gs://bucket/words.csv", "--params", "words.yaml", "--folds", "3")
    said = fanfold("submit", *chosen, "--wait", *QUICK, cwd=tmp_path)
    assert said.code == 0, said.err
    (run,) = kfp_server.backend.runs
    parameters = run.runtime_config.parameters
    assert (parameters["folds"], parameters["seed"]) == (3, 7)
    assert parameters["data"] == "gs://bucket/words.csv"
    page = f"{host}/#/runs/details/{run.run_id}"
    assert said.out.splitlines()[0] == f"Run {run.run_id}: {page}"
    assert said.err.splitlines()[:2] == ["PENDING", "RUNNING: expand_grid done, preprocess done"]
    best, metrics = json_of(searched / "best.json"), json_of(searched / "metrics.json")
    assert f"The winner of 4 candidates: {best['candidate']}" in said.out
    assert f"{metrics['rmse']:.4f}" in said.out
    report = "v2/artifacts/fanfold-tune/some-run/train-final/some-uuid/results/report.html"
    assert f"Report: {host}/artifacts/get?source=minio&bucket=mlpipeline&key=" in said.out
    assert report.replace("/", "%2F") in said.out
    assert re.search(r"rank +rmse +std_err +max_depth +n_estimators\n +1 ", said.out)


@pytest.mark.slow
def test_results_are_those_of_the_latest_run_and_its_files_are_those_of_tune(
    kfp_server: KfpServer, host: str, searched: Path, tmp_path: Path
) -> None:
    kfp_server.backend.course = (ended(searched),)
    kfp_server.backend.artifacts = artifacts(searched)
    assert fanfold("submit", cwd=tmp_path).code == 0
    said = fanfold("results", "--download", "found", cwd=tmp_path)
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == "Files: found"
    assert {path.name for path in (tmp_path / "found").iterdir()} == FILES
    again = fanfold("results", "--download", "found", cwd=tmp_path)
    assert (again.code, "add --overwrite" in again.err) == (2, True)


def test_a_run_that_fails_ends_with_its_task_and_the_last_lines_of_its_log(
    kfp_server: KfpServer, host: str, tmp_path: Path
) -> None:
    step = Step("preprocess", "FAILED", log="UserError: no column 'text'\n")
    kfp_server.backend.course = (RUNNING, Moment(("RUNNING", "FAILED"), (step,)))
    said = fanfold("submit", "--wait", *QUICK, cwd=tmp_path)
    assert said.code == 1
    assert "failed in preprocess" in said.err
    assert "UserError: no column 'text'" in said.err
    (run,) = kfp_server.backend.runs
    kfp_server.backend.course = (RUNNING,)
    more = fanfold("submit", "--retry", run.run_id, "--set", "folds=3", cwd=tmp_path)
    assert (more.code, kfp_server.backend.retried) == (2, [])
    more = fanfold("submit", "--retry", run.run_id, cwd=tmp_path)
    assert (more.code, kfp_server.backend.retried) == (0, [run.run_id])


def test_a_run_that_does_not_move_ends_the_wait_and_says_how_to_come_back(
    kfp_server: KfpServer, host: str, tmp_path: Path
) -> None:
    kfp_server.backend.course = (RUNNING,)
    access = ("--namespace", "a team", "--token", "a-secret")
    said = fanfold("submit", "--wait", *QUICK, "--patience", "0.01", *access, cwd=tmp_path)
    (run,) = kfp_server.backend.runs
    assert said.code == 1
    given = f"--host {host} --namespace 'a team'"
    assert f"come back to it: fanfold results {given} --run {run.run_id} --wait\n" in said.err
    assert "has not moved for" in said.err


@pytest.mark.slow
def test_a_session_that_expires_ends_the_wait_and_says_how_to_come_back(
    kfp_server: KfpServer, host: str, tmp_path: Path
) -> None:
    kfp_server.backend.course = (RUNNING,)
    kfp_server.gate = gates.expiring(20)
    said = fanfold("submit", "--wait", *QUICK, cwd=tmp_path)
    assert said.code == 2
    assert "come back to it: fanfold results --host" in said.err
    assert "does not know you (401): the session has expired" in said.err


def test_ctrl_c_leaves_the_run_going_and_the_command_that_it_names_comes_back(
    kfp_server: KfpServer, host: str, searched: Path, tmp_path: Path
) -> None:
    kfp_server.backend.course = (RUNNING,)
    command = [*FANFOLD, "submit", "--wait", *QUICK]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    until(lambda: kfp_server.backend.runs and kfp_server.count("GET " + _path(kfp_server)) > 3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGINT
    assert not any(each.endswith(":terminate") for each in kfp_server.seen)
    (command_line,) = re.findall(r"come back to it: fanfold (.+)", err)
    (run,) = kfp_server.backend.runs
    kfp_server.backend._courses[run.run_id] = [RUNNING, RUNNING, ended(searched)]
    said = fanfold(*command_line.split(), *QUICK, cwd=tmp_path)
    assert (said.code, "The winner of" in said.out) == (0, True), said.err


def _path(server: KfpServer) -> str:
    return f"{API}/runs/{server.backend.runs[0].run_id}"


@pytest.mark.slow
def test_in_a_terminal_the_view_is_live(
    kfp_server: KfpServer, host: str, searched: Path, tmp_path: Path
) -> None:
    kfp_server.backend.course = (*[RUNNING] * 8, ended(searched))
    arguments = [*FANFOLD, "submit", "--wait", "--every", "0.3"]
    program = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "PYTHONUTF8": "1"},
        timeout=60,
    )
    assert ran.returncode == 0
    screen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", ran.stdout.decode())
    assert screen.count("✓ preprocess     done") > 2
    assert "The winner of" in screen


@pytest.mark.slow
def test_logs_are_printed_task_by_task(kfp_server: KfpServer, host: str, tmp_path: Path) -> None:
    kfp_server.backend.course = (Moment(("SUCCEEDED",), ALL),)
    assert fanfold("submit", cwd=tmp_path).code == 0
    said = fanfold("logs", cwd=tmp_path)
    assert re.findall(r"^== (.+)$", said.out, re.M) == [
        f"{step.name.replace('-', '_')}: SUCCEEDED" for step in ALL
    ]
    (run,) = kfp_server.backend.runs
    said = fanfold("logs", "--run", run.run_id, "select-best", cwd=tmp_path)
    assert said.out.startswith("== select_best: SUCCEEDED\n[KFP Executor")
    assert said.out.count("==") == 1
    kfp_server.backend.course = (Moment(("RUNNING",)),)
    assert fanfold("submit", cwd=tmp_path).code == 0
    said = fanfold("logs", "--run", kfp_server.backend.runs[1].run_id, cwd=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert "has no log yet" in said.err


@pytest.mark.parametrize("how", ["option", pytest.param("variable", marks=pytest.mark.slow)])
def test_a_token_is_used_and_never_shown(
    how: str, kfp_server: KfpServer, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--token", SECRET] if how == "option" else []
    if how == "variable":
        monkeypatch.setenv("FANFOLD_TOKEN", SECRET)
    kfp_server.gate = gates.token(SECRET)
    kfp_server.backend.course = (Moment(("RUNNING", "FAILED")),)
    right = fanfold("submit", "--wait", "--verbose", *given, *QUICK, cwd=tmp_path)
    assert (right.code, len(kfp_server.backend.runs)) == (1, 1), right.err
    kfp_server.gate = gates.token("another")
    wrong = fanfold("submit", "--wait", "--verbose", *given, *QUICK, cwd=tmp_path)
    assert wrong.code == 2
    assert "does not let you (403)" in wrong.err
    helped = fanfold("submit", "--help", cwd=tmp_path)
    parameters = str(kfp_server.backend.runs[0].runtime_config.parameters)
    assert SECRET not in "".join(
        [parameters, *(text for each in (right, wrong, helped) for text in (each.out, each.err))]
    )


MISTAKES = {
    "a file of this machine": (["submit", "--set", "data=here.csv"], "no pod can see the data"),
    "waiting for nothing": (["results", "--wait"], "--wait needs a run to wait for: --run RUN"),
    "another account for a run": (
        ["submit", "--retry", "one", "--service-account", "other"],
        "--retry goes on with a run as it was begun",
    ),
    "no patience": (["submit", "--patience", "0"], "--patience must be above 0 but is 0.0"),
    "no such run": (["results", "--run", "none"], "has no run 'none'"),
    "no run yet": (["results"], "has no run of fanfold-tune that succeeded"),
    "no such task": (["logs", "train"], "has no run of fanfold-tune that succeeded"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(case: str, host: str, tmp_path: Path) -> None:
    arguments, said = MISTAKES[case]
    ended: Ended = fanfold(*arguments, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1
