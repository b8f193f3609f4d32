"""Which addresses are reached by a proxy, and that requests then go there."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fanfold.client import connect
from fanfold.errors import UserError
from fanfold.storage import Unreachable
from fanfold.storage.patient_pool import PatientPool
from fanfold.storage.proxies import proxy_for
from fanfold.storage.retry import Patience

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def no_proxy_of_the_tester(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


@pytest.mark.parametrize(
    ("url", "none_for", "expected"),
    [
        ("https://s3.eu-west-1.amazonaws.com/b", "", PROXY),
        ("http://store.example:9000/b", "", None),  # no HTTP_PROXY
        ("https://store.corp.example/b", ".corp.example", None),
        ("https://10.1.2.3/b", "10.0.0.0/8", None),
        ("https://11.1.2.3/b", "10.0.0.0/8", PROXY),
        ("https://store.example/b", "*", None),
        ("https://localhost:9000/b", "", None),
        ("https://127.0.0.1:9000/b", "", None),
        ("https://169.254.169.254/latest", "", None),
        ("https://[fd00:ec2::254]/latest", "", None),
        ("https://[fd01::1]/latest", "", PROXY),
    ],
)
def test_the_environment_says_which_addresses_have_a_proxy(
    url: str, none_for: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert proxy_for(url) is None
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", none_for)
    assert proxy_for(url) == expected


def test_a_proxy_may_be_named_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    assert proxy_for("http://store.example/b") == PROXY


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A proxy's host and port, and what it was asked for, with whose right."""
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Proxy-Authorization"]))
            self.send_response(200)
            self.send_header("Content-Length", "8")
            self.end_headers()
            self.wfile.write(b"by proxy")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_a_request_goes_by_the_proxy_that_the_environment_names(
    proxy: tuple[str, list[tuple[str, str | None]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    at, asked = proxy
    pool = PatientPool(Patience(0), 5)
    monkeypatch.setenv("HTTP_PROXY", f"http://{at}")
    assert pool.request("GET", "http://store.invalid:9000/b/k").data == b"by proxy"
    monkeypatch.setenv("HTTP_PROXY", f"http://me:p%40ss@{at}")
    assert pool.request("GET", "http://store.invalid:9000/b/k").data == b"by proxy"
    right = f"Basic {b64encode(b'me:p@ss').decode()}"
    assert asked == [("http://store.invalid:9000/b/k", each) for each in (None, right)]
    monkeypatch.setenv("NO_PROXY", "store.invalid")
    with pytest.raises(Unreachable, match="http://store.invalid:9000 does not answer"):
        pool.request("GET", "http://store.invalid:9000/b/k")
    assert len(asked) == 2


def test_kfp_is_reached_by_the_proxy_too(
    proxy: tuple[str, list[tuple[str, str | None]]],
    nobodys: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at, asked = proxy
    monkeypatch.setenv("HTTP_PROXY", f"http://me:p%C3%A4ss@{at}")
    with pytest.raises(UserError, match="answers with a page for people"):  # as "by proxy" is
        connect("http://kfp.invalid:8888", namespace="mine")
    right = "Basic " + b64encode("me:päss".encode()).decode()
    assert asked == [("http://kfp.invalid:8888/apis/v2beta1/healthz", right)]


@pytest.mark.parametrize(
    "proxy", ["socks5://proxy.example:1080", "proxy.example:31x28", "http://me:SHAME/FUL@proxy:1"]
)
def test_a_proxy_that_cannot_be_one_is_told_without_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(UserError, match="HTTP_PROXY names no proxy that can be used") as told:
        PatientPool(Patience(0), 5).request("GET", "http://store.example/b")
    assert "SHAME" not in str(told.value)


@pytest.mark.parametrize(
    ("proxy", "expected"), [("socks5h://localhost:1080", None), (PROXY, PROXY)]
)
def test_a_proxy_for_all_counts_where_it_can_be_used(
    proxy: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert proxy_for("https://store.example/b") == expected
    monkeypatch.setenv("HTTPS_PROXY", "http://own.example:1")
    assert proxy_for("https://store.example/b") == "http://own.example:1"


def test_a_proxy_that_is_not_there_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:SHAMEFUL@127.0.0.1:9")
    with pytest.raises(Unreachable) as told:
        PatientPool(Patience(0), 5).request("GET", "http://store.invalid:9000/b/k")
    assert "SHAMEFUL" not in str(told.value) and "proxy" in str(told.value).lower()
