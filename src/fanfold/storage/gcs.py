"""Objects on Google Cloud Storage."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from google.api_core.exceptions import NotFound as ApiNotFound
from google.api_core.exceptions import RequestRangeNotSatisfiable
from google.cloud.storage import Blob, Client

from fanfold.errors import FanfoldError, UserError
from fanfold.storage.errors import CHANGED, Changed
from fanfold.storage.gcs_client import gcs_client, is_lost_upload, patiently, told
from fanfold.storage.resuming import Body, resuming_stream
from fanfold.storage.store import Entry, checked_key, sized

PART_BYTES = 16 << 20  # of a download and of an upload: so much is held in memory


class GcsStorage:
    """A bucket, or what lies below a prefix in it."""

    def __init__(self, bucket: str, prefix: str = "", client: Client | None = None) -> None:
        self.root = f"gs://{bucket}/{prefix}".rstrip("/")
        self._below = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = client or gcs_client()
        # Only a name: to look at the bucket itself needs one permission more.
        try:
            self._bucket = self._client.bucket(bucket)
        except ValueError:
            raise UserError(f"{bucket!r} cannot be the name of a bucket on Google Cloud") from None

    def open_reader(self, key: str, version: str | None = None) -> BinaryIO:
        """A stream of the object's bytes, fetched 16 MiB at a time; one request if it has fewer."""
        first, generation = self._part(key, 0, version)
        size = len(first)
        if size in (0, PART_BYTES):
            entry = self.stat(key)
            size, generation = entry.size, generation or entry.version
            if entry.version != (version or generation):
                raise Changed(f"{self._uri(key)} {CHANGED}")

        def open_at(position: int) -> Body:
            return io.BytesIO(self._part(key, position, generation)[0])

        return resuming_stream(open_at, size, self._uri(key), io.BytesIO(first))

    def write(self, key: str, source: bytes | BinaryIO) -> None:
        """Upload the object, in parts where it has more than 8 MiB."""
        stream, size = sized(source)
        start = stream.tell() if size is not None else 0
        with self._told(key, of_bucket=True):
            try:
                self._upload(key, stream, size)
            except Exception as error:
                if size is None or not is_lost_upload(error):
                    raise
                stream.seek(start)
                self._upload(key, stream, size)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """The objects, in requests of 1000; not the empty ones that stand for folders."""
        with self._told(of_bucket=True):
            found = self._client.list_blobs(
                self._bucket.name,
                prefix=self._below + prefix,
                fields="items(name,size,generation),nextPageToken",
                **patiently(self.root),
            )
            for blob in found:
                key = blob.name.removeprefix(self._below)
                if key and not key.endswith("/"):
                    yield _entry(key, blob)

    def stat(self, key: str) -> Entry:
        """The object's entry."""
        blob = self._blob(key)
        with self._told(key):
            blob.reload(**patiently(self._uri(key)))
        return _entry(key, blob)

    def remove(self, key: str) -> None:
        """Remove the object."""
        blob = self._blob(key)
        with self._told(key):
            try:
                blob.delete(**patiently(self._uri(key)))
            except ApiNotFound as error:
                if "bucket does not exist" in str(error):
                    raise

    def _part(self, key: str, position: int, version: str | None) -> tuple[bytes, str]:
        """At most 16 MiB from `position` on, as stored, and the generation they are of."""
        if version is not None and not version.isdecimal():
            raise Changed(f"{self._uri(key)} is not of version {version!r}")
        blob = self._blob(key)
        with self._told(key):
            try:
                content: bytes = blob.download_as_bytes(
                    start=position,
                    end=position + PART_BYTES - 1,
                    raw_download=True,  # positions are those of the stored bytes
                    if_generation_match=None if version is None else int(version),
                    checksum=None,  # there is none of a part
                    **patiently(self._uri(key)),
                )
            except RequestRangeNotSatisfiable:  # the object is empty, or is now shorter
                if position > 0:
                    raise Changed(f"{self._uri(key)} {CHANGED}") from None
                content = b""
        generation = str(blob.generation or version or "")
        if version not in (None, generation):
            raise Changed(f"{self._uri(key)} {CHANGED}")
        return content, generation

    def _upload(self, key: str, stream: BinaryIO, size: int | None) -> None:
        blob = self._blob(key, chunk_size=PART_BYTES)
        blob.upload_from_file(_FromItsStart(stream), size=size, **patiently(self._uri(key)))

    def _blob(self, key: str, **options: Any) -> Blob:
        return self._bucket.blob(self._below + checked_key(key, self.root), **options)

    def _uri(self, key: str) -> str:
        return f"{self.root}/{key}" if key else self.root

    @contextmanager
    def _told(self, key: str = "", *, of_bucket: bool = False) -> Iterator[None]:
        """What went wrong, in one line that names the object."""
        try:
            yield
        except FanfoldError:  # of the source of an upload
            raise
        except Exception as error:
            if line := told(error, self._uri(key), of_bucket=of_bucket):
                raise line from None
            raise


class _FromItsStart(io.RawIOBase):
    """A stream whose position 0 is where the other stood, and that reads in full.

    The library uploads from position 0 only, and takes a short read for the end.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._start = stream.tell() if stream.seekable() else 0
        self._position = 0

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("seek from the end")
        self._stream.seek(self._start + offset)
        self._position = offset
        return offset

    def read(self, size: int = -1, /) -> bytes:
        parts: list[bytes] = []
        left = size
        while left and (part := self._stream.read(left)):
            parts.append(part)
            left -= len(part) if size >= 0 else 0
        content = b"".join(parts)
        self._position += len(content)
        return content


def _entry(key: str, blob: Blob) -> Entry:
    return Entry(key, int(blob.size or 0), str(blob.generation))
