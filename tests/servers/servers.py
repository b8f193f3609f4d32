"""Real object stores on loopback, started by the tests and gone with them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.servers import build
from tests.servers.launch import LAUNCHES, REGION, Account, Launch, Request
from tests.servers.ports import HOST, Ports

WATCHDOG = Path(__file__).with_name("watchdog.py")
PATIENCE_SECONDS = 90
"""How long a server may take to serve; SeaweedFS takes longest, 15 s to start again."""


class Server:
    """A server over a folder of its own, with its process and what a client must know.

    Args:
        name: "gcs", "versitygw", "minio" or "seaweedfs".
        program: What to run.
        folder: Where its data and its log lie; made anew, and removed by `close`.
    """

    def __init__(self, name: str, program: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.name = name
        self.folder = folder
        self.scheme = "gs" if name == "gcs" else "s3"
        self.owner = Account("fanfold-owner")
        self.stranger = Account("fanfold-stranger")
        self._ports = Ports()
        request = Request(program, folder, self._ports, self.owner, self.stranger)
        self._launch: Launch = LAUNCHES[name](request)
        self._watchdog: subprocess.Popen[bytes] | None = None
        self.endpoint = f"http://{HOST}:{self._launch.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a user of this server would export."""
        return self.environment_at(self.endpoint)

    def environment_at(self, endpoint: str, account: Account | None = None) -> dict[str, str]:
        """The same for another way to it, such as a proxy, or for another account."""
        if self.scheme == "gs":
            return {"STORAGE_EMULATOR_HOST": endpoint}
        account = account or self.owner
        return {
            "AWS_ACCESS_KEY_ID": account.access,
            "AWS_SECRET_ACCESS_KEY": account.secret,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": endpoint,
        }

    def uri(self, bucket: str, key: str = "") -> str:
        return f"{self.scheme}://{bucket}/{key}"

    def make_bucket(self, name: str) -> None:
        if self.scheme == "gs":
            body = json.dumps({"name": name})
            status = http_status(f"{self.endpoint}/storage/v1/b?project=test", "POST", body)
            assert status == 200, f"{self.name} answered {status} when asked for bucket {name}"
            return
        from minio import Minio

        address = urlsplit(self.endpoint).netloc
        keys = (self.owner.access, self.owner.secret)
        Minio(address, *keys, secure=False, region=REGION).make_bucket(name)

    @property
    def runs(self) -> bool:
        return self._watchdog is not None and self._watchdog.poll() is None

    def start(self) -> None:
        """Start it, or start it again: same port, same data. Returns when it serves."""
        assert not self.runs, f"{self.name} runs already"
        first = self._watchdog is None
        self.stop()  # where it ended by itself
        # Nothing of the tester's own settings for this kind of server, nor of their home.
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        with self.log.open("ab") as log:
            self._watchdog = subprocess.Popen(
                [sys.executable, "-IS", WATCHDOG, self.folder, *self._launch.command],
                cwd=self.folder,
                env={**environment, **self._launch.environment},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for pytest, which then stops the server
            )
        self._wait_until_it_serves()
        if first and self.name == "minio":
            self._add_stranger_to_minio()

    def stop(self) -> None:
        """Kill it (SIGKILL) and wait until it is dead; its data stay."""
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.communicate(b"keep")
            self._watchdog.stdin = None  # it has been said, and is not said again

    def close(self) -> None:
        """Stop it for good: the folder is removed and the port is free again."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._ports.release()

    @property
    def log(self) -> Path:
        """What the server wrote to its standard output and error."""
        return self.folder / "log"

    def _wait_until_it_serves(self) -> None:
        deadline, pause = time.monotonic() + PATIENCE_SECONDS, 0.02
        while any(http_status(url) != 200 for url in self._launch.ready):
            if not self.runs or time.monotonic() > deadline:
                how = "does not serve" if self.runs else "ended by itself"
                self.stop()
                raise RuntimeError(f"{self.name} {how}; the end of its log:\n{self._log_end()}")
            time.sleep(pause)
            pause = min(2 * pause, 0.5)

    def _log_end(self) -> str:
        lines = self.log.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(lines[-20:]).replace(self.owner.secret, "***")

    def _add_stranger_to_minio(self) -> None:
        """Its accounts lie among its data, where only it can write them."""
        from minio import MinioAdmin
        from minio.credentials.providers import StaticProvider

        admin = MinioAdmin(
            endpoint=urlsplit(self.endpoint).netloc,
            credentials=StaticProvider(self.owner.access, self.owner.secret),
            secure=False,
        )
        admin.user_add(self.stranger.access, self.stranger.secret)


def http_status(url: str, method: str = "GET", body: str | None = None) -> int:
    """The status that a URL answers with, or 0 where nobody answers. Never through a proxy."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@contextmanager
def running(name: str, folder: Path) -> Iterator[Server]:
    """A server that serves until the block ends.

    Where it cannot be had, the test is skipped, saying why; in CI, where all of them are at
    hand, the test fails.
    """
    program = build.binary(name)
    if program is None:
        if build.required():
            pytest.fail(build.why_missing(name))
        pytest.skip(build.why_missing(name))
    server = Server(name, program, folder)
    with contextlib.closing(server):
        server.start()
        yield server
