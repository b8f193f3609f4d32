"""An HTTP server that answers as KFP's v2beta1 API and its pages do, on loopback."""

from __future__ import annotations

import contextlib
import email
import json
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as api

from tests.kfp_server.backend import CLIENT, ApiError, Backend, Moment
from tests.servers.ports import HOST, Ports

API = "/apis/v2beta1"
KEYS = {"display_name", "state", "experiment_id", "created_at", "run_id", "name"}
"""By what KFP can filter; a filter by `pipeline_id` it refuses."""

Gate = Callable[[Any], tuple[int, dict[str, str], bytes] | None]
"""What stands before KFP: looks at the headers of a request, and answers in its place, or not."""


def filtered(found: list[Any], query: dict[str, str]) -> list[Any]:
    """Those that the filter lets through."""
    for predicate in json.loads(query.get("filter", "{}")).get("predicates", []):
        if predicate["key"] not in KEYS or predicate["operation"] not in ("EQUALS", 1):
            raise ApiError(400, f"cannot filter by {predicate['key']}")
        key, value = predicate["key"], predicate["stringValue"]
        found = [each for each in found if getattr(each, key) == value]
    return found


class KfpServer:
    """A KFP that can be stopped and started again at the same address.

    Attributes:
        backend: what it knows.
        gate: what stands before it, if anything does.
        serves_artifacts: whether it is the address of KFP's pages, and not of its API alone.
        tls: what it shows its certificate by, if it speaks TLS; from the next start on.
        page_size: entries of a list that it gives at once.
        seen: method and path of each request that arrived, without the query.
        headers: those of the latest request.
    """

    def __init__(self, course: tuple[Moment, ...] = (Moment(("PENDING",)),)) -> None:
        self.backend = Backend(course)
        self.gate: Gate | None = None
        self.serves_artifacts = True
        self.multi_user = False
        self.tls: ssl.SSLContext | None = None
        self.page_size = 2
        self.seen: list[str] = []
        self.headers: dict[str, str] = {}
        self._ports = Ports()
        self._port = self._ports.take()
        self.url = f"http://{HOST}:{self._port}"
        self._server: _Server | None = None

    def start(self) -> KfpServer:
        owner = self

        class Handler(_Handler):
            kfp = owner

        self._server = _Server((HOST, self._port), Handler)
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.vanish()
            self._server = None

    def __enter__(self) -> KfpServer:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._ports.release()

    def count(self, request: str) -> int:
        return sum(each == request for each in self.seen)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """What KFP answers; a model, a dict, or the bytes of an artifact."""
        for (allowed, pattern), act in ROUTES.items():
            found = re.fullmatch(pattern, path)
            if found and allowed == method:
                return act(self, query, body, *found.groups())
        raise ApiError(404, "Not Found")

    def listed(self, what: str, found: list[Any], query: dict[str, str]) -> dict[str, Any]:
        """A page of a list, the latest first."""
        latest = list(reversed(filtered(found, query)))
        start = int(query.get("page_token") or 0)
        page = latest[start : start + self.page_size]
        more = str(start + self.page_size) if start + self.page_size < len(latest) else ""
        return {what: page, "total_size": len(latest), "next_page_token": more}


def _artifact(kfp: KfpServer, query: dict[str, str], body: Any) -> bytes:
    if not kfp.serves_artifacts:
        raise ApiError(404, "Not Found")
    assert query["namespace"], "KFP's pages want one"
    try:
        return kfp.backend.artifacts[query["source"], query["bucket"], query["key"]]
    except KeyError:
        raise ApiError(500, "Failed to get object in bucket: NoSuchKey") from None


def _versions(kfp: KfpServer, query: dict[str, str], body: Any, pipeline: str) -> dict[str, Any]:
    own = [each for each in kfp.backend.versions if each.pipeline_id == pipeline]
    return kfp.listed("pipeline_versions", own, query)


def _version(kfp: KfpServer, query: dict[str, str], body: Any, pipeline: str, version: str) -> Any:
    for each in kfp.backend.versions:
        if (each.pipeline_id, each.pipeline_version_id) == (pipeline, version):
            return each
    raise ApiError(404, f"version {version} not found")


def _health(kfp: KfpServer, query: dict[str, str], body: Any) -> Any:
    return api.V2beta1GetHealthzResponse(multi_user=kfp.multi_user)


ROUTES: dict[tuple[str, str], Callable[..., Any]] = {
    ("GET", f"{API}/healthz"): _health,
    ("GET", f"{API}/pipelines"): lambda kfp, q, _: kfp.listed(
        "pipelines", kfp.backend.pipelines, q
    ),
    ("POST", f"{API}/pipelines"): lambda kfp, q, body: kfp.backend.create_pipeline(body),
    ("POST", f"{API}/pipelines/upload_version"): lambda kfp, q, body: kfp.backend.upload_version(
        q["name"], q["pipelineid"], body
    ),
    ("GET", f"{API}/pipelines/([^/]+)/versions"): _versions,
    ("GET", f"{API}/pipelines/([^/]+)/versions/([^/]+)"): _version,
    ("GET", f"{API}/experiments"): lambda kfp, q, _: kfp.listed(
        "experiments", kfp.backend.experiments, q
    ),
    ("POST", f"{API}/experiments"): lambda kfp, q, body: kfp.backend.create_experiment(body),
    ("GET", f"{API}/runs"): lambda kfp, q, _: kfp.listed("runs", kfp.backend.runs, q),
    ("POST", f"{API}/runs"): lambda kfp, q, body: kfp.backend.create_run(body),
    ("GET", f"{API}/runs/([^/:]+)"): lambda kfp, q, _, run: kfp.backend.get_run(run),
    ("POST", f"{API}/runs/([^/:]+):retry"): lambda kfp, q, _, run: kfp.backend.retry_run(run),
    ("GET", f"{API}/runs/([^/]+)/nodes/([^/]+)/artifacts/main-logs:read"): (
        lambda kfp, q, _, run, node: kfp.backend.log(run, node)
    ),
    ("GET", "/artifacts/get"): _artifact,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connections: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def vanish(self) -> None:
        """Stop, and break what is still connected."""
        self.shutdown()
        self.server_close()
        for each in self._connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that no longer listens is its own affair."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    kfp: KfpServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle(None)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            whole = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\n\n" + content)
            (part,) = whole.get_payload()  # type: ignore[misc]
            assert part.get_param("name", header="Content-Disposition") == "uploadfile"
            self._handle(part.get_payload(decode=True).decode())
        else:
            assert kind == "application/json"
            self._handle(json.loads(content or b"{}"))

    def _handle(self, body: Any) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.kfp.seen.append(f"{self.command} {parts.path}")
        self.kfp.headers = dict(self.headers)
        gate = self.kfp.gate(self.headers) if self.kfp.gate else None
        if gate is not None:
            self._send(*gate)
            return
        try:
            answer = self.kfp.answer(self.command, parts.path, query, body)
        except ApiError as error:
            said = {"error": str(error), "code": 3, "message": str(error), "details": []}
            self._send(
                error.status, {"Content-Type": "application/json"}, json.dumps(said).encode()
            )
            return
        if isinstance(answer, bytes):
            self._send(200, {}, answer)
        else:
            text = json.dumps(CLIENT.sanitize_for_serialization(answer or {}))
            self._send(200, {"Content-Type": "application/json"}, text.encode())

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
