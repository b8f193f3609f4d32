"""Where tables, artifacts and results lie: a path, and (to come) `gs://` and `s3://`."""

from __future__ import annotations

from typing import BinaryIO

from fanfold.errors import UserError
from fanfold.storage import local

__all__ = ["open_reader"]


def open_reader(uri: str) -> BinaryIO:
    """A binary stream over the object at `uri`, a path on this machine.

    Raises:
        UserError: the scheme is not known, or there is nothing to read.
    """
    scheme, separator, _ = uri.partition("://")
    if separator:
        raise UserError(f"cannot read {uri!r}: {scheme}:// is not supported; give a local path")
    return local.open_reader(uri)
