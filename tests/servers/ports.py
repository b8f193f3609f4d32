"""Ports on loopback that stay with their server, also while it is down."""

from __future__ import annotations

import socket
import sys

HOST = "127.0.0.1"


class Ports:
    """Free ports, kept for one server until they are released.

    A server that is stopped and started again needs the port it had. Without more, the system
    may have lent it to a client's connection by then. A socket that is bound, and does not
    listen, keeps it from that: whoever connects meanwhile is refused, and on Linux the server
    itself may bind the port beside it, as both allow the reuse of addresses.
    """

    def __init__(self) -> None:
        self._kept: list[socket.socket] = []

    def take(self) -> int:
        """The number of a port that nobody uses."""
        keeper = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind((HOST, 0))
        port = int(keeper.getsockname()[1])
        if sys.platform == "linux":
            self._kept.append(keeper)
        else:
            keeper.close()  # elsewhere nobody else could bind it
        return port

    def release(self) -> None:
        while self._kept:
            self._kept.pop().close()
