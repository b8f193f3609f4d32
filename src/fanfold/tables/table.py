"""A table becomes batches of good rows, and rejects.

The ending of the name says the format (CSV, TSV, JSON lines, Parquet) and the compression
(gzip, zstd); `sample:20000` is a generated table. No row is lost or invented: each one of the
file is in one batch, among its rows or among its rejects.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from fanfold.errors import UserError, did_you_mean, listed
from fanfold.storage import Changed, NotFound, exists, is_remote, open_reader, stat
from fanfold.tables.batch import Batch, Reject
from fanfold.tables.formats.foreign import (
    LOOKED_AT,
    advice_on_bytes,
    codec_of,
    refuse_folder,
    refuse_foreign,
    refuse_name,
)
from fanfold.tables.formats.header_hints import header_hint

__all__ = [
    "FRAME", "Batch", "Reject", "advice_on_bytes", "frame_at", "header_advice", "identify", "named",
    "read_table", "require_columns", "require_unchanged",
]  # fmt: skip

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson", ".json")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
PARQUET = ".parquet"
SAMPLE = "sample:"
BUFFER_BYTES = 1 << 20
FRAME = "frame:"
"""What stands for the table that was given in memory, see `frame_at`."""

_frame: ContextVar[Path | None] = ContextVar("frame", default=None)


@contextmanager
def frame_at(path: Path) -> Iterator[None]:
    """Within the block `FRAME` is the table in the Parquet file at `path`, which nothing names."""
    token = _frame.set(path)
    try:
        yield
    finally:
        _frame.reset(token)


def named(uri: str) -> str:
    """What messages call the table at `uri`."""
    return "the frame" if uri == FRAME else repr(uri)


def identify(uri: str) -> dict[str, Any]:
    """What says which table this is: its `uri`, and of a file or object `size` and `version`.

    Of a frame these are `uri`, `rows` and `columns`.

    Raises:
        UserError: there is no such file or object, or it may not be read.
    """
    if uri == FRAME:
        import pyarrow.parquet as pq

        stored = pq.read_metadata(_frame_path())
        return {"uri": uri, "rows": stored.num_rows, "columns": stored.num_columns}
    is_stored = is_remote(uri) or os.path.isfile(uri)
    if uri.startswith(SAMPLE) or not is_stored:
        return {"uri": uri}
    try:
        entry = stat(uri)
    except NotFound:
        if is_remote(uri) and exists(uri):
            raise UserError(f"{uri!r} is a folder, and one file is needed: name it") from None
        raise
    return {"uri": uri, "size": entry.size, "version": entry.version}


def require_unchanged(identity: Mapping[str, Any]) -> None:
    """Raise `Changed` where the table is no longer the one that `identify` saw."""
    if identify(identity["uri"]) != identity:
        raise Changed(f"{named(identity['uri'])} was changed while it was read: run again")


def read_table(uri: str, *, version: str | None = None, batch_rows: int = 65536) -> Iterator[Batch]:
    """The rows of a table, in order, in at least one batch; memory stays bounded.

    The columns of CSV, TSV and JSON lines are all text, values untouched ("NA" and "" are
    text; only JSON knows null); those of Parquet keep their types. A row is set aside if it has
    the wrong number of fields, bytes that are not UTF-8, quotes that RFC 4180 does not allow, or is
    no JSON object. An empty line is no row.

    Args:
        uri: a path or URI that ends in .csv, .tsv, .jsonl, .ndjson or .json (plain, or with .gz,
            .zst or .zstd behind it) or .parquet; or `sample:ROWS`.
        version: of the file or object, as `identify` gives it; None takes any.
        batch_rows: a batch has at most so many good rows.

    Raises:
        Changed: it is not of this `version`, or was replaced while it was read.
        UserError: the ending is another, there is no such file, or it is damaged, or has no
            usable header.
    """
    return _checked(_reader(uri, version, batch_rows), uri, batch_rows)


def require_columns(schema_names: Sequence[str], needed: Iterable[str], uri: str) -> None:
    """Raises a UserError that names the first of `needed` that is not there, or not once only."""
    for name in needed:
        if name not in schema_names:
            advice = header_advice(schema_names, name, uri)
            if advice:
                raise UserError(f"no column {name!r} in {named(uri)}: {advice}")
            raise UserError(
                f"no column {name!r} in {named(uri)}, which has {listed(schema_names)}"
                f"{did_you_mean(name, schema_names)}"
            )
        if list(schema_names).count(name) > 1:
            raise UserError(
                f"several columns of {named(uri)} are named {name!r}: rename all but one"
            )


def header_advice(names: Sequence[str], missing: str, uri: str) -> str:
    """What to do about a table that lacks the column `missing` as its header is odd, or nothing."""
    delimiter = DELIMITERS.get(_format_of(uri)[0])
    return header_hint(delimiter.join(names), uri, delimiter, missing) if delimiter else ""


def _reader(uri: str, version: str | None, batch_rows: int) -> Iterator[Batch]:
    """The format's reader, ready to start on the table at `uri`."""
    from fanfold.tables.formats.delimited import read_delimited
    from fanfold.tables.formats.json_lines import read_json_lines
    from fanfold.tables.formats.parquet import read_parquet
    from fanfold.tables.sample import csv_stream, parse_sample_uri

    if uri == FRAME:
        return read_parquet(partial(open_reader, str(_frame_path())), batch_rows=batch_rows)
    if uri.startswith(SAMPLE):
        return read_delimited(partial(csv_stream, parse_sample_uri(uri)), uri, ",")
    refuse_folder(uri)
    ending, codec = _format_of(uri)
    opened = partial(_opened, uri, version, codec)
    if ending in DELIMITERS:
        return read_delimited(opened, uri, DELIMITERS[ending])
    if ending in JSON_LINES:
        return read_json_lines(opened, uri, batch_rows=batch_rows)
    if ending == PARQUET and codec is None:
        return read_parquet(partial(_opened_parquet, uri, version), batch_rows=batch_rows)
    refuse_name(
        uri,
        f"cannot tell the format of {uri!r}: a table's name ends in "
        f"{' '.join([*DELIMITERS, *JSON_LINES])} (also with {' '.join(COMPRESSIONS)} behind it) "
        f"or {PARQUET}, or it is {SAMPLE}ROWS",
    )


