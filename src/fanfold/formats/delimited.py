"""CSV and TSV: every byte of the file ends up in a good row or in a reject.

pyarrow parses; what it does not tell is worked out around it, block by block:

- Each block is cut at the end of a line and a row of one field too many is put after it. When
  pyarrow gives that row back, the block ended between two records; when it does not, a quote
  was open there, and the last record waits for the next block. So records may be longer than a
  block, and a quote that is never closed is found: the line in which its record begins is set
  aside, and those behind it are read as if it were not there, also those of its own value.
- Bytes that are not UTF-8 are overwritten by as many `?` before parsing (pyarrow's handler of
  bad rows fails on them), and the records they stand in are set aside.
- pyarrow numbers records; the lines come from counting the line ends inside their values.
- pyarrow takes an empty line for a row of empty values. It is no row: it is skipped.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from fanfold.batch import BATCH_BYTES, Batch, OpenStream, Reject
from fanfold.errors import UserError

BOM = b"\xef\xbb\xbf"
LINE_FEED, CARRIAGE_RETURN = b"\n\r"
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")
UNCLOSED = "a quote that opens in this row is never closed"


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
        data = _read_fully(stream, block_bytes).removeprefix(BOM)
        header = _Header.parse(data, delimiter, uri)
        data, line, at_end = data[header.size :], 1 + header.lines, False
        while data or not at_end:
            if len(data) <= max_record_bytes:
                more = _read_fully(stream, block_bytes)
                at_end, data = not more, data + more
            end = len(data) if at_end else _last_line_end(data)
            if end or at_end:
                block = _Block.parse(data[:end], header.names, delimiter)
                yield block.batch(line)
                data, line = data[block.size :], line + block.lines
            if data and (at_end or len(data) > max_record_bytes):
                first = _first_line(data)
                if len(first) > max_record_bytes:
                    raise UserError(
                        f"line {line} of {uri!r} is longer than {max_record_bytes:,} bytes: is it"
                        " a table? If it is, shorten that line or leave it out"
                    )
                yield _set_aside(first, line, header.names)
                data, line = data[len(first) :], line + 1


def _read_fully(stream: BinaryIO, size: int) -> bytes:
    """The next `size` bytes, fewer only at the end (a network stream may give less at once)."""
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _first_line(data: bytes) -> bytes:
    found = LINE.match(data)
    return found[0] if found else data


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
            names = next(filter(None, csv.reader(each_line(), delimiter=delimiter)))
            size = len("".join(lines).encode("utf-8", "surrogateescape"))
            "".join(names).encode()
        except UnicodeEncodeError:
            raise UserError(f"the header of {uri!r} is not UTF-8: convert the file") from None
        except csv.Error as error:
            raise UserError(f"the header of {uri!r} cannot be read: {error}") from None
        return cls(names, size, len(lines))


@dataclass(frozen=True)
class _Parsed:
    """What pyarrow makes of a block; records are numbered from 0, good and bad together.

    A record in which a quote is open at the end of the block is left out.
    """

    table: pa.RecordBatch
    bad: dict[int, tuple[int, int]]  # record -> fields it has, line ends inside it


@dataclass(frozen=True)
class _Block:
    """Whole lines of a file, parsed, with the place of each record in them."""

    body: bytes
    clean: bytes  # the body as pyarrow sees it
    columns: int
    parsed: _Parsed

    @classmethod
    def parse(cls, body: bytes, names: list[str], delimiter: str) -> _Block:
        if not body.endswith((b"\n", b"\r")):
            body += b"\n"
        clean = _utf8(body)
        return cls(body, clean, len(names), _parse(clean, names, delimiter))

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Byte at which each record starts, and, last, the byte behind them all."""
        return self.line_starts[self.first_lines]

    @cached_property
    def line_starts(self) -> NDArray[np.int64]:
        """Byte at which each line starts, and the length of the body."""
        array = np.frombuffer(self.body, np.uint8)
        ends = np.flatnonzero(array == LINE_FEED)
        if b"\r" in self.body:
            returns = np.flatnonzero(array == CARRIAGE_RETURN)
            alone = np.append(array, 0)[returns + 1] != LINE_FEED
            ends = np.union1d(ends, returns[alone])
        return np.concatenate([[0], ends + 1])

    @cached_property
    def good(self) -> NDArray[np.int64]:
        """Number, among all records, of each row that pyarrow calls good."""
        count = self.parsed.table.num_rows + len(self.parsed.bad)
        return np.delete(np.arange(count), np.array(list(self.parsed.bad), np.int64))

    @cached_property
    def first_lines(self) -> NDArray[np.int64]:
        """Line, from 0, at which each record starts, and the line behind them all."""
        lines = np.ones(self.parsed.table.num_rows + len(self.parsed.bad), np.int64)
        if len(lines) < len(self.line_starts) - 1:
            lines[self.good] += sum(map(_line_ends, self.parsed.table.columns))
            for record, (_, line_ends) in self.parsed.bad.items():
                lines[record] += line_ends
        return np.concatenate([[0], np.cumsum(lines)])

    @property
    def lines(self) -> int:
        """Lines of the records that are done with."""
        return int(self.first_lines[-1])

    @property
    def size(self) -> int:
        """Bytes of the records that are done with."""
        return int(self.starts[-1])

    def raw(self, record: int) -> str:
        return _text(self.body[self.starts[record] : self.starts[record + 1]])

    def reasons(self) -> dict[int, str]:
        """Why each bad record is set aside."""
        found = {}
        for record, (fields, _) in self.parsed.bad.items():
            noun = "field" if fields == 1 else "fields"
            found[record] = f"{fields} {noun} where the header has {self.columns}"
        replaced = _differences(self.body, self.clean)
        records = np.searchsorted(self.starts, replaced, "right") - 1
        for record, first in zip(*np.unique(records, return_index=True), strict=True):
            byte = self.body[replaced[first]]
            found.setdefault(int(record), f"byte 0x{byte:02x} is not UTF-8")
        done = len(self.starts) - 1
        return {record: reason for record, reason in found.items() if record < done}

    def batch(self, line: int) -> Batch:
        """The batch of this block, whose first line is `line`."""
        reasons = self.reasons()
        first_bytes = np.frombuffer(self.body, np.uint8)[self.starts[self.good]]
        kept = (first_bytes != LINE_FEED) & (first_bytes != CARRIAGE_RETURN)
        kept &= ~np.isin(self.good, list(reasons))
        records, rows = self.good, self.parsed.table
        if not kept.all():
            records, rows = records[kept], rows.filter(pa.array(kept))
        rejects = [
            Reject(line + int(self.first_lines[record]), reason, self.raw(record))
            for record, reason in sorted(reasons.items())
        ]
        return Batch(
            rows, line + self.first_lines[records], lambda i: self.raw(records[i]), rejects
        )


