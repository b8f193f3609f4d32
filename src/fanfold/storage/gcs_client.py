"""The client of Google Cloud Storage, from the environment, and what its errors mean."""

from __future__ import annotations

import http.client
import logging
import os
from functools import lru_cache
from typing import Any

import requests
from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.auth import exceptions as auth
from google.cloud.storage import Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from urllib3.exceptions import HTTPError

from fanfold.errors import FanfoldError, UserError
from fanfold.storage.environment import Variables, first_set, is_server_address, shown, variables
from fanfold.storage.errors import CHANGED, AccessDenied, Changed, NotFound, Unreachable
from fanfold.storage.retry import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    TRANSIENT_STATUSES,
    answer_seconds,
    patience_seconds,
    reason,
)

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
EMULATOR_VARIABLE = "STORAGE_EMULATOR_HOST"
NO_CREDENTIALS = (
    "no credentials for Google Cloud Storage: run gcloud auth application-default login, name a "
    "key file in GOOGLE_APPLICATION_CREDENTIALS, or run where a service account is given"
)
EXPIRED = (
    "the credentials are not valid, or have expired and cannot be renewed: run gcloud auth "
    "application-default login, or check GOOGLE_APPLICATION_CREDENTIALS"
)
BROKEN_CONNECTION = (
    ConnectionError,
    HTTPError,
    auth.TransportError,
    http.client.HTTPException,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


def gcs_client() -> Client:
    """A client with the credentials that the environment names; none for an emulator.

    Raises:
        UserError: the emulator's address is malformed.
        AccessDenied: there are no credentials.
    """
    prefixes = ("GOOGLE_", "GCLOUD_", "CLOUDSDK_", "STORAGE_EMULATOR_HOST", "HOME")
    return _client(os.getpid(), variables(*prefixes))


@lru_cache(maxsize=4)
def _client(process: int, environment: Variables) -> Client:
    """One client for as long as the environment stays: its connections are used again.

    The arguments are the cache's key; connections must not be shared between processes.
    """
    # The library would look at the bucket itself, in a thread, for traces that nobody collects.
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    emulator = first_set(EMULATOR_VARIABLE)
    if emulator and not is_server_address(emulator.rstrip("/")):
        raise UserError(
            f"{EMULATOR_VARIABLE} is no address of a server: {shown(emulator)}; "
            "give http://host:port"
        )
    try:
        return Client(project=None)  # objects belong to buckets: no project is asked for
    except (auth.GoogleAuthError, ValueError, OSError):  # a key file that is none is a ValueError
        raise AccessDenied(NO_CREDENTIALS) from None


def patiently(uri: str) -> dict[str, Any]:
    """Arguments of the library's calls: how long to wait, and how often to try again, for `uri`."""
    return {"retry": _retry(uri), "timeout": (CONNECT_SECONDS, answer_seconds())}


def _retry(uri: str) -> Retry:

    def log(error: Exception) -> None:
        logger.warning("storage_retry what=%r reason=%r", uri, _why(error))

    return Retry(
        predicate=is_transient,
        initial=FIRST_PAUSE_SECONDS,
        maximum=LONGEST_PAUSE_SECONDS,
        timeout=patience_seconds(),
        on_error=log,
    )


def is_transient(error: BaseException) -> bool:
    """Whether the same request may well succeed a little later."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return False
    return isinstance(error, BROKEN_CONNECTION) or _status(error) in TRANSIENT_STATUSES


def told(error: Exception, uri: str, *, of_bucket: bool = False) -> FanfoldError | None:
    """The error to raise for one of the library's; None for what is none of its own.

    The library's own text is left out, but for what says that it is the bucket that is missing.

    Args:
        error: what was raised.
        uri: the object or prefix that was asked for.
        of_bucket: whether only the bucket can be missing.
    """
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        error = error.cause
    status = _status(error)
    if status == 404:
        bucket = "/".join(uri.split("/", 3)[:3])
        if of_bucket or "bucket does not exist" in str(error):
            return NotFound(f"there is no bucket {bucket}: check its name")
        return NotFound(f"no object at {uri}: check its bucket and key")
    if status == 412:
        return Changed(f"{uri} {CHANGED}")
    if status == 403:
        return AccessDenied(
            f"access to {uri} is denied: check that it exists and what these credentials may do"
        )
    if is_transient(error):
        where = first_set(EMULATOR_VARIABLE) or "https://storage.googleapis.com"
        return Unreachable(f"{uri}: {where} does not answer: {_why(error)}")
    if status == 401 or isinstance(error, auth.GoogleAuthError):
        return AccessDenied(f"{uri}: {EXPIRED}")
    if isinstance(error, DataCorruption):
        return Unreachable(f"{uri}: what was uploaded did not arrive as it was sent")
    if isinstance(error, requests.RequestException):
        return UserError(f"{uri}: no connection to the server: {_why(error)}")
    return UserError(f"{uri}: the server refuses: {status}") if status else None


def is_lost_upload(error: Exception) -> bool:
    """Whether an upload in parts must begin anew: the server has lost it, or has damaged it."""
    return isinstance(error, DataCorruption) or _status(error) in (404, 410)


def _status(error: BaseException) -> int:
    """The HTTP status of an answer that is an error; 0 where there was no answer."""
    if isinstance(error, InvalidResponse):
        return int(error.response.status_code)
    return int(error.code or 0) if isinstance(error, api.GoogleAPICallError) else 0


def _why(error: BaseException) -> str:
    status = _status(error)
    return f"status {status}" if status else reason(error)
