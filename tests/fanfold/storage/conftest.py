"""Every storage in turn: a folder, and the same below a prefix of a bucket on each server."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from fanfold.storage import Storage, open_storage
from tests.servers.fixtures import NAMES
from tests.servers.servers import Server


@pytest.fixture(params=["local", *NAMES])
def root(
    request: pytest.FixtureRequest,
    servers: Callable[[str], Server],
    no_cloud: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> str:
    """A URI below which nothing is yet."""
    if request.param == "local":
        return str(tmp_path / "root")
    server = servers(request.param)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    server.make_bucket(bucket)
    return server.uri(bucket, "some/prefix")


@pytest.fixture
def storage(root: str) -> Storage:
    return open_storage(root)
