"""Objects on S3, or on any server that speaks its protocol (MinIO, SeaweedFS, versitygw)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

import urllib3
from minio import Minio
from minio.error import MinioException
from minio.helpers import ObjectWriteResult, check_bucket_name
from urllib3.exceptions import HTTPError

from fanfold.errors import FanfoldError, UserError
from fanfold.storage.errors import CHANGED, Changed, Unreachable
from fanfold.storage.resuming import resuming_stream
from fanfold.storage.retry import reason
from fanfold.storage.s3_client import s3_client
from fanfold.storage.s3_errors import code_and_status, told
from fanfold.storage.store import Entry, checked_key, sized

PART_BYTES = 16 << 20
MOST_PARTS = 10_000


class S3Storage:
    """A bucket, or what lies below a prefix in it."""

    def __init__(self, bucket: str, prefix: str = "", client: Minio | None = None) -> None:
        try:
            check_bucket_name(bucket)
        except ValueError:
            raise UserError(f"{bucket!r} cannot be the name of an S3 bucket") from None
        self.root = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._below = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = client or s3_client()

    def open_reader(self, key: str, version: str | None = None) -> BinaryIO:
        """A stream of the object's bytes; one request gives them all if nothing breaks."""
        first = self._get(key, version, 0)
        open_at = partial(self._get, key, version or _etag(first))
        size = int(first.headers["Content-Length"])
        return resuming_stream(open_at, size, self._uri(key), first)

    def write(self, key: str, source: bytes | BinaryIO) -> None:
        """Put the object, in parts where it has more than 16 MiB."""
        stream, size = sized(source)
        start = stream.tell() if size is not None else 0
        with self._told(key):
            try:
                written = self._put(key, stream, size)
                lost = not written.etag  # the server failed while it joined the parts
            except MinioException as error:
                # It had joined the parts already, and the answer was lost; or it has lost them.
                lost = size is not None and code_and_status(error)[0] == "NoSuchUpload"
                if not lost:
                    raise
            if lost and size is not None:
                stream.seek(start)
                lost = not self._put(key, stream, size).etag
        if lost:
            raise Unreachable(f"{self._uri(key)}: the server could not join the uploaded parts")

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """The objects, in requests of 1000; not the empty ones that stand for folders."""
        with self._told():
            found = self._client.list_objects(self._bucket, self._below + prefix, recursive=True)
            for item in found:
                key = (item.object_name or "").removeprefix(self._below)
                if key and not key.endswith("/"):
                    yield Entry(key, item.size or 0, item.etag or "")

    def stat(self, key: str) -> Entry:
        """The object's entry."""
        name = self._name(key)
        with self._told(key):
            try:
                item = self._client.stat_object(self._bucket, name)
            except MinioException:
                # An answer to HEAD has no body that says why: one to GET has.
                self._client.get_object(self._bucket, name, length=1).close()
                raise
        return Entry(key, item.size or 0, item.etag or "")

    def remove(self, key: str) -> None:
        """Remove the object."""
        name = self._name(key)
        with self._told(key):
            try:
                self._client.remove_object(self._bucket, name)
            except MinioException as error:
                if code_and_status(error)[0] != "NoSuchKey":
                    raise

    def _get(self, key: str, version: str | None, position: int) -> urllib3.BaseHTTPResponse:
        """The bytes from `position` on, as stored."""
        headers: dict[str, str | list[str] | tuple[str]] = {}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        name, uri = self._name(key), self._uri(key)
        with self._told(key):
            response = self._client.get_object(
                self._bucket, name, offset=position, request_headers=headers
            )
        response.decode_content = False  # positions are those of the stored bytes
        if version not in (None, _etag(response)):
            response.close()
            raise Changed(f"{uri} {CHANGED}")
        given = response.headers.get("Content-Range", "bytes 0-")
        if not given.startswith(f"bytes {position}-"):
            response.close()
            raise FanfoldError(f"{uri}: the server cannot give a part of an object")
        return response

    def _put(self, key: str, stream: BinaryIO, size: int | None) -> ObjectWriteResult:
        parts_of = max(PART_BYTES, math.ceil((size or 0) / MOST_PARTS))
        return self._client.put_object(
            self._bucket,
            self._name(key),
            stream,
            -1 if size is None else size,
            part_size=parts_of,
            num_parallel_uploads=1,  # each further one holds a part in memory
        )

    def _name(self, key: str) -> str:
        return self._below + checked_key(key, self.root)

    def _uri(self, key: str) -> str:
        return f"{self.root}/{key}" if key else self.root

    @contextmanager
    def _told(self, key: str = "") -> Iterator[None]:
        """What went wrong, in one line that names the object."""
        try:
            yield
        except MinioException as error:
            raise told(error, self._uri(key)) from None
        except HTTPError as error:  # of a client that was given, whose pool has given up
            raise Unreachable(f"{self._uri(key)}: no answer ({reason(error)})") from None
        except FanfoldError as error:  # of our pool and credentials
            raise type(error)(f"{self._uri(key)}: {error}") from None


def _etag(response: urllib3.BaseHTTPResponse) -> str:
    return response.headers.get("ETag", "").replace('"', "")
