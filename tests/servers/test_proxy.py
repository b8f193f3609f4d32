"""The proxy passes everything on as it came, but for the faults that a test sets."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.servers.proxy import FaultyProxy

BODY = bytes(range(256)) * 1000


class Upstream(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """The proxy hangs up on it where a fault says so."""


class Echo(BaseHTTPRequestHandler):
    """Tells in headers what it was asked; answers with the body it got, or with BODY."""

    protocol_version = "HTTP/1.1"
    server: Upstream
    written: list[bytes]

    def do_GET(self) -> None:
        got = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.written.append(got)
        body = got or BODY
        if self.path.startswith("/storage/v1/"):
            body = b'{"link": "http://127.0.0.1:%d/x"}' % self.server.server_port
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Host", self.headers["Host"])
        self.send_header("X-Path", self.requestline.split()[1])
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[str]:
    Echo.written = []
    server = Upstream(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(upstream: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(upstream) as proxy:
        yield proxy


def connect(proxy: FaultyProxy, timeout: float = 20) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=timeout)


def get(proxy: FaultyProxy, path: str = "/a", **headers: str) -> http.client.HTTPResponse:
    connection = connect(proxy)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def test_requests_and_answers_pass_unchanged_and_are_noted(proxy: FaultyProxy) -> None:
    answer = get(proxy, "//a%2Fb?c=%20d", Range="bytes=5-")
    assert answer.read() == BODY
    assert answer.headers["X-Path"] == "//a%2Fb?c=%20d"
    assert answer.headers["X-Host"] == urlsplit(proxy.endpoint).netloc
    assert proxy.requests == [("GET", "//a%2Fb?c=%20d", "bytes=5-")]


def test_a_connection_serves_many_requests(proxy: FaultyProxy) -> None:
    connection = connect(proxy)
    for number in range(3):
        connection.request("PUT", "/a", body=BODY[number:])
        assert connection.getresponse().read() == BODY[number:]
    assert proxy.count("PUT") == 3


def test_where_gcs_says_its_own_address_it_becomes_the_proxys(proxy: FaultyProxy) -> None:
    answer = get(proxy, "/storage/v1/b/a").read()
    assert answer == b'{"link": "%s/x"}' % proxy.endpoint.encode()
    content = get(proxy, "/storage/v1/b/a/o/b?alt=media").read()
    assert content == b'{"link": "%s/x"}' % proxy.upstream.encode()


def test_a_body_is_cut_once_or_always(proxy: FaultyProxy) -> None:
    proxy.cut(1000)
    for expected in (1000, len(BODY)):
        try:
            assert len(get(proxy).read()) == expected
        except http.client.IncompleteRead as error:
            assert error.partial == BODY[:1000]
            assert expected == 1000
    proxy.cut(10, times=None)
    for _ in range(3):
        with pytest.raises(http.client.IncompleteRead):
            get(proxy).read()


def test_a_cut_waits_for_a_body_that_is_long_enough_and_a_path_that_matches(
    proxy: FaultyProxy,
) -> None:
    proxy.cut(1000, path="/long")
    proxy.cut(len(BODY), path="/a")
    assert get(proxy, "/a").read() == BODY
    with pytest.raises(http.client.IncompleteRead):
        get(proxy, "/long").read()


def test_the_next_requests_get_another_answer_and_the_server_never_sees_them(
    proxy: FaultyProxy,
) -> None:
    proxy.answer(503, b"<Code>SlowDown</Code>", times=2, headers={"Retry-After": "1"})
    for _ in range(2):
        answer = get(proxy)
        assert (answer.status, answer.read()) == (503, b"<Code>SlowDown</Code>")
        assert answer.headers["Retry-After"] == "1"
    assert Echo.written == []
    assert get(proxy).status == 200


def test_a_lost_answer_is_that_of_a_request_that_was_done(proxy: FaultyProxy) -> None:
    proxy.lose(method="PUT")
    connection = connect(proxy)
    connection.request("PUT", "/a", body=b"new")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    assert Echo.written == [b"new"]


def test_a_stalled_request_gets_no_answer_until_the_proxy_is_healed(proxy: FaultyProxy) -> None:
    proxy.stall()
    connection = connect(proxy, timeout=0.2)
    connection.request("GET", "/a")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    assert get(proxy).status == 200  # others go on meanwhile


def test_connections_are_refused_until_the_proxy_is_healed(proxy: FaultyProxy) -> None:
    kept = connect(proxy)
    kept.request("GET", "/a")
    assert kept.getresponse().read() == BODY
    kept.auto_open = 0
    proxy.refuse()
    with pytest.raises((http.client.HTTPException, OSError)):
        kept.request("GET", "/a")
        kept.getresponse()
    with pytest.raises(ConnectionRefusedError):
        get(proxy)
    proxy.heal()
    assert get(proxy).read() == BODY


def test_a_server_that_is_away_is_a_connection_that_breaks(proxy: FaultyProxy) -> None:
    proxy.upstream = "http://127.0.0.1:9"
    with pytest.raises(http.client.RemoteDisconnected):
        get(proxy)
