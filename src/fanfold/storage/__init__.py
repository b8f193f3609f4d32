"""Where tables, results and models lie: Google Cloud Storage, S3, or this machine."""

from fanfold.storage.environment import s3_endpoint
from fanfold.storage.errors import AccessDenied, Changed, NotFound, Unreachable
from fanfold.storage.published import fetched, published
from fanfold.storage.store import Entry, Storage
from fanfold.storage.transfer import download, upload
from fanfold.storage.uris import (
    exists,
    is_remote,
    join,
    open_reader,
    open_storage,
    place,
    read_bytes,
    stat,
    write_bytes,
)

__all__ = [
    "AccessDenied",
    "Changed",
    "Entry",
    "NotFound",
    "Storage",
    "Unreachable",
    "download",
    "exists",
    "fetched",
    "is_remote",
    "join",
    "open_reader",
    "open_storage",
    "place",
    "published",
    "read_bytes",
    "s3_endpoint",
    "stat",
    "upload",
    "write_bytes",
]
