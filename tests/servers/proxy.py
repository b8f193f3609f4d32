"""A proxy on loopback that does to requests what networks and servers do at their worst."""

from __future__ import annotations

import threading

from tests.servers.connections import Listener
from tests.servers.faults import Answer, Cut, Faults, Lose, Seen, Stall
from tests.servers.ports import HOST, Ports


class FaultyProxy:
    """Passes HTTP on to a server, unchanged but for the faults that a test sets.

    The Host header passes as it came, since S3 signatures cover it. Where an answer names the
    server's own address (GCS: where to send an upload, where an object lies), the proxy's takes
    its place, so that a client keeps to it.

    Every fault strikes the next `times` requests (None: all, until `heal`) of this `method`
    (None: any) whose path, with the query, contains `path`.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.requests: list[Seen] = []
        self.healed = threading.Event()
        self.faults = Faults()
        self._ports = Ports()
        self._port = self._ports.take()
        self._listener: Listener | None = None
        self.endpoint = f"http://{HOST}:{self._port}"

    def cut(
        self, after: int, times: int | None = 1, method: str | None = "GET", path: str = ""
    ) -> None:
        """Break the connection after so many bytes of a body; a shorter body passes whole."""
        self.faults.add(Cut(times, method, path, after))

    def answer(
        self,
        status: int,
        body: bytes = b"",
        times: int | None = 1,
        method: str | None = None,
        path: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer so oneself; the server never sees the request."""
        self.faults.add(Answer(times, method, path, status, body, headers or {}))

    def stall(self, times: int | None = 1, method: str | None = None, path: str = "") -> None:
        """Take the request and stay silent until `heal`; then the connection breaks."""
        self.faults.add(Stall(times, method, path))

    def lose(self, times: int | None = 1, method: str | None = None, path: str = "") -> None:
        """Let the server do what was asked, and break the connection before its answer."""
        self.faults.add(Lose(times, method, path))

    def refuse(self) -> None:
        """Break all connections, and refuse new ones until `heal`."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def heal(self) -> None:
        """Forget all faults, and accept connections again."""
        self.faults.clear()
        self.healed.set()
        self.healed = threading.Event()
        if self._listener is None:
            self._listener = Listener(self, self._port)

    def count(self, method: str, path: str = "") -> int:
        """How many requests came with this method and this in their path."""
        return sum(seen.method == method and path in seen.path for seen in self.requests)

    def __enter__(self) -> FaultyProxy:
        self.heal()
        return self

    def __exit__(self, *_: object) -> None:
        self.healed.set()
        self.refuse()
        self._ports.release()