def _frame_path() -> Path:
    path = _frame.get()
    if path is None:
        raise UserError(f"{FRAME!r} is the frame of a search that is over: give a frame or a path")
    return path


def _format_of(uri: str) -> tuple[str, str | None]:
    """The ending that says the format, and the compression that stands behind it."""
    path = PurePosixPath(uri.lower())
    codec = COMPRESSIONS.get(path.suffix)
    return (PurePosixPath(path.stem).suffix if codec else path.suffix), codec


@contextmanager
def _opened(uri: str, version: str | None, codec: str | None) -> Iterator[BinaryIO]:
    """The bytes of the table at `uri`, decompressed: by what they are, whatever the name says."""
    with open_reader(uri, version) as stream:
        start = _start(stream)
        if codec and start and not codec_of(start):
            raise OSError(f"not {codec}; if it is not compressed, its name should not say so")
        text = _decompressed(stream, codec_of(start) or codec)
        refuse_foreign(_start(text), uri)
        yield text


def _decompressed(stream: BinaryIO, codec: str | None) -> BinaryIO:
    """The stream, decompressed; what a library gives is buffered, for `readline` and `peek`."""
    import pyarrow as pa

    if codec == "gzip":  # it skips zeros behind the end, which Arrow's refuses
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=stream)), BUFFER_BYTES)
    return io.BufferedReader(pa.CompressedInputStream(stream, codec)) if codec else stream


@contextmanager
def _opened_parquet(uri: str, version: str | None) -> Iterator[BinaryIO]:
    with open_reader(uri, version) as stream:
        if not _start(stream).startswith(b"PAR1"):
            refuse_foreign(_start(stream), uri)
        yield stream


def _start(stream: BinaryIO) -> bytes:
    """The first bytes of a stream, which are still to be read."""
    return cast(io.BufferedReader, stream).peek(LOOKED_AT)[:LOOKED_AT]


def _checked(batches: Iterator[Batch], uri: str, batch_rows: int) -> Iterator[Batch]:
    """The same batches, cut to size; a damaged file is told in one line."""
    import pyarrow as pa

    try:
        for batch in batches:
            yield from batch.split(batch_rows)
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        cause = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(
            f"cannot read {named(uri)}: damaged, or not what its name says: {cause}"
        ) from error
