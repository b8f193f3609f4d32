"""A stream over an object of a known size that goes on where its connection broke."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

from urllib3.exceptions import HTTPError

from fanfold.storage.errors import Unreachable
from fanfold.storage.retry import Patience, reason

BUFFER_BYTES = 1 << 20
BREAKS = (HTTPError, OSError)  # what reading from a connection raises when it breaks


class Body(Protocol):
    """The bytes of an object from some position on, to its end or to any place before."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""

    def close(self) -> None:
        """Give the connection up, or back."""


def resuming_stream(
    open_at: Callable[[int], Body], size: int, uri: str, first: Body | None = None
) -> BinaryIO:
    """A buffered stream of `size` bytes.

    Args:
        open_at: gives the bytes of this very version from a position on, and raises what is not
            to be tried again.
        size: of the whole object.
        uri: of the object, for messages.
        first: the bytes from position 0 on, where they are open already.
    """
    return io.BufferedReader(_ResumingReader(open_at, size, uri, first), BUFFER_BYTES)


class _ResumingReader(io.RawIOBase):
    def __init__(
        self, open_at: Callable[[int], Body], size: int, uri: str, first: Body | None
    ) -> None:
        self._open_at = open_at
        self._size = size
        self._uri = uri
        self._body = first
        self._position = 0
        self._patience = Patience()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"cannot seek to {start + offset}")
        if start + offset != self._position:
            self._drop()
            self._position = start + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        parts = []
        while data := self._next(BUFFER_BYTES):
            parts.append(data)
        return b"".join(parts)

    def close(self) -> None:
        if not self.closed:
            self._drop()
        super().close()

    def _next(self, size: int) -> bytes:
        """At least one byte, and no more than `size`; none at the end."""
        size = min(size, self._size - self._position)
        while size > 0:
            opened = self._body is None
            if self._body is None:
                self._body = self._open_at(self._position)
            why = "no bytes came"
            try:
                data = self._body.read(size)
            except BREAKS as error:
                data, why = b"", reason(error)
                opened = True
            if data:
                self._patience.succeeded()
                self._position += len(data)
                return data
            self._drop()
            # The end of one that had given bytes: the next begins where it ended.
            if opened and not self._patience.wait(f"{self._uri} from {self._position}", why):
                raise Unreachable(f"{self._uri} breaks off at byte {self._position:,}: {why}")
        return b""

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
