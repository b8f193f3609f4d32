"""What the clients of object stores read from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from fanfold.errors import UserError

ENDPOINT = "AWS_ENDPOINT_URL_S3"

Variables = tuple[tuple[str, str], ...]


@contextmanager
def s3_endpoint(address: str) -> Iterator[None]:
    """Within the block `s3://` is served by this address, if it is not empty.

    It is the environment that changes, so that every thread and subprocess sees it.
    """
    before = os.environ.get(ENDPOINT)
    if address:
        os.environ[ENDPOINT] = address
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(ENDPOINT, None)
        else:
            os.environ[ENDPOINT] = before


def first_set(*names: str) -> str | None:
    """The value of the first of these variables that holds something."""
    return next((value for name in names if (value := os.environ.get(name))), None)


def variables(*prefixes: str) -> Variables:
    """The variables whose names begin so: the key under which a client can be kept."""
    return tuple(item for item in sorted(os.environ.items()) if item[0].startswith(prefixes))


def server_address(given: str, name: str) -> str:
    """The address of a server, `https://` unless it says `http://`; `name` is what holds it.

    Raises:
        UserError: it is not an address of a server, or holds a user and password.
    """
    address = given.rstrip("/") if "://" in given else f"https://{given.rstrip('/')}"
    if not is_server_address(address):
        raise UserError(
            f"{name} is no address of a server: {shown(given)}; give http://host:port or"
            " https://host"
        )
    return address


def is_server_address(text: str) -> bool:
    """Whether this is `http://host`, `https://host` or one with a port, and nothing more."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and text == f"{parts.scheme}://{parts.netloc}"
            and bool(parts.hostname)
            and parts.port != 0
            and not re.search(r"[\s@\\%]", text)
        )
    except ValueError:  # a port that is no number, half a bracket
        return False


def shown(address: str) -> str:
    """The address as a message may show it: not where a password may stand in it."""
    return "(not shown, as it holds an @)" if "@" in address else repr(address)
