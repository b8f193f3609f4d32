"""The compiled pipeline in containers: the numbers of `tune`, and failures told well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import fanfold
from fanfold.errors import FanfoldError, UserError
from fanfold.local.pipeline_run import run_pipeline
from fanfold.tables.sample import write_sample
from tests.contract import FILES
from tests.image.conftest import docker
from tests.servers.servers import Server

GRID = '{"max_depth": [2, 3], "n_estimators": [5, 10], "text__weighting": ["tfidf", "count"]}'
SMALL = {"data": "sample:400", "folds": 2, "grid": '{"max_depth": [2], "n_estimators": [5]}'}
MEASURED = ["fit_seconds", "cpu_seconds"]
SOMEBODY = 54321


def board(folder: Path) -> pd.DataFrame:
    found = pd.read_csv(folder / "leaderboard.csv", dtype=str, keep_default_na=False)
    return found.drop(columns=MEASURED)


def containers() -> str:
    return docker("ps", "--all", "--quiet", "--filter", "label=fanfold.run")


def test_the_pipeline_in_containers_and_tune_give_the_same_to_the_bit(
    image: str, tmp_path: Path
) -> None:
    folder = tmp_path / "python3: a table"
    folder.mkdir()
    table = folder / "words of python3.csv"
    write_sample(table, rows=400)
    settings = {"target": "up_votes + down_votes", "grid": GRID, "folds": 3}
    told: list[Mapping[str, Any]] = []
    run_pipeline(
        {"data": str(table), **settings, "ledger": str(tmp_path / "ledger")},
        output=tmp_path / "found",
        runner="docker",
        image=image,
        on_event=told.append,
    )
    tuned = fanfold.tune(table, **settings, output=tmp_path / "tuned")
    assert {path.name for path in (tmp_path / "found").iterdir()} == FILES
    pd.testing.assert_frame_equal(board(tmp_path / "found"), board(tmp_path / "tuned"))
    assert json.loads((tmp_path / "found" / "metrics.json").read_text()) == tuned.metrics
    scores = [event for event in told if event["event"] == "score"]
    assert len({(event["candidate"], event["fold"]) for event in scores}) == len(scores) == 24
    # What the containers have written to the local ledger serves a search outside of them.
    again = fanfold.tune(table, **settings, ledger=str(tmp_path / "ledger"))
    assert (again.summary["folds_computed"], again.summary["folds_remembered"]) == (0, 24)
    assert containers() == ""


def test_a_bucket_is_read_with_the_callers_credentials_and_endpoint(
    image: str,
    servers: Callable[[str], Server],
    no_cloud: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    server = servers("versitygw")
    server.make_bucket("test-image")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    table = server.uri("test-image", "words.csv")
    write_sample(table, rows=400)
    settings = {**SMALL, "data": table, "ledger": server.uri("test-image", "ledger")}
    output = server.uri("test-image", "found")
    run_pipeline(settings, output=output, runner="docker", image=image)
    tuned = fanfold.tune(**settings, output=tmp_path / "tuned")
    assert tuned.summary["folds_computed"] == 0  # the containers wrote them to the ledger
    from fanfold.storage import download

    download(output, tmp_path / "found")
    assert board(tmp_path / "found").equals(board(tmp_path / "tuned"))
    secret = server.environment["AWS_SECRET_ACCESS_KEY"]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in written)


AS_SOMEBODY = """
import sys
from fanfold.local.pipeline_run import run_pipeline
settings = {"data": sys.argv[2], "folds": 2, "grid": '{"max_depth": [2], "n_estimators": [5]}'}
run_pipeline(settings, output=sys.argv[3], runner="docker", image=sys.argv[1])
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_tasks_run_as_the_user_that_calls(image: str, tmp_path: Path) -> None:
    """A table that only this user may read is read, and what is written is theirs."""
    home = tmp_path / "home"
    home.mkdir()
    write_sample(home / "words.csv", rows=400)
    (home / "words.csv").chmod(0o600)
    for path in (home, home / "words.csv"):
        os.chown(path, SOMEBODY, SOMEBODY)
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o711)
    become = ["setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}"]
    become += [f"--groups={os.stat('/var/run/docker.sock').st_gid}"]
    # This Python may lie where only root can look; containers have no such capability.
    become += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    ended = subprocess.run(
        [*become, sys.executable, "-c", AS_SOMEBODY, image, home / "words.csv", home / "found"],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    written = [home / "found", *(home / "found").rglob("*")]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in written} == {(SOMEBODY, SOMEBODY)}
    assert {path.name for path in home.iterdir()} == {"words.csv", "found"}