def _text(raw: bytes) -> str:
    """A record as it stands in the file."""
    return raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def _set_aside(first: bytes, line: int, names: list[str]) -> Batch:
    """A batch of no rows, of a line in which a quote opens and is never closed."""
    none = np.zeros(0, np.int64)
    return Batch(_no_rows(names), none, lambda _: "", [Reject(line, UNCLOSED, _text(first))])


def _utf8(body: bytes) -> bytes:
    """`body`, each byte that is not part of valid UTF-8 replaced by one `?`."""
    offsets = pa.py_buffer(np.array([0, len(body)], np.int32))
    whole = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(body)])
    try:
        whole.cast(pa.string())
    except pa.ArrowInvalid:
        return body.decode("utf-8", "surrogateescape").encode("utf-8", "replace")
    return body


def _differences(body: bytes, clean: bytes) -> NDArray[np.int64]:
    """Places of the bytes that `_utf8` replaced."""
    if body is clean:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.frombuffer(body, np.uint8) != np.frombuffer(clean, np.uint8))


def _line_ends(column: pa.Array) -> NDArray[np.int64]:
    """Line ends (LF, CRLF, CR) inside each value."""
    if not len(column):
        return np.zeros(0, np.int64)
    _, offsets, values = column.buffers()
    bounds = np.frombuffer(offsets, np.int32)[column.offset :][: len(column) + 1]
    array = np.frombuffer(values or b"", np.uint8)[: bounds[-1]]
    ends = np.flatnonzero((array == LINE_FEED) | (array == CARRIAGE_RETURN))
    pair = (array[ends] == LINE_FEED) & (array[ends - 1] == CARRIAGE_RETURN)
    pair &= bounds[np.searchsorted(bounds, ends)] != ends  # the CR may end the value before
    return np.diff(np.searchsorted(ends[~pair], bounds))


def _no_rows(names: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], pa.string())] * len(names), names)


def _parse(body: bytes, names: list[str], delimiter: str) -> _Parsed:
    """Parse `body`, UTF-8 that ends with a line end, with pyarrow."""
    bad: dict[int, tuple[int, int]] = {}
    end_row = delimiter * len(names)

    def set_aside(row: Any) -> str:
        lines = len(io.StringIO(row.text, newline="").readlines())
        bad[row.number - 1] = (row.actual_columns, lines - 1)
        return "skip"

    ids = [f"f{i}" for i in range(len(names))]
    body = BOM + body + end_row.encode() + b"\n"  # pyarrow drops a BOM: not one of the data's
    table = pa.csv.read_csv(
        pa.py_buffer(body),
        pa.csv.ReadOptions(use_threads=False, block_size=len(body) + 1, column_names=ids),
        pa.csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=set_aside,
        ),
        pa.csv.ConvertOptions(column_types=dict.fromkeys(ids, pa.string()), check_utf8=False),
    ).rename_columns(names)
    (rows,) = table.to_batches() or [_no_rows(names)]
    last = rows.num_rows + len(bad) - 1
    if bad.pop(last, None) is None:  # the row put behind, or the record that holds it
        rows = rows.slice(0, rows.num_rows - 1)
    return _Parsed(rows, bad)
