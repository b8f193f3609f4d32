"""The real command with everything in buckets: data, ledger, output, model, predictions."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from fanfold.storage import download, join, read_bytes, stat, upload, write_bytes
from tests.contract import FILES
from tests.fanfold.command import (
    COLUMNS,
    FANFOLD,
    SMALL,
    Ended,
    fanfold,
    json_of,
    rows_of,
    write_packages,
)
from tests.servers.servers import Server

SLOW_GRID = '{"max_depth": [8, 9, 10, 11, 12], "n_estimators": [400], "subsample": [0.6, 0.8, 1]}'
COSTS = ("fit_seconds", "cpu_seconds")
QUICK = pytest.mark.parametrize("server", ["versitygw"], indirect=True)
ALL_BUT_QUICK = pytest.mark.parametrize("server", ["gcs", "minio", "seaweedfs"], indirect=True)
MINIO_AND_GCS = pytest.mark.parametrize("server", ["minio", "gcs"], indirect=True)


@pytest.fixture
def home(server: Server, bucket: str, tmp_path: Path) -> str:
    """The address of a bucket that holds `packages.csv`."""
    write_packages(tmp_path / "packages.csv")
    address = server.uri(bucket)
    upload(tmp_path / "packages.csv", join(address, "packages.csv"))
    return address


def board_of(folder: Path) -> list[dict[str, str]]:
    """The leaderboard without what it cost."""
    rows = rows_of(folder / "leaderboard.csv")
    return [{name: row[name] for name in row if name not in COSTS} for row in rows]


def well(ended: Ended) -> Ended:
    assert ended.code == 0, ended.err
    return ended


def fetched(uri: str, folder: Path) -> Path:
    download(uri, folder)
    return folder


def tuned_locally(folder: Path) -> Path:
    well(fanfold("tune", "packages.csv", *SMALL, "--output", "local", cwd=folder))
    return folder / "local"


def all_in_buckets(home: str, tmp_path: Path) -> None:
    data, ledger, output = (join(home, each) for each in ("packages.csv", "ledger", "found"))
    tune = ("tune", data, *SMALL, "--ledger", ledger, "--output", output)
    first = well(fanfold(*tune, cwd=tmp_path))
    assert f"Report: {output}/report.html" in first.out
    found = fetched(output, tmp_path / "found")
    assert {path.name for path in found.iterdir()} == FILES
    summary = json_of(found / "summary.json")
    assert (summary["folds_computed"], summary["folds_remembered"]) == (12, 0)
    assert board_of(found) == board_of(tuned_locally(tmp_path))

    assert summary["data"] == {"uri": data, **_identity(data)}
    assert json_of(found / "model" / "manifest.json")["data"] == summary["data"]

    refused = fanfold(*tune, cwd=tmp_path)
    assert refused.code == 2
    assert "exists and is not empty" in refused.err

    well(fanfold(*tune, "--overwrite", cwd=tmp_path))
    again = fetched(output, tmp_path / "again")
    summary = json_of(again / "summary.json")
    assert (summary["folds_computed"], summary["folds_remembered"]) == (0, 12)
    assert read_bytes(join(output, "leaderboard.csv")) == (found / "leaderboard.csv").read_bytes()

    predictions = join(home, "predictions.csv")
    well(fanfold("predict", join(output, "model"), data, "--output", predictions, cwd=tmp_path))
    well(fanfold("predict", "found/model", "packages.csv", "--output", "here.csv", cwd=tmp_path))
    assert read_bytes(predictions) == (tmp_path / "here.csv").read_bytes()
    well(fanfold("predict", output, data, "--output", predictions, "--overwrite", cwd=tmp_path))
    assert read_bytes(predictions) == (tmp_path / "here.csv").read_bytes()
    turned = fanfold("predict", data, output, "--output", "turned.csv", cwd=tmp_path)
    assert turned.code == 2
    assert f"fanfold predict {output} {data}" in turned.err

    listed = well(fanfold("ledger", "ls", ledger, cwd=tmp_path)).out
    assert "12/12" in listed
    shown = well(fanfold("ledger", "show", ledger, cwd=tmp_path)).out.splitlines()
    winner = json_of(found / "best.json")["candidate"]
    assert winner in shown[1]
    assert len(shown) == 1 + 4
    watched = well(fanfold("watch", ledger, cwd=tmp_path)).err
    assert "12/12, done, best rmse" in watched
    for where, lies in ((join(home, "nowhere"), "nothing lies"), (output, "other files lie")):
        none = fanfold("ledger", "ls", where, cwd=tmp_path)
        assert (none.code, none.out) == (2, "")
        assert f"no ledger at {where!r}, where {lies}" in none.err


def _identity(uri: str) -> dict[str, object]:
    entry = stat(uri)
    return {"size": entry.size, "version": entry.version}


@pytest.mark.slow
@QUICK
def test_data_ledger_output_and_model_may_all_lie_in_a_bucket(home: str, tmp_path: Path) -> None:
    all_in_buckets(home, tmp_path)


@pytest.mark.servers
@ALL_BUT_QUICK
def test_the_same_on_the_other_servers(home: str, tmp_path: Path) -> None:
    all_in_buckets(home, tmp_path)


@pytest.mark.servers
@MINIO_AND_GCS
def test_the_pipeline_runs_in_buckets_and_remembers_what_tune_has_found(
    home: str, tmp_path: Path
) -> None:
    data, ledger, output = (join(home, each) for each in ("packages.csv", "ledger", "found"))
    half = '{"max_depth": [2], "n_estimators": [5, 10]}'
    small = (*COLUMNS, "--grid", half, "--folds", "3")
    well(fanfold("tune", data, *small, "--ledger", ledger, "--output", "half", cwd=tmp_path))
    settings = {
        "data": data,
        "text_column": "description",
        "target": "log1p(kib)",
        "grid": '{"max_depth": [2, 3], "n_estimators": [5, 10]}',
        "folds": "3",
        "ledger": ledger,
    }
    assignments = [f"--set={name}={value}" for name, value in settings.items()]
    well(fanfold("run", *assignments, "--output", output, cwd=tmp_path))
    found = fetched(output, tmp_path / "found")
    summary = json_of(found / "summary.json")
    assert (summary["folds_computed"], summary["folds_remembered"]) == (6, 6)
    assert summary["data"] == {"uri": data, **_identity(data)}
    assert summary["settings"]["ledger"] == ledger
    assert board_of(found) == board_of(tuned_locally(tmp_path))


@pytest.mark.servers
@pytest.mark.parametrize("server", ["minio"], indirect=True)
def test_the_endpoint_may_be_a_setting_of_the_pipeline(
    server: Server, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, grid = join(home, "params.json"), join(home, "grid.json")
    settings = {
        "data": join(home, "packages.csv"),
        "text_column": "description",
        "target": "log1p(kib)",
        "grid": grid,
        "folds": "3",
        "ledger": join(home, "ledger"),
    }
    write_bytes(params, json.dumps(settings).encode())
    write_bytes(grid, b'{"max_depth": [2, 3], "n_estimators": [5, 10]}')
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    given = ("--params", params, "--set", f"s3_endpoint={server.endpoint}")
    well(fanfold("run", *given, "--output", join(home, "found"), cwd=tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
    found = fetched(join(home, "found"), tmp_path / "found")
    assert board_of(found) == board_of(tuned_locally(tmp_path))
    assert server.owner.secret not in (found / "summary.json").read_text()


def begin_slow_search(home: str, folder: Path, patience: int) -> subprocess.Popen[str]:
    """A search that works for some seconds, once it has begun to write its ledger."""
    ledger, output = join(home, "ledger"), join(home, "found")
    arguments = ["tune", join(home, "packages.csv"), *COLUMNS, "--grid", SLOW_GRID]
    search = subprocess.Popen(
        [*FANFOLD, *arguments, "--ledger", ledger, "--output", output],
        cwd=folder,
        env={**os.environ, "FANFOLD_STORAGE_PATIENCE": str(patience)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 90
    while search.poll() is None and time.monotonic() < deadline and not folds_in(ledger):
        time.sleep(0.05)
    return search


def folds_in(ledger: str) -> int:
    from fanfold.storage import open_storage

    return sum(1 for _ in open_storage(ledger).list("folds/"))


@pytest.mark.servers
@MINIO_AND_GCS
def test_a_search_survives_a_server_that_is_away_for_twenty_seconds(
    server: Server, home: str, tmp_path: Path
) -> None:
    search = begin_slow_search(home, tmp_path, patience=75)
    assert search.poll() is None, search.communicate()
    server.stop()
    timer = threading.Timer(20, server.start)
    timer.start()
    _, said = search.communicate(timeout=300)
    timer.join()
    assert search.returncode == 0, said
    assert "storage_retry" in said
    found = fetched(join(home, "found"), tmp_path / "found")
    summary = json_of(found / "summary.json")
    assert (summary["folds_computed"], summary["folds_remembered"]) == (75, 0)
    assert folds_in(join(home, "ledger")) == 75


@pytest.mark.servers
@MINIO_AND_GCS
def test_a_server_that_is_gone_for_good_ends_the_search_and_the_finished_folds_are_there(
    server: Server, home: str, tmp_path: Path
) -> None:
    search = begin_slow_search(home, tmp_path, patience=3)
    assert search.poll() is None, search.communicate()
    server.stop()
    _, said = search.communicate(timeout=300)
    assert search.returncode == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert join(home, "ledger") in last
    server.start()
    kept = folds_in(join(home, "ledger"))
    assert 0 < kept < 75
    arguments = ["tune", join(home, "packages.csv"), *COLUMNS, "--grid", SLOW_GRID]
    more = ("--ledger", join(home, "ledger"), "--output", "found")
    well(fanfold(*arguments, *more, cwd=tmp_path))
    summary = json_of(tmp_path / "found" / "summary.json")
    assert (summary["folds_computed"], summary["folds_remembered"]) == (75 - kept, kept)


def denied(server: Server, home: str) -> dict[str, tuple[dict[str, str], tuple[str, ...]]]:
    """What goes wrong -> the environment, and the arguments of `tune`."""
    data = join(home, "packages.csv")
    stranger = server.environment_at(server.endpoint, server.stranger)
    return {
        "wrong key": (
            {"AWS_SECRET_ACCESS_KEY": "not-the-secret-of-anybody"},
            (data, "--output", "found"),
        ),
        "denied": (stranger, (data, "--output", "found")),
        "no such object": ({}, (join(home, "nothing.csv"), "--output", "found")),
        "no such bucket": ({}, ("s3://no-such-bucket-here/a.csv", "--output", "found")),
        "ledger in no bucket": (
            {},
            (data, "--output", "found", "--ledger", "s3://no-such-bucket-here/l"),
        ),
        "output in no bucket": ({}, (data, "--output", "s3://no-such-bucket-here/found")),
        "bad endpoint": (
            {"AWS_ENDPOINT_URL_S3": "http://not an address"},
            (data, "--output", "found"),
        ),
    }


@pytest.mark.parametrize("server", ["versitygw"], indirect=True)
@pytest.mark.parametrize(
    "wrong",
    ["wrong key", "denied", "no such object", "no such bucket", "ledger in no bucket",
     "output in no bucket", "bad endpoint"],
)  # fmt: skip
def test_what_is_wrong_with_a_bucket_is_one_clear_line_without_a_secret(
    wrong: str, server: Server, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, arguments = denied(server, home)[wrong]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ended = fanfold("tune", *arguments, *SMALL, cwd=tmp_path)
    assert ended.code == 2, ended.err
    (line,) = [each for each in ended.err.splitlines() if each.startswith("error: ")]
    assert any(part in line for part in (home, "no-such-bucket-here", "AWS_ENDPOINT_URL_S3"))
    everything = ended.out + ended.err
    for secret in (server.owner.secret, server.stranger.secret, "not-the-secret-of-anybody"):
        assert secret not in everything
