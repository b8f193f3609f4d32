"""The ledger of a run, looked at from here, where it can be."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import fanfold
from fanfold.client import Kfp, Run, submit
from fanfold.client.ledger_watch import watching
from fanfold.storage import join
from tests.kfp_server.fixtures import SETTINGS, until
from tests.servers.servers import Server

QUICK = pytest.mark.parametrize("server", ["versitygw"], indirect=True)


def a_run(kfp: Kfp, **settings: Any) -> Run:
    run = submit(kfp, settings)
    return Run.of({"run_id": run.id, "runtime_config": {"parameters": {**settings}}})


@QUICK
def test_the_search_of_the_run_is_found_among_others(
    kfp: Kfp, server: Server, bucket: str, tmp_path: Path
) -> None:
    ledger = join(server.uri(bucket), "ledger")
    mine = {**SETTINGS, "ledger": ledger}
    fanfold.tune(**mine)
    fanfold.tune(**{**mine, "grid": '{"max_depth": [4], "n_estimators": [5]}'})
    fanfold.tune(**{**mine, "data": "sample:310"})
    with watching(a_run(kfp, **mine), every=0.05) as watch:
        until(lambda: watch.standing)
        assert watch.standing is not None
        assert (watch.standing.done, watch.standing.total, watch.done()) == (12, 12, 12)
        assert watch.standing.search.about["data"] == "sample:300"


@QUICK
def test_a_search_that_begins_while_one_looks_is_followed(
    kfp: Kfp, server: Server, bucket: str
) -> None:
    mine = {**SETTINGS, "ledger": join(server.uri(bucket), "ledger")}
    with watching(a_run(kfp, **mine), every=0.05) as watch:
        time.sleep(0.5)
        assert watch.done() == 0
        fanfold.tune(**mine)
        until(lambda: watch.done() == 12)


@QUICK
def test_a_search_that_begins_takes_the_place_of_an_older_one_much_like_it(
    kfp: Kfp, server: Server, bucket: str
) -> None:
    mine = {**SETTINGS, "ledger": join(server.uri(bucket), "ledger")}
    fanfold.tune(**mine, test_fraction=0.3)
    with watching(a_run(kfp, **mine), every=0.05) as watch:
        until(lambda: watch.done() == 12)
        assert watch.standing is not None
        older = watch.standing.search.id
        fanfold.tune(**mine)
        until(lambda: watch.standing and watch.standing.search.id != older)
        until(lambda: watch.done() == 12)


@pytest.mark.parametrize(
    "settings",
    [{}, {"ledger": "gs://no-such-bucket-as-this/ledger"}, {"ledger": "s3://b/l", "grids": "{}"}],
)
def test_a_ledger_that_cannot_be_read_from_here_is_left_alone(
    settings: dict[str, Any], no_cloud: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("FANFOLD_STORAGE_PATIENCE", "0.1")
    run = Run.of({"run_id": "r", "runtime_config": {"parameters": settings}})
    with watching(run, every=0.05) as watch:
        time.sleep(1)
    assert (watch.standing, watch.done()) == (None, 0)
