"""CSV and TSV against Python's csv module, which reads one character at a time."""

from __future__ import annotations

import csv
import io
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fanfold.errors import UserError
from fanfold.tables.batch import Batch, Reject
from fanfold.tables.formats.delimited import UNCLOSED, read_delimited

Row = tuple[int, tuple[str, ...]]


def read(data: bytes, delimiter: str = ",", **limits: int) -> list[Batch]:
    return list(read_delimited(partial(io.BytesIO, data), "t.csv", delimiter, **limits))


def rows_of(batches: list[Batch]) -> list[Row]:
    """Line and values of each good row."""
    found = []
    for batch in batches:
        columns = [column.to_pylist() for column in batch.rows.columns]
        found += zip(batch.lines.tolist(), zip(*columns, strict=True), strict=True)
    return found


def rejects_of(batches: list[Batch]) -> list[Reject]:
    return [reject for batch in batches for reject in batch.rejects]


def slow_reader(data: bytes) -> tuple[list[Row], list[int], list[int]]:
    """What Python's csv module finds below the header.

    Bytes are read as Latin-1, one character each, so that nothing in them can be invalid. Where
    a quote is open at the end, the line of its record is taken out, and all is read again.

    Returns:
        The good rows with their lines, the lines of the bad rows, and those of them in which a
        quote is never closed.
    """
    lines = io.StringIO(data.decode("latin-1"), newline="").readlines()
    unclosed: list[int] = []
    while (records := records_of(lines)) and records_of([*lines, "\n", "more"])[-1][1] != ["more"]:
        unclosed.append(records[-1][0])
        lines[records[-1][0] - 1] = "\n"  # in its place, one that is no row
    records = [(line, fields) for line, fields in records if fields]
    width = len(records.pop(0)[1])
    good: list[Row] = []
    bad = [*unclosed]
    for line, texts in records:
        fields = [text.encode("latin-1") for text in texts]
        try:
            good.append((line, tuple(field.decode() for field in fields)))
        except UnicodeDecodeError:
            bad.append(line)
            continue
        if len(fields) != width:
            bad.append(good.pop()[0])
    return good, sorted(bad), unclosed


def records_of(lines: list[str]) -> list[tuple[int, list[str]]]:
    """Each record with the line at which it starts."""
    reader, records, line = csv.reader(lines), [], 1
    for fields in reader:
        records.append((line, fields))
        line = reader.line_num + 1
    return records


TORTURE = (
    b"\xef\xbb\xbf\r\n"  # a byte order mark, and an empty line before the header
    b'id,"the ""text""",votes\r\n'
    b"1,plain,3\r\n"
    b'2,"a comma, a ""quote"" and\r\ntwo lines",4\r\n'
    b"\r\n"  # no row
    b"3,too few\r\n"
    b'4,too,"many,\nreally\rmany",5\r\n'
    b"5,caf\xe9,6\r\n"  # Latin-1
    b"6,caf\xc3\xa9,7\n"
    b"7,NA,\n"
    b",,\n"
    b'8,5" pipe,8\n'
    b'9,"closed" and more,9\n'
    b"10, spaces stay ,\x00\n"
    b"11,lone return,11\r12,it ends a line,12\n"
    b'13,"ends in a return\r","\nstarts with a feed"\n'
    b"\n\n"
    b"   \n"
    b"caf\xe9\n"
    b'14,"never closed,14\n'
    b"15,not swallowed,15\n"
    b'16,"",16\n'
    b"17,the end,17"
)

TORTURE_ROWS = [
    (3, ("1", "plain", "3")),
    (4, ("2", 'a comma, a "quote" and\r\ntwo lines', "4")),
    (12, ("6", "café", "7")),
    (13, ("7", "NA", "")),
    (14, ("", "", "")),
    (15, ("8", '5" pipe', "8")),
    (16, ("9", "closed and more", "9")),
    (17, ("10", " spaces stay ", "\0")),
    (18, ("11", "lone return", "11")),
    (19, ("12", "it ends a line", "12")),
    (20, ("13", "ends in a return\r", "\nstarts with a feed")),
    (28, ("15", "not swallowed", "15")),
    (29, ("16", "", "16")),
    (30, ("17", "the end", "17")),
]

TORTURE_REJECTS = [
    Reject(7, "2 fields where the header has 3", "3,too few"),
    Reject(8, "4 fields where the header has 3", '4,too,"many,\nreally\rmany",5'),
    Reject(11, "byte 0xe9 is not UTF-8", r"5,caf\xe9,6"),
    Reject(25, "1 field where the header has 3", "   "),
    Reject(26, "1 field where the header has 3", r"caf\xe9"),
    Reject(27, UNCLOSED, '14,"never closed,14'),
]


@pytest.mark.parametrize("block_bytes", [40, 41, 47, 64, 100, 1 << 20])
def test_a_torture_file_loses_and_invents_nothing(block_bytes: int) -> None:
    batches = read(TORTURE, block_bytes=block_bytes)
    assert batches[0].rows.schema.names == ["id", 'the "text"', "votes"]
    assert rows_of(batches) == TORTURE_ROWS
    assert rejects_of(batches) == TORTURE_REJECTS


def test_pythons_csv_module_reads_the_torture_file_alike() -> None:
    good, bad, unclosed = slow_reader(TORTURE.removeprefix(b"\xef\xbb\xbf"))
    assert good == TORTURE_ROWS
    assert bad == [reject.line for reject in TORTURE_REJECTS]
    assert unclosed == [27]


