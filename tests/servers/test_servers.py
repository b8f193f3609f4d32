"""The servers that tests start: they keep what they were given, and do not outlive the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from google.cloud import storage
from minio import Minio
from minio.error import S3Error

from tests.servers import build
from tests.servers.fixtures import S3
from tests.servers.launch import Account
from tests.servers.proxy import FaultyProxy
from tests.servers.servers import Server, http_status, running

ROOT = Path(__file__).parents[2]
CONTENT = os.urandom(300_000)
RUN_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from tests.servers.servers import running
with running(sys.argv[1], Path(sys.argv[2])) as server:
    print(server.endpoint, flush=True)
    time.sleep(600)
"""


def minio_client(environment: dict[str, str]) -> Minio:
    return Minio(
        urlsplit(environment["AWS_ENDPOINT_URL_S3"]).netloc,
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        secure=False,
        region=environment["AWS_REGION"],
    )


def write(server: Server, bucket: str, key: str, folder: Path) -> None:
    """By the public client of each kind, in the environment that the fixtures have set."""
    (folder / "content").write_bytes(CONTENT)
    if server.scheme == "gs":
        blob = storage.Client().bucket(bucket).blob(key)
        blob.upload_from_filename(folder / "content")
    else:
        minio_client(dict(os.environ)).fput_object(bucket, key, str(folder / "content"))


def read(server: Server, bucket: str, key: str) -> bytes:
    if server.scheme == "gs":
        return bytes(storage.Client().bucket(bucket).blob(key).download_as_bytes())
    answer = minio_client(dict(os.environ)).get_object(bucket, key)
    with answer:
        return answer.read()


def test_what_was_written_is_there_after_the_server_was_killed_and_started(
    server: Server, bucket: str, tmp_path: Path
) -> None:
    write(server, bucket, "a folder/größe", tmp_path)
    server.stop()
    assert http_status(server.endpoint) == 0
    server.start()
    assert read(server, bucket, "a folder/größe") == CONTENT


def test_a_server_that_a_test_has_stopped_runs_for_the_next(
    server: Server, servers: Callable[[str], Server]
) -> None:
    server.stop()
    server.stop()
    assert servers(server.name) is server
    assert server.runs


def test_clients_reach_the_server_through_a_proxy(
    server: Server, bucket: str, proxy: FaultyProxy, tmp_path: Path
) -> None:
    write(server, bucket, "a folder/größe", tmp_path)
    assert read(server, bucket, "a folder/größe") == CONTENT
    assert len(proxy.requests) >= 2


@pytest.mark.parametrize("server", S3, indirect=True)
def test_a_stranger_is_known_and_denied(server: Server, bucket: str) -> None:
    client = minio_client(server.environment_at(server.endpoint, server.stranger))
    with pytest.raises(S3Error) as error:
        client.stat_object(bucket, "key")
    assert error.value.code == "AccessDenied"


def test_no_secret_is_shown_with_an_account() -> None:
    account = Account("name")
    assert len(account.secret) == 40
    assert account.secret not in repr(account)
    assert account.secret != Account("name").secret


@pytest.mark.parametrize("name", ["gcs", "versitygw"])
def test_a_server_dies_with_the_tests_even_if_those_are_killed(name: str, tmp_path: Path) -> None:
    if build.binary(name) is None and not build.required():
        pytest.skip(build.why_missing(name))
    tests = subprocess.Popen(
        [sys.executable, "-c", RUN_UNTIL_KILLED, name, tmp_path / "server"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tests.stdout is not None
    endpoint = tests.stdout.readline().strip()
    assert http_status(endpoint) != 0
    tests.send_signal(signal.SIGKILL)
    tests.communicate()
    deadline = time.monotonic() + 20
    while (tmp_path / "server").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert http_status(endpoint) == 0
    assert not (tmp_path / "server").exists()


def test_a_server_that_does_not_start_says_what_its_log_ends_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho 'no such thing as a disk' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(build, "binary", lambda name: program)
    with (
        pytest.raises(RuntimeError, match="gcs ended by itself.*\nno such thing as a disk"),
        running("gcs", tmp_path / "server"),
    ):
        pass
    assert not (tmp_path / "server").exists()


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_a_server_that_is_not_here_is_skipped_and_in_ci_fails(
    ci: str, outcome: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with (
        pytest.raises(outcome, match="it is built with Go, and there is no `go` on PATH"),
        running("versitygw", tmp_path / "server"),
    ):
        pass
