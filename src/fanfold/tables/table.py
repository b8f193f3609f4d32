"""A table becomes batches of good rows, and rejects.

The ending of the name says the format (CSV, TSV, JSON lines, Parquet) and the compression
(gzip, zstd); `sample:20000` is a generated table. No row is lost or invented: each one of the
file is in one batch, among its rows or among its rejects.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from fanfold.errors import UserError, did_you_mean
from fanfold.storage import Changed, is_remote, open_reader, stat
from fanfold.tables.batch import Batch, Reject

__all__ = ["Batch", "Reject", "identify", "read_table", "require_columns", "require_unchanged"]

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson", ".json")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
PARQUET = ".parquet"
SAMPLE = "sample:"


def identify(uri: str) -> dict[str, Any]:
    """What says which table this is: its `uri`, and of a file or object `size` and `version`.

    Raises:
        UserError: there is no such file or object, or it may not be read.
    """
    is_stored = is_remote(uri) or Path(uri).is_file()
    if uri.startswith(SAMPLE) or not is_stored:
        return {"uri": uri}
    entry = stat(uri)
    return {"uri": uri, "size": entry.size, "version": entry.version}


def require_unchanged(identity: Mapping[str, Any]) -> None:
    """Raise `Changed` where the table is no longer the one that `identify` saw."""
    if identify(identity["uri"]) != identity:
        raise Changed(f"{identity['uri']!r} was changed while it was read: run again")


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
    """Raises a UserError that names the first of `needed` that `schema_names` lacks."""
    for name in needed:
        if name not in schema_names:
            have = ", ".join(map(repr, schema_names[:30]))
            more = f" and {len(schema_names) - 30} more" if len(schema_names) > 30 else ""
            raise UserError(
                f"no column {name!r} in {uri!r}, which has {have}{more}"
                f"{did_you_mean(name, schema_names)}"
            )


def _reader(uri: str, version: str | None, batch_rows: int) -> Iterator[Batch]:
    """The format's reader, ready to start on the table at `uri`."""
    from fanfold.tables.formats.delimited import read_delimited
    from fanfold.tables.formats.json_lines import read_json_lines
    from fanfold.tables.formats.parquet import read_parquet
    from fanfold.tables.sample import csv_stream, parse_sample_uri

    if uri.startswith(SAMPLE):
        return read_delimited(partial(csv_stream, parse_sample_uri(uri)), uri, ",")
    path = PurePosixPath(uri.lower())
    codec = COMPRESSIONS.get(path.suffix)
    ending = PurePosixPath(path.stem).suffix if codec else path.suffix
    opened = partial(_opened, uri, version, codec)
    if ending in DELIMITERS:
        return read_delimited(opened, uri, DELIMITERS[ending])
    if ending in JSON_LINES:
        return read_json_lines(opened, uri, batch_rows=batch_rows)
    if path.suffix == PARQUET:
        return read_parquet(opened, batch_rows=batch_rows)
    raise UserError(
        f"cannot tell the format of {uri!r}: a table's name ends in "
        f"{' '.join([*DELIMITERS, *JSON_LINES])} (also with {' '.join(COMPRESSIONS)} behind it) "
        f"or {PARQUET}, or it is {SAMPLE}ROWS"
    )


@contextmanager
def _opened(uri: str, version: str | None, codec: str | None) -> Iterator[BinaryIO]:
    """The bytes of the table at `uri`, decompressed."""
    import pyarrow as pa

    with open_reader(uri, version) as stream:
        # Arrow's own stream has no readline.
        yield io.BufferedReader(pa.CompressedInputStream(stream, codec)) if codec else stream


def _checked(batches: Iterator[Batch], uri: str, batch_rows: int) -> Iterator[Batch]:
    """The same batches, cut to size; a damaged file is told in one line."""
    import pyarrow as pa

    checked = False
    try:
        for batch in batches:
            if not checked:
                _check_names(batch.rows.schema.names, uri)
                checked = True
            yield from batch.split(batch_rows)
    except (OSError, pa.ArrowException) as error:
        cause = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(
            f"cannot read {uri!r}: damaged, or not what its name says: {cause}"
        ) from error


def _check_names(names: Sequence[str], uri: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"several columns of {uri!r} are named {twice[0]!r}: rename all but one")
