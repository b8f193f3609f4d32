"""What a network or a server does wrong, and to which requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import NamedTuple


class Seen(NamedTuple):
    """A request that has arrived; `range` is "" where it asked for all."""

    method: str
    path: str
    range: str


@dataclass
class Fault:
    """Something to do to requests that match, `times` times (None: always)."""

    times: int | None
    method: str | None = None
    path: str = ""

    def matches(self, seen: Seen) -> bool:
        return self.method in (None, seen.method) and self.path in seen.path


@dataclass
class Cut(Fault):
    """The connection breaks after so many bytes of an answer's body, if it has more."""

    after: int = 0


@dataclass
class Answer(Fault):
    """This answer, and the server never sees the request."""

    status: int = 503
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Stall(Fault):
    """No answer, on a connection that stays open."""


@dataclass
class Lose(Fault):
    """The server does what was asked, and the connection breaks before its answer."""


class Faults:
    """The faults that are set, in order: the first that matches a request strikes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._set.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._set.clear()

    def strike(self, seen: Seen, body_bytes: int | None = None) -> Fault | None:
        """The fault for this request, counted as used.

        A cut strikes only once it is known how long the answer is, and that it is long enough;
        all others before the request goes on.
        """
        with self._lock:
            for fault in self._set:
                late = isinstance(fault, Cut)
                if late != (body_bytes is not None) or not fault.matches(seen):
                    continue
                if isinstance(fault, Cut) and fault.after >= (body_bytes or 0):
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._set.remove(fault)
                return fault
        return None
