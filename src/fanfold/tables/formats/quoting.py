"""Quotes that RFC 4180 does not allow, found in the bytes of a CSV or TSV block.

A field that begins with `"` ends at the next `"` that is not doubled, and a delimiter or a line
end must follow. In a field that begins otherwise a `"` is a character like any other.

A lone quote joins lines that are records of their own. So a record whose quotes are wrong costs
its first line alone, and the next line is read as the start of a record. The same holds for one
of several lines that has the wrong number of fields, where one of these lines alone is a row (or
where it has more than twice the fields, so that no time is spent on finding its end).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fanfold.arrays import Mask

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

STRETCH = 1 << 18
"""Bytes that stay in a processor's cache while they are looked at together."""

QUOTE = ord('"')
LINE_END = re.compile(rb"\r\n|\r|\n")
QUOTED = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')

UNCLOSED = "a quote that opens in this row is never closed"
MISQUOTED = (
    "a value begins with a quote in this row, and text follows the quote that closes it (inside"
    ' such a value a quote is written "")'
)
JOINED = "a quote that opens in this row closes in a later one, with {} fields than the header's {}"


def is_misquoted(body: bytes, delimiter: str, stretch: int | None = None) -> bool:
    """Whether text stands behind a closing quote anywhere in `body`.

    Args:
        body: whole lines; the first one starts a record.
        delimiter: one ASCII character.
        stretch: so many bytes at least are looked at together; by default `STRETCH`.
    """
    separates = np.zeros(256, bool)
    separates[[ord(delimiter), *b"\r\n"]] = True
    is_open = False
    whole = np.frombuffer(body, np.uint8)
    for lines in stretches_of_lines(body, stretch or STRETCH) if b'"' in body else ():
        array = whole[lines]
        quotes = np.flatnonzero(array == QUOTE)
        if _alternate(array, quotes, separates, is_open):
            is_open ^= len(quotes) % 2 == 1
        else:
            closes, is_open, ends = _closings(array, quotes, separates, is_open)
            if (closes & ~separates[array[ends]]).any():
                return True
    return False


def _alternate(array: Bytes, quotes: Integers, separates: Mask, is_open: bool) -> bool:
    """Whether all quotes open a value, close it or are doubled, as in most files: by turns.

    Every other quote opens a value behind a separator or is the second of two; those between
    close one before a separator or are the first of two.
    """
    allowed = separates.copy()
    allowed[QUOTE] = True
    first = int(is_open)
    behind, before = array[quotes[first::2] - 1], array[quotes[1 - first :: 2] + 1]
    return bool(allowed[behind].all() and allowed[before].all())


def _closings(
    array: Bytes, quotes: Integers, separates: Mask, is_open: bool
) -> tuple[Mask, bool, Integers]:
    """Which runs of neighbouring quotes close a value; whether one is open at last; their ends.

    An even number of quotes leaves a value open or closed as it was. An odd number behind a
    separator opens a value, or closes the one that is open; an odd number behind other text
    closes the one that is open. So whether a value is open is the parity of the odd runs behind
    separators since the last odd run behind other text.
    """
    gaps = np.flatnonzero(np.diff(quotes) != 1)
    starts, ends = quotes[np.append(0, gaps + 1)], quotes[np.append(gaps, -1)] + 1
    is_behind = separates[array[starts - 1]]  # before the first byte: the last, a line end
    is_odd = (ends - starts) % 2 == 1
    changes = np.cumsum(is_odd & is_behind) + is_open
    closed_at = np.maximum.accumulate(np.where(is_odd & ~is_behind, changes, 0))
    open_after = (changes - closed_at) % 2 == 1
    open_before = np.append(is_open, open_after[:-1])
    closes = np.where(is_odd, open_before, is_behind & ~open_before)
    return closes, bool(open_after[-1]), ends


def stretches_of_lines(body: bytes, least: int) -> Iterator[slice]:
    """Where stretches of `body` are: of at least so many bytes, each of which ends with a line."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start + least) + 1 or len(body)
        yield slice(start, end)
        start = end


class QuoteCheck:
    """Finds the lines of a body whose quotes are wrong, in one walk from start to end."""

    def __init__(self, body: bytes, delimiter: str, columns: int) -> None:
        """A check of whole lines, whose records have so many `columns`."""
        self._body = body
        self._columns = columns
        self._delimiter = ord(delimiter)
        self._unquoted = re.compile(rb"[^%s\r\n]*+" % delimiter.encode())
        self._strict = re.compile(rb"[^%s\r\n\"]*+" % delimiter.encode())
        self._looked_to, self._row = 0, -1  # where `joins_rows` stopped, and the row it found

    def faults(self, start: int, patience: int) -> Iterator[tuple[int, int, str]]:
        """Start, end and fault of each line whose quotes are wrong, from a record's start on.

        A quote that is open at the end may yet be closed, if its record has no more than
        `patience` bytes.
        """
        body = self._body
        while (quote := body.find(b'"', start)) >= 0:
            before = max(body.rfind(b"\n", start, quote), body.rfind(b"\r", start, quote))
            start = max(start, before + 1)
            next_line = _line_end(body, start)
            end, fields, fault = self._record(start, next_line, len(body), self._unquoted)
            if fault == UNCLOSED and len(body) - start <= patience:
                return
            if not fault and self.joins_rows(fields, next_line, end):
                fault = JOINED.format("more" if fields > self._columns else "fewer", self._columns)
            if fault:
                yield start, next_line, fault
            start = next_line if fault else end

    def joins_rows(self, fields: int, next_line: int, end: int) -> bool:
        """Whether a record of so many fields, which goes on in the next line, joins rows.

        It has the wrong number of fields, and holds a line that is a row if it is read alone, and
        whose quotes RFC 4180 allows; or more than twice the fields. `next_line` never falls from
        call to call.
        """
        if fields == self._columns or next_line >= end:
            return False
        if fields > 2 * self._columns:
            return True
        place = max(next_line, self._looked_to)
        while self._row < next_line and place < end:
            following = _line_end(self._body, place)
            _, found, fault = self._record(place, following, following, self._strict)
            if not fault and found == self._columns and self._body[place] not in b"\r\n":
                self._row = place
            place = self._looked_to = following
        return next_line <= self._row < end

    def _record(
        self, start: int, next_line: int, stop: int, unquoted: re.Pattern[bytes]
    ) -> tuple[int, int, str]:
        """End, fields and fault of the record that starts there and ends before `stop`.

        It is not read to its end where it goes on behind its line with more than twice the fields.
        """
        body, place, fields = self._body, start, 1
        while fields <= 2 * self._columns or place < next_line:
            pattern = QUOTED if body[place] == QUOTE else unquoted
            match = pattern.match(body, place, stop)
            if not match:
                return stop, fields, UNCLOSED
            place = match.end()
            if body[place] in b"\r\n":
                return _line_end(body, place), fields, ""
            if body[place] != self._delimiter:
                return place, fields, MISQUOTED
            fields, place = fields + 1, place + 1
        return place, fields, JOINED.format("more", self._columns)


def _line_end(body: bytes, start: int) -> int:
    """The place behind the line that goes on there."""
    found = LINE_END.search(body, start)
    return found.end() if found else len(body)