def test_a_mistake_that_a_container_finds_is_the_same_error_as_in_one_process(
    image: str, tmp_path: Path
) -> None:
    table = tmp_path / "bad.csv"
    table.write_text("definition,up_votes\n" + "text,1\n" * 20 + "text,many\n" * 20)
    settings = {**SMALL, "data": str(table), "target": "up_votes"}
    with pytest.raises(UserError) as alone:
        fanfold.tune(**settings)
    with pytest.raises(UserError) as told:
        run_pipeline(settings, output=tmp_path / "found", runner="docker", image=image)
    assert str(told.value) == str(alone.value)
    assert not (tmp_path / "found").exists()
    assert containers() == ""


def test_a_candidate_too_large_for_its_container_is_a_row_and_the_others_go_on(
    image: str, tmp_path: Path
) -> None:
    memory = {f"{step}_memory": "700Mi" for step in ("preprocess", "cross_validate", "train_final")}
    grid = '{"text__max_tokens": [10, 5000], "max_iter": [5]}'
    estimator = "sklearn.ensemble.HistGradientBoostingRegressor"  # which takes a dense matrix
    settings = {**memory, "data": "sample:10000", "folds": 2, "grid": grid, "estimator": estimator}
    settings |= {f"{step}_memory": "700Mi" for step in ("expand_grid", "select_best")}
    settings["text__min_times"] = 0.0
    run_pipeline(settings, output=tmp_path / "found", runner="docker", image=image)
    rows = board(tmp_path / "found").set_index("text__max_tokens")
    assert rows.loc["10", "n"] == "2"
    assert rows.loc["5000", "error"].startswith("out of memory")


FILL_MEMORY = """
import sys
if "cross_validate" in sys.orig_argv:
    print("the last words of a candidate", flush=True)
    with open("/tmp/filled", "wb") as file:  # memory, which no limit of the process counts
        while True:
            file.write(bytes(2**20))
"""


def test_a_container_that_is_killed_for_want_of_memory_is_told_with_what_to_do(
    derived: Callable[[str], str], tmp_path: Path
) -> None:
    made = derived(FILL_MEMORY)
    with pytest.raises(FanfoldError, match="a container was killed since its task outgrew") as told:
        run_pipeline(SMALL, output=tmp_path / "found", runner="docker", image=made)
    assert not isinstance(told.value, UserError)
    assert "--set cross_validate_memory=" in str(told.value)
    assert "the last words of a candidate" in str(told.value)
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize("step", ["preprocess", "expand_grid", "cross_validate", "train_final"])
def test_a_task_that_leaves_nothing_behind_is_no_success(
    step: str, derived: Callable[[str], str], tmp_path: Path
) -> None:
    """As when kfp.local takes a container that failed for a success."""
    made = derived(f"import os, sys\nif {step!r} in sys.orig_argv:\n    os._exit(0)\n")
    with pytest.raises(FanfoldError, match=f"without having written what it should .{step}: "):
        run_pipeline(SMALL, output=tmp_path / "found", runner="docker", image=made)
    assert not (tmp_path / "found").exists()


def test_an_image_that_is_nowhere_is_refused_before_anything_runs(
    image: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="there is no image 'localhost:9/python-nothing:1' here"):
        run_pipeline(
            SMALL,
            output=tmp_path / "found",
            runner="docker",
            image="localhost:9/python-nothing:1",
        )
    assert list(tmp_path.iterdir()) == []


LONG = """
import sys
from fanfold.local.pipeline_run import run_pipeline
grid = '{"max_depth": [12, 13], "n_estimators": [100000]}'
run_pipeline({"grid": grid}, output=sys.argv[1], runner="docker", image=sys.argv[2],
             on_event=lambda event: print(event, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupt_removes_every_container(
    number: signal.Signals, image: str, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LONG, str(tmp_path / "found"), image],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as caller:
        assert caller.stdout is not None
        for line in caller.stdout:
            if "'search'" in line:
                break
        (*_, running) = containers().split()
        host = json.loads(docker("inspect", "--format", "{{json .HostConfig}}", running))
        caller.send_signal(number)
        assert caller.wait(timeout=30) != 0
    deadline = time.monotonic() + 30
    while containers() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert containers() == ""
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["NetworkMode"]) == (True, ["ALL"], "none")
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Memory"] == 2 * 1024**3
