"""What stands before a KFP: who is let through, and how others are turned away."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.kfp_server.server import Gate

PAGE = b"<!doctype html><title>Log in</title><form action=/login></form>"

Answer = tuple[int, dict[str, str], bytes]


def _said(status: int, message: str) -> Answer:
    body = json.dumps({"error": message, "code": 16, "message": message}).encode()
    return status, {"Content-Type": "application/json"}, body


def token(right: str) -> Gate:
    """401 without a token, 403 with another than `right`, which it tells back."""

    def gate(headers: Mapping[str, str]) -> Answer | None:
        sent = headers.get("authorization", "")
        if not sent:
            return _said(401, "Request header error: there is no user identity header.")
        if sent != f"Bearer {right}":
            return _said(403, f"User with {sent} is not authorized to list runs")
        return None

    return gate


def cookie(right: str) -> Gate:
    """A redirection to a page to log in, as oauth2-proxy and Dex send it, without the cookie."""

    def gate(headers: Mapping[str, str]) -> Answer | None:
        if headers.get("cookie") == right:
            return None
        return 302, {"Location": "https://login.example/dex/auth?state=abc"}, b""

    return gate


def page(headers: Mapping[str, str]) -> Answer:
    """The page to log in itself, with status 200."""
    return 200, {"Content-Type": "text/html"}, PAGE


def elsewhere(headers: Mapping[str, str]) -> Answer:
    """The API is elsewhere now."""
    return 301, {"Location": "https://kfp.example/pipeline/apis/v2beta1/healthz"}, b""


def failing(status: int, times: int) -> Gate:
    """So often this status, and then KFP."""
    left = [times]

    def gate(headers: Mapping[str, str]) -> Answer | None:
        left[0] -= 1
        return (status, {"Content-Type": "text/html"}, b"<h1>no</h1>") if left[0] >= 0 else None

    return gate


def expiring(times: int) -> Gate:
    """So often KFP, and then 401."""
    left = [times]

    def gate(headers: Mapping[str, str]) -> Answer | None:
        left[0] -= 1
        return None if left[0] >= 0 else _said(401, "the session has expired")

    return gate
