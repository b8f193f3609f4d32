"""The compiled YAML on a KFP backend: `make test-cluster KFP_HOST=http://localhost:8080 IMAGE=...`.

The image must be one that the backend can pull, built from this checkout. With LEDGER, an address
that pods can write to, and LEDGER_ENDPOINT where it is not AWS's, the ledger is tried too.
LEDGER_SECRET opens it, or else what s3_secret is by default; pods run as SERVICE_ACCOUNT, or as
KFP's own.
"""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

import fanfold
from fanfold.client import (
    Kfp,
    Result,
    Run,
    RunFailed,
    connect,
    get_run,
    latest_run,
    logs,
    result_of,
    submit,
    wait,
)
from tests.contract import FILES
from tests.fanfold.command import json_of, rows_of

pytestmark = pytest.mark.cluster

SETTINGS = {
    "data": "sample:2000",
    "grid": '{"max_depth": [2, 4], "n_estimators": [10, 20],'
    ' "text__weighting": ["tfidf", "count"]}',
    "folds": 3,
    "max_tasks": 2,
}
COSTS = ("fit_seconds", "cpu_seconds", "peak_memory_bytes", "remembered")
PATIENCE = 15 * 60


def variable(name: str) -> str:
    """What the make target was given."""
    value = os.environ.get(name, "")
    assert value, f"{name} is not given: make test-cluster KFP_HOST=http://localhost:8080 IMAGE=..."
    return value


@pytest.fixture(scope="module")
def kfp() -> Kfp:
    return connect(variable("KFP_HOST"))


def started(kfp: Kfp, **settings: Any) -> Run:
    return submit(
        kfp,
        {**SETTINGS, **settings},
        image=variable("IMAGE"),
        experiment="test-cluster",
        service_account=os.environ.get("SERVICE_ACCOUNT", ""),
    )


def finished(kfp: Kfp, **settings: Any) -> Result:
    return result_of(kfp, wait(kfp, started(kfp, **settings), patience=PATIENCE))


@pytest.fixture(scope="module")
def result(kfp: Kfp) -> Result:
    return finished(kfp)


def without_costs(path: Path) -> list[dict[str, str]]:
    rows = [{name: row[name] for name in row if name not in COSTS} for row in rows_of(path)]
    return sorted(rows, key=lambda row: [row["candidate"], row.get("fold"), row.get("metric")])


def test_it_finds_what_tune_finds_here_to_the_bit(result: Result, tmp_path: Path) -> None:
    found, alone = tmp_path / "found", tmp_path / "alone"
    result.download(found)
    fanfold.tune(**SETTINGS, output=alone)
    assert {path.name for path in found.iterdir()} == FILES
    for name in ("leaderboard.csv", "scores.csv"):
        assert without_costs(found / name) == without_costs(alone / name)
    for name in ("metrics.json", "best.json"):
        assert json_of(found / name) == json_of(alone / name)
    assert (found / "model" / "booster.ubj").read_bytes() == (
        alone / "model" / "booster.ubj"
    ).read_bytes()
    assert (found / "rejects.csv").read_bytes() == (alone / "rejects.csv").read_bytes()


def test_the_latest_run_is_found_and_each_of_its_tasks_has_a_log(kfp: Kfp, result: Result) -> None:
    run = latest_run(kfp)
    assert run.id == result.run.id
    steps = [log.step for log in logs(kfp, run)]
    assert steps.count("cross_validate") == SETTINGS["max_tasks"]
    assert set(steps) == {
        "expand_grid",
        "preprocess",
        "cross_validate",
        "select_best",
        "train_final",
    }


def test_the_version_is_not_uploaded_again(kfp: Kfp, result: Result) -> None:
    def versions() -> list[str]:
        (pipeline,) = [
            each["pipeline_id"]
            for each in kfp.get("/pipelines", page_size=100)["pipelines"]
            if each["display_name"] == "fanfold-tune"
        ]
        listed = kfp.get(f"/pipelines/{pipeline}/versions", page_size=100)["pipeline_versions"]
        return [each["display_name"] for each in listed]

    before = versions()
    canceled(kfp, started(kfp))
    assert versions() == before


def canceled(kfp: Kfp, run: Run) -> None:
    """Cancel a run when it is under way."""
    end = time.monotonic() + PATIENCE
    while get_run(kfp, run.id).state == "PENDING":
        assert time.monotonic() < end
        time.sleep(2)
    kfp.post(f"/runs/{run.id}:terminate")


def test_a_canceled_run_is_reported_as_such(kfp: Kfp) -> None:
    run = started(kfp, seed=1)
    canceled(kfp, run)
    with pytest.raises(RunFailed, match=f"the run {run.id} was canceled"):
        wait(kfp, run, patience=PATIENCE)


def test_a_failed_run_ends_with_the_task_and_its_own_words(kfp: Kfp) -> None:
    with pytest.raises(RunFailed, match=r"(?s)failed in preprocess.*no column 'votes'"):
        wait(kfp, started(kfp, target="votes"), patience=PATIENCE)


def test_a_second_run_is_served_from_the_ledger(kfp: Kfp, result: Result) -> None:
    if not os.environ.get("LEDGER"):
        pytest.skip("no LEDGER is given")
    ledger = f"{os.environ['LEDGER'].rstrip('/')}/test-{uuid.uuid4().hex[:8]}"
    given = {"ledger": ledger, "s3_endpoint": os.environ.get("LEDGER_ENDPOINT", "")}
    if secret := os.environ.get("LEDGER_SECRET"):
        given["s3_secret"] = secret
    folds = 8 * int(str(SETTINGS["folds"]))
    for computed in (folds, 0):
        # KFP's own cache would serve it too: with other memory it is another task.
        memory = "2Gi" if computed else "2049Mi"
        told = finished(kfp, **given, cross_validate_memory=memory).told["files"]
        summary = told["summary.json"]
        assert (summary["folds_computed"], summary["folds_remembered"]) == (
            computed,
            folds - computed,
        )
        assert told["metrics.json"] == result.metrics
