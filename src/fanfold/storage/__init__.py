"""Where tables, results and models lie: Google Cloud Storage, S3, or this machine."""

from fanfold.storage.environment import s3_endpoint
from fanfold.storage.errors import AccessDenied, Changed, NoRoom, NotFound, Unreachable
from fanfold.storage.keeping import parts_kept
from fanfold.storage.published import fetched, publish, published, seen
from fanfold.storage.replacing import Seen
from fanfold.storage.scratch import scratch_folder
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
    "NoRoom",
    "NotFound",
    "Seen",
    "Storage",
    "Unreachable",
    "download",
    "exists",
    "fetched",
    "is_remote",
    "join",
    "open_reader",
    "open_storage",
    "parts_kept",
    "place",
    "publish",
    "published",
    "read_bytes",
    "s3_endpoint",
    "scratch_folder",
    "seen",
    "stat",
    "upload",
    "write_bytes",
]
