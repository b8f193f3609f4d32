"""Fixtures for tests against real servers, there for every test: tests/conftest.py loads them.

A test that takes `server` and `bucket` runs once for each server, in an environment that leads
clients to it; one that takes `proxy` as well has a proxy between them that can do wrong.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers.proxy import FaultyProxy
from tests.servers.servers import Server, running

NAMES = (
    "gcs",
    "versitygw",
    pytest.param("minio", marks=pytest.mark.servers),
    pytest.param("seaweedfs", marks=pytest.mark.servers),
)
"""All servers. Those of the marker `servers` take minutes to build: `make test-servers`."""
S3 = NAMES[1:]
"""For a test of what GCS does not have: `@pytest.mark.parametrize("server", S3, indirect=True)`."""
OF_A_CLOUD = ("AWS_", "BOTO", "CLOUDSDK_", "GCE_", "GCLOUD_", "GOOGLE_", "MC_", "MINIO_", "S3_")
"""How variables begin that would lead a client elsewhere than to the server under test."""


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """A server by its name: started when it is first asked for, stopped with the session."""
    with ExitStack() as stack:
        running_by_name: dict[str, Server] = {}

        def get(name: str) -> Server:
            if name not in running_by_name:
                folder = tmp_path_factory.mktemp("servers") / name
                running_by_name[name] = stack.enter_context(running(name, folder))
            if not running_by_name[name].runs:  # a test has stopped it
                running_by_name[name].start()
            return running_by_name[name]

        yield get


@pytest.fixture
def no_cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials and no endpoint of the tester's own reach the test, nor do their files."""
    for name in list(os.environ):
        if name.startswith(OF_A_CLOUD) or name == "STORAGE_EMULATOR_HOST":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture(params=NAMES)
def server(
    request: pytest.FixtureRequest,
    servers: Callable[[str], Server],
    no_cloud: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Server:
    """Each server in turn, running, and the environment that leads a client to it."""
    each = servers(request.param)
    for name, value in each.environment.items():
        monkeypatch.setenv(name, value)
    return each


@pytest.fixture
def bucket(server: Server) -> str:
    """The name of a fresh bucket on `server`."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    server.make_bucket(name)
    return name


@pytest.fixture
def proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """A proxy before `server`, and the environment that leads a client to the proxy."""
    with FaultyProxy(server.endpoint) as proxy:
        for name, value in server.environment_at(proxy.endpoint).items():
            monkeypatch.setenv(name, value)
        yield proxy
