"""The connections of a faulty proxy: its clients', and one to the server for each request."""

from __future__ import annotations

import http.client
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from tests.servers.faults import Answer, Cut, Fault, Lose, Seen, Stall
from tests.servers.ports import HOST

if TYPE_CHECKING:
    from tests.servers.proxy import FaultyProxy

BLOCK = 1 << 16
OF_THIS_HOP = {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding"}


class Listener(ThreadingTCPServer):
    """Accepts connections in a thread, and knows those that are open, to break them."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, proxy: FaultyProxy, port: int) -> None:
        self.proxy = proxy
        self._open: set[socket.socket] = set()
        super().__init__((HOST, port), Connection)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what this is about, and nothing to report."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()
        for connection in list(self._open):
            break_off(connection)


class Connection(BaseHTTPRequestHandler):
    """One client's connection, and the requests that come over it."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def handle_any(self) -> None:
        """Note the request, then pass it on or let a fault strike it."""
        proxy = self.server.proxy
        # Not self.path, in which two leading slashes have become one: signatures cover it.
        seen = Seen(self.command, self.requestline.split()[1], self.headers.get("Range", ""))
        proxy.requests.append(seen)
        if "Transfer-Encoding" in self.headers:
            self.send_error(501, "this proxy takes bodies of a known length only")
            return
        fault = proxy.faults.strike(seen)
        if isinstance(fault, Stall):
            proxy.healed.wait()
            break_off(self.connection)
        elif isinstance(fault, Answer):
            for _ in self._body():
                pass
            self._answer(fault)
        else:
            self._pass_on(seen, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = handle_any

    def log_message(self, *_: object) -> None:
        """No line for each request among the output of tests."""

    def _body(self) -> Iterator[bytes]:
        left = int(self.headers.get("Content-Length") or 0)
        while left and (block := self.rfile.read(min(left, BLOCK))):
            left -= len(block)
            yield block

    def _answer(self, fault: Answer) -> None:
        self.send_response(fault.status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(fault.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(fault.body)

    def _pass_on(self, seen: Seen, fault: Fault | None) -> None:
        upstream = http.client.HTTPConnection(urlsplit(self.server.proxy.upstream).netloc)
        try:
            upstream.putrequest(seen.method, seen.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in OF_THIS_HOP:
                    upstream.putheader(name, value)
            upstream.endheaders()
            for block in self._body():
                upstream.send(block)
            answer = upstream.getresponse()
            if isinstance(fault, Lose):
                answer.read()
                break_off(self.connection)
            else:
                self._return(seen, answer)
        except (OSError, http.client.HTTPException):
            break_off(self.connection)  # the server is away: as if there were no proxy
        finally:
            upstream.close()

    def _return(self, seen: Seen, answer: http.client.HTTPResponse) -> None:
        """The server's answer, cut where a fault says so."""
        replaced = set(OF_THIS_HOP)
        body: BinaryIO | http.client.HTTPResponse = answer
        size = answer.length
        if seen.method != "HEAD" and (size is None or is_about_gcs(seen.path)):
            whole = self._rewritten(answer.read())
            body, size = io.BytesIO(whole), len(whole)
            replaced.add("content-length")
        cut = self.server.proxy.faults.strike(seen, size or 0)
        left = cut.after if isinstance(cut, Cut) else size or 0
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in replaced:
                value = self._rewritten(value.encode("latin-1")).decode("latin-1")
                self.send_header(name, value)
        if "content-length" in replaced:
            self.send_header("Content-Length", str(size))
        self.end_headers()
        while left and (block := body.read(min(left, BLOCK))):
            self.wfile.write(block)
            left -= len(block)
        if cut or left:
            break_off(self.connection)

    def _rewritten(self, text: bytes) -> bytes:
        proxy = self.server.proxy
        return text.replace(proxy.upstream.encode(), proxy.endpoint.encode())


def is_about_gcs(path: str) -> bool:
    """Whether the answer tells of objects of GCS, and may name the server; it is no object."""
    return path.startswith(("/storage/v1/", "/upload/storage/v1/")) and "alt=media" not in path


def break_off(connection: socket.socket) -> None:
    """Close a connection both ways at once, in the middle of whatever goes over it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
