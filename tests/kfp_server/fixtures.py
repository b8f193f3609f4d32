"""Fixtures for tests against the server that answers as KFP does: tests/conftest.py loads them."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fanfold
from fanfold.client import Kfp, connect
from fanfold.results.log_channel import tell_result
from tests.kfp_server.backend import Moment
from tests.kfp_server.graph import ALL, Step
from tests.kfp_server.server import KfpServer

ROOT = "v2/artifacts/fanfold-tune/some-run/train-final/some-uuid"
IMAGE = "registry.example/fanfold-python:1"
SETTINGS = {
    "data": "sample:300",
    "grid": '{"max_depth": [2, 3], "n_estimators": [5, 10]}',
    "folds": 3,
}


@pytest.fixture
def nobodys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No address and no credentials of the tester's own reach the test."""
    for name in list(os.environ):
        if name.startswith(("KF_", "FANFOLD_", "KUBE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FANFOLD_IMAGE", IMAGE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("kfp.Client._LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


@pytest.fixture
def kfp_server(nobodys: None) -> Iterator[KfpServer]:
    with KfpServer() as server:
        yield server


@pytest.fixture
def kfp(kfp_server: KfpServer) -> Kfp:
    return connect(kfp_server.url)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing pauses between two tries of a request."""
    monkeypatch.setattr("fanfold.client.connection.PAUSES", (0.0, 0.0))


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small search, the model in it."""
    folder = tmp_path_factory.mktemp("searched") / "found"
    fanfold.tune(**SETTINGS, output=folder)
    return folder


def ended(searched: Path, root: str = f"minio://mlpipeline/{ROOT}") -> Moment:
    """A run that has found what is in `searched`, and left it below `root`."""
    with contextlib.redirect_stdout(io.StringIO()) as said, tempfile.TemporaryDirectory() as task:
        shutil.copytree(searched, f"{task}/results")
        shutil.move(f"{task}/results/model", f"{task}/model")
        addresses = {name: f"{root}/{name}" for name in ("results", "model")}
        tell_result(f"{task}/results", f"{task}/model", addresses)
    line = said.getvalue()
    return Moment(("PENDING", "RUNNING", "SUCCEEDED"), (*ALL[:-1], Step("train-final", log=line)))


def artifacts(searched: Path) -> dict[tuple[str, str, str], bytes]:
    """What lies in KFP's own store after that run, by source, bucket and key."""
    return {
        ("minio", "mlpipeline", f"{ROOT}/{_folder(name)}"): (searched / name).read_bytes()
        for path in searched.rglob("*")
        if path.is_file() and (name := path.relative_to(searched).as_posix())
    }


def _folder(name: str) -> str:
    return name if name.startswith("model/") else f"results/{name}"


def until(happens: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something that another thread or process does."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