PIECES = [b"a", b",", b'"', b"\n", b"\r", b"\r\n", b" ", b"\x00", b"\xff", b"\xc3", b"\xa9"]
PIECES += ["é".encode(), "日".encode(), b"\xed\xa0\x80", b"x,y\n", b'"x\ny",z\r\n', b'""', b",,\n"]
BODIES = st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join), st.binary())
HEADERS = st.sampled_from([b"a\n", b"a,b\n", b"a,b,c\r", b'a,"b\nb"\r\n'])


@settings(deadline=None)
@given(HEADERS, BODIES, st.integers(10, 40), st.integers(1, 20))
@example(b"a,b\n", b'"\r","\n"\n', 10, 20)
@example(b"a,b\n", b'\r\n"\xff\n', 10, 20)
@example(b"a,b\n", b"\xef\xbb\xbf1,2\n", 10, 20)
def test_any_bytes_are_read_as_the_csv_module_reads_them(
    header: bytes, body: bytes, block_bytes: int, stretch: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fanfold.tables.formats.csv_block.STRETCH", stretch)
        batches = read(header + body, block_bytes=block_bytes)
    good, bad, unclosed = slow_reader(header + body)
    assert rows_of(batches) == good
    rejects = rejects_of(batches)
    assert [reject.line for reject in rejects] == bad
    assert [reject.line for reject in rejects if reject.reason == UNCLOSED] == sorted(unclosed)


@settings(deadline=None)
@given(BODIES)
def test_raw_text_is_what_stands_in_the_file(body: bytes) -> None:
    data = b"a,b\n" + body
    lines = io.StringIO(data.decode("latin-1"), newline="").readlines()
    for batch in read(data, block_bytes=16):
        texts = [(batch.lines[i], batch.raw(i)) for i in range(batch.rows.num_rows)]
        texts += [(reject.line, reject.text) for reject in batch.rejects]
        for line, text in texts:
            there = "".join(lines[line - 1 :]).encode("latin-1")
            assert there.decode("utf-8", "backslashreplace").startswith(text)


def test_a_good_row_can_be_set_aside_later_with_its_line_and_text() -> None:
    (batch,) = read(b'a,b\n1,2\n"x\ny",z\n3,4\n')
    assert batch.reject(1, "not wanted") == Reject(3, "not wanted", '"x\ny",z')
    assert batch.reject(2, "not wanted") == Reject(5, "not wanted", "3,4")


def test_tsv_values_may_hold_commas() -> None:
    batches = read(b'a\tb\n1,5\t"x\ty"\n1\t2\t3\n', "\t")
    assert rows_of(batches) == [(2, ("1,5", "x\ty"))]
    assert rejects_of(batches) == [Reject(3, "3 fields where the header has 2", "1\t2\t3")]


def test_a_single_column_tells_an_empty_value_from_an_empty_line() -> None:
    assert rows_of(read(b'a\n\nx\n""\n\ny\n\n')) == [(3, ("x",)), (4, ("",)), (6, ("y",))]


@pytest.mark.parametrize("data", [b"a,b", b"a,b\n", b"\xef\xbb\xbfa,b\r\n\r\n"])
def test_a_header_alone_is_a_table_without_rows(data: bytes) -> None:
    (batch,) = read(data)
    assert batch.rows.schema.names == ["a", "b"]
    assert (batch.rows.num_rows, batch.rejects) == (0, [])


@pytest.mark.parametrize("data", [b"", b"\n\r\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_refused(data: bytes) -> None:
    with pytest.raises(UserError, match=r"'t.csv' is empty"):
        read(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"caf\xe9,b\n1,2\n", "is not UTF-8"),
        (b'"a,b\n1,2\n', "quote that is never closed"),
        (b"a" * 200_000 + b"\n1\n", "cannot be read"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(data)


def test_a_row_may_be_longer_than_many_blocks() -> None:
    long = "x" * 10_000 + "\n" + "y" * 10_000
    data = f'a,b\n1,2\n"{long}",3\n4,5\n6\n'.encode()
    batches = read(data, block_bytes=64)
    assert rows_of(batches) == [(2, ("1", "2")), (3, (long, "3")), (5, ("4", "5"))]
    assert [reject.line for reject in rejects_of(batches)] == [6]


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("end", ["\n4,5\n", ""])
def test_a_line_that_does_not_end_is_refused(quote: str, end: str) -> None:
    data = (f"a,b\n1,2\n3,{quote}" + "x" * 5000 + end).encode()
    with pytest.raises(UserError, match=r"line 3 of 't.csv' is longer than 1,000 bytes"):
        read(data, block_bytes=64, max_record_bytes=1000)


def test_a_quote_that_is_long_not_closed_costs_its_line_alone() -> None:
    rows = [f"{number},some text" for number in range(200)]
    rows[20] = '20,"some text'
    rows[150] = '150,"closed"'
    batches = read("\n".join(["a,b", *rows]).encode(), block_bytes=64, max_record_bytes=1000)
    assert [row[0] for row in rows_of(batches)] == [n + 2 for n in range(200) if n != 20]
    assert rejects_of(batches) == [Reject(22, UNCLOSED, rows[20])]


def test_a_stream_may_give_fewer_bytes_than_it_is_asked_for() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 3))

    batches = list(read_delimited(partial(Trickle, TORTURE), "t.csv", ",", block_bytes=64))
    assert rows_of(batches) == TORTURE_ROWS
