"""A block of whole lines of a CSV or TSV file, parsed by pyarrow.

What pyarrow does not tell is worked out around it:

- A row of one field too many is put after the block. When pyarrow gives that row back, the block
  ended between two records; when it does not, a quote was open there, and the last record is
  left out.
- Bytes that are not UTF-8 are overwritten by as many `?` before parsing (pyarrow's handler of
  bad rows fails on them), and the records they stand in are set aside. So are the quotes of a
  line whose quotes are wrong: pyarrow would take them, and the lines behind, without a word.
- pyarrow numbers records; the lines come from counting the line ends inside their values.
- pyarrow takes an empty line for a row of empty values. It is no row: it is skipped.
"""

from __future__ import annotations

import io
import itertools
from codecs import BOM_UTF8
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from fanfold.tables.batch import Batch, Reject
from fanfold.tables.formats.quoting import QuoteCheck, is_misquoted, stretches_of_lines

LINE_FEED, CARRIAGE_RETURN = b"\n\r"
STRETCH = 1 << 16
"""Bytes at least in which bytes that are not UTF-8 are looked for together."""


LOOKED_AT = 1000
"""Records of several lines in a block that are looked at for rows inside them."""


@dataclass(frozen=True)
class _Parsed:
    """What pyarrow makes of a block; records are numbered from 0, good and bad together.

    A record in which a quote is open at the end of the block is left out.
    """

    table: pa.RecordBatch
    bad: dict[int, tuple[int, int]]  # record -> fields it has, line ends inside it


@dataclass(frozen=True)
class Block:
    """Whole lines of a file, parsed, with the place of each record in them.

    Attributes:
        body: the bytes of the lines.
        clean: the body as pyarrow sees it.
        columns: how many there are.
        parsed: what pyarrow makes of it.
        misquoted: what is wrong with each line whose quotes are wrong, by its first byte.
    """

    body: bytes
    clean: bytes
    columns: int
    parsed: _Parsed
    misquoted: dict[int, str]

    @classmethod
    def parse(cls, body: bytes, names: list[str], delimiter: str, patience: int) -> Block:
        """The block whose bytes are `body`, and whose columns are `names`.

        A quote that is open at its end may yet be closed, if its record has no more than
        `patience` bytes.
        """
        if not body.endswith((b"\n", b"\r")):
            body += b"\n"
        block = cls._parsed(body, _utf8(body), names, delimiter, {})
        check = QuoteCheck(body, delimiter, len(names))
        first = 0 if is_misquoted(body, delimiter) else block._first_joined(check, patience)
        if first is None:
            return block
        misquoted, parts, done = {}, [], 0
        for start, end, fault in check.faults(first, patience):
            parts += [block.clean[done:start], block.clean[start:end].replace(b'"', b"?")]
            misquoted[start], done = fault, end
        clean = b"".join([*parts, block.clean[done:]])
        return cls._parsed(body, clean, names, delimiter, misquoted)

    @classmethod
    def _parsed(
        cls, body: bytes, clean: bytes, names: list[str], delimiter: str, misquoted: dict[int, str]
    ) -> Block:
        return cls(body, clean, len(names), _parse(clean, names, delimiter), misquoted)

    def _first_joined(self, check: QuoteCheck, patience: int) -> int | None:
        """Start of the first record of several lines that joins rows, or is too long, if any."""
        for record, (fields, line_ends) in sorted(self.parsed.bad.items()):
            if line_ends:
                line = self.first_lines[record]
                start, next_line = map(int, self.line_starts[line : line + 2])
                if check.joins_rows(fields, next_line, int(self.starts[record + 1])):
                    return start
        return self.size if len(self.body) - self.size > patience else None

    def maybe_joined(self, delimiter: str) -> tuple[int, int] | None:
        """First and last line, from 0, of a good record that a lone quote may have made of rows.

        Every line inside it, three at least, is a row if it is read alone, which lines of text
        are not.
        """
        lines = np.diff(self.first_lines)[self.good]
        for record in self.good[np.flatnonzero(lines >= 5)[:LOOKED_AT]].tolist():
            first, behind = self.first_lines[record], self.first_lines[record + 1]
            inner = self.line_starts[first + 1 : behind].tolist()
            each = [self.body[start:end] for start, end in itertools.pairwise(inner)]
            parts = {text.count(delimiter.encode()) + 1 for text in each}
            if parts == {self.columns} != {1} and not any(b'"' in text for text in each):
                return int(first), int(behind) - 1
        return None

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
        """The record as it stands in the file."""
        return text_of(self.body[self.starts[record] : self.starts[record + 1]])

    def reasons(self) -> dict[int, str]:
        """Why each bad record is set aside."""
        lines = np.searchsorted(self.starts, list(self.misquoted)).tolist()
        found = dict(zip(lines, self.misquoted.values(), strict=True))
        for record, (fields, _) in self.parsed.bad.items():
            noun = "field" if fields == 1 else "fields"
            found.setdefault(record, f"{fields} {noun} where the header has {self.columns}")
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


def text_of(raw: bytes) -> str:
    """A record as it stands in the file."""
    return raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def _utf8(body: bytes) -> bytes:
    """`body`, each byte that is not part of valid UTF-8 replaced by one `?`."""
    offsets = pa.py_buffer(np.array([0, len(body)], np.int32))
    whole = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(body)])
    try:
        whole.cast(pa.string())
    except pa.ArrowInvalid:
        return b"".join(_utf8_of_lines(body[each]) for each in stretches_of_lines(body, STRETCH))
    return body


def _utf8_of_lines(lines: bytes) -> bytes:
    try:
        lines.decode()
    except UnicodeDecodeError:
        return lines.decode("utf-8", "surrogateescape").encode("utf-8", "replace")
    return lines


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


def no_rows(names: list[str]) -> pa.RecordBatch:
    """Columns of these names, all text, without rows."""
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
    body = BOM_UTF8 + body + end_row.encode() + b"\n"  # pyarrow drops a BOM: not one of the data's
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
    (rows,) = table.to_batches() or [no_rows(names)]
    last = rows.num_rows + len(bad) - 1
    if bad.pop(last, None) is None:  # the row put behind, or the record that holds it
        rows = rows.slice(0, rows.num_rows - 1)
    return _Parsed(rows, bad)
