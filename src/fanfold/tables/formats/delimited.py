"""CSV and TSV: every byte of the file ends up in a good row or in a reject.

The file is read stretch by stretch. Each is cut at the end of a line and parsed as a block; a
record whose quote is still open there waits for the next stretch, so that it may be longer than
one. A quote that is never closed, or closed amid text, costs the line in which its record begins:
those behind it are read as if it were not there, also those of its own value.
"""

from __future__ import annotations

import csv
import io
import logging
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from fanfold.errors import UserError
from fanfold.tables.batch import BATCH_BYTES, Batch, OpenStream
from fanfold.tables.formats.csv_block import Block
from fanfold.tables.formats.foreign import other_encoding
from fanfold.tables.formats.header_hints import DELIMITERS, header_hint
from fanfold.tables.formats.quoting import LINE_END

logger = logging.getLogger(__name__)


def read_delimited(
    open_stream: OpenStream,
    uri: str,
    delimiter: str,
    *,
    block_bytes: int = BATCH_BYTES,
    max_record_bytes: int = 64 << 20,
) -> Iterator[Batch]:
    """Batches of a CSV or TSV file: all columns text, values untouched, no nulls.

    The first line that is not empty names the columns. Lines end with LF, CRLF or CR. Values
    may be quoted with `"` (doubled inside), and then hold delimiters and line ends.

    Args:
        open_stream: gives the file; it is read once, and need not seek.
        uri: names the file in messages.
        delimiter: `,` or a tab.
        block_bytes: about as much is parsed at a time.
        max_record_bytes: a quote that is not closed within these is never closed.

    Raises:
        UserError: no usable header, or a line longer than `max_record_bytes`.
    """
    with open_stream() as stream:
        data = _read_fully(stream, block_bytes).removeprefix(BOM_UTF8)
        header = _Header.parse(data, delimiter, uri)
        data, line, at_end = data[header.size :], 1 + header.lines, False
        told = False
        while data or not at_end:
            if len(data) <= max_record_bytes:
                more = _read_fully(stream, block_bytes)
                at_end, data = not more, data + more
            if len(data) > max_record_bytes:
                _check_line(data, max_record_bytes, line, uri)
            end = len(data) if at_end else _last_line_end(data)
            if end or at_end:
                patience = 0 if at_end else max_record_bytes - (len(data) - end)
                block = Block.parse(data[:end], header.names, delimiter, patience)
                told = told or _tell_joined(block, delimiter, line, uri)
                yield block.batch(line)
                data, line = data[block.size :], line + block.lines


def _tell_joined(block: Block, delimiter: str, line: int, uri: str) -> bool:
    """Warn where a quote may have made one row of many; returns whether it did."""
    joined = block.maybe_joined(delimiter)
    if joined is None:
        return False
    first, last = (line + each for each in joined)
    logger.warning(
        "a quoted value in lines %d to %d of %r holds lines that could be rows: if they are, a"
        " quote in line %d or %d is no quotation mark, and is written twice",
        first, last, uri, first, last,
    )  # fmt: skip
    return True


def _read_fully(stream: BinaryIO, size: int) -> bytes:
    """The next `size` bytes, fewer only at the end (a network stream may give less at once)."""
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _check_line(data: bytes, most: int, line: int, uri: str) -> None:
    """Raise `UserError` where the first line of `data` is longer than `most` bytes."""
    if not LINE_END.search(data, 0, most):
        raise UserError(
            f"line {line} of {uri!r} is longer than {most:,} bytes: is it a table? If it is,"
            " shorten that line or leave it out"
        )


def _last_line_end(data: bytes) -> int:
    """Just behind the last line end; a final CR may be half of a CRLF, so it is not one."""
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1


@dataclass(frozen=True)
class _Header:
    """The names of the columns, and how many bytes and lines stand before the first row."""

    names: list[str]
    size: int
    lines: int

    @classmethod
    def parse(cls, data: bytes, delimiter: str, uri: str) -> _Header:
        text = io.TextIOWrapper(io.BytesIO(data), "utf-8", "surrogateescape", newline="")
        lines: list[str] = []

        def each_line() -> Iterator[str]:
            for line in text:
                lines.append(line)
                yield line
            if "".join(lines).strip("\r\n"):
                raise UserError(f"the header of {uri!r} has a quote that is never closed")
            raise UserError(f"{uri!r} is empty: a table starts with a line of column names")

        try:
            names = next(filter(None, csv.reader(each_line(), delimiter=delimiter, strict=True)))
            size = len("".join(lines).encode("utf-8", "surrogateescape"))
            "".join(names).encode()
        except UnicodeEncodeError:
            raise UserError(
                f"the header of {uri!r} is not UTF-8: {other_encoding(data, uri)}"
            ) from None
        except csv.Error as error:
            hint = header_hint(lines[-1], uri, delimiter) or error
            raise UserError(f"the header of {uri!r} cannot be read: {hint}") from None
        if names[0].lower().startswith("sep=") and len(lines[-1].strip()) <= len("sep=;"):
            raise UserError(
                f"the first line of {uri!r} is {lines[-1].strip()!r}, a hint to Excel: take it"
                f" away (tail -n +2), and let {DELIMITERS[delimiter]} part the columns"
            )
        return cls(names, size, len(lines))
