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
from fanfold.tables.formats.delimited import read_delimited
from fanfold.tables.formats.quoting import JOINED, MISQUOTED, UNCLOSED, is_misquoted

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


def slow_reader(data: bytes, delimiter: str = ",") -> tuple[list[Row], dict[int, str]]:
    """What RFC 4180 says below the header, one character at a time, and from each line on.

    Bytes are read as Latin-1, one character each, so that nothing in them can be invalid.

    Returns:
        The good rows with their lines; the fault of each bad row by its line, empty where it is
        no quote's.
    """
    lines = io.StringIO(data.decode("latin-1"), newline="").readlines()
    width: int | None = None
    good: list[Row] = []
    bad: dict[int, str] = {}
    number = 0
    while number < len(lines):
        rest = lines[number:]
        fields, length, fault = record_of(rest, delimiter, 2 * (width or 1_000_000))
        if rest[0].strip("\r\n") == "":
            number += 1
        elif width is None:
            width, number = len(fields), number + length
        elif not fault and len(fields) == width:
            try:
                good.append((number + 1, tuple(each.encode("latin-1").decode() for each in fields)))
            except UnicodeDecodeError:
                bad[number + 1] = ""
            number += length
        elif (
            fault
            or (length > 1 and len(fields) > 2 * width)
            or any(is_row(line, delimiter, width) for line in rest[1:length])
        ):
            bad[number + 1] = fault or JOINED.format(
                "more" if len(fields) > width else "fewer", width
            )
            number += 1
        else:
            bad[number + 1] = ""
            number += length
    return good, bad


def is_row(line: str, delimiter: str, width: int) -> bool:
    """Whether a line is a row by itself, all of whose quotes are where RFC 4180 has them."""
    fields, _, fault = record_of([line], delimiter, 2 * width, strict=True)
    return line.strip("\r\n") != "" and not fault and len(fields) == width


def record_of(
    lines: list[str], delimiter: str, most: int, strict: bool = False
) -> tuple[list[str], int, str]:
    """The fields of the record that starts with `lines`, the lines it takes, and its fault."""
    fields, state = [""], "start"
    for number, line in enumerate(lines):
        for place, character in enumerate(line):
            is_separator = character in (delimiter, "\r", "\n")
            if state == "quoted":
                if character == '"':
                    state = "closed"
                else:
                    fields[-1] += character
            elif state == "start" and len(fields) > most and number > 0:
                return fields, number, JOINED.format("more", most // 2)
            elif state == "start" and character == '"':
                state = "quoted"
            elif state == "closed" and character == '"':
                state = "quoted"
                fields[-1] += '"'
            elif not is_separator and (
                state == "closed" or (strict and state == "plain" and character == '"')
            ):
                return fields, number + 1, MISQUOTED
            elif character == delimiter:
                fields.append("")
                state = "start"
            elif is_separator:
                assert line[place:] in ("\r", "\n", "\r\n")
                return fields, number + 1, ""
            else:
                state = "plain"
                fields[-1] += character
    return fields, len(lines), UNCLOSED if state == "quoted" else ""


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
    Reject(16, MISQUOTED, '9,"closed" and more,9'),
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


def test_a_slow_reader_reads_the_torture_file_alike() -> None:
    good, bad = slow_reader(TORTURE.removeprefix(b"\xef\xbb\xbf"))
    assert good == TORTURE_ROWS
    assert list(bad) == [reject.line for reject in TORTURE_REJECTS]
    assert {line: fault for line, fault in bad.items() if fault} == {16: MISQUOTED, 27: UNCLOSED}


def test_pythons_csv_module_reads_the_good_rows_of_the_torture_file_alike() -> None:
    lines = io.StringIO(TORTURE.decode("latin-1"), newline="").readlines()
    for line, fields in TORTURE_ROWS:
        record = next(csv.reader(lines[line - 1 :], strict=True))
        assert tuple(each.encode("latin-1").decode() for each in record) == fields


PIECES = [b"a", b",", b'"', b"\n", b"\r", b"\r\n", b" ", b"\x00", b"\xff", b"\xc3", b"\xa9"]
PIECES += [
    b"\t",
    b"\\",
    b'\\"',
    b'"x',
    b'\n"',
    b'",',
    b'a"\n',
    b'","',
    "é".encode(),
    "日".encode(),
    b"\xed\xa0\x80",
    b"x,y\n",
    b'"x\ny",z\r\n',
    b'""',
    b",,\n",
]
BODIES = st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join), st.binary())
HEADERS = st.sampled_from([b"a\n", b"a,b\n", b"a,b,c\r", b'a,"b\nb"\r\n'])


@settings(deadline=None, max_examples=400)
@given(HEADERS, BODIES, st.integers(10, 40), st.integers(1, 20))
@example(b"a,b\n", b'"\r","\n"\n', 10, 20)
@example(b"a,b\n", b'\r\n"\xff\n', 10, 20)
@example(b"a,b\n", b"\xef\xbb\xbf1,2\n", 10, 20)
@example(b"a,b\n", b'"x,1\ny,2\nz",3,4\n', 10, 20)
@example(b"a,b\n", b'"x,1\ny",2,3\n5,6\n', 10, 20)
@example(b"a\n", b'"x\n","\n","\n","\ny\n', 10, 20)
def test_any_bytes_are_read_as_a_slow_reader_reads_them(
    header: bytes, body: bytes, block_bytes: int, stretch: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fanfold.tables.formats.csv_block.STRETCH", stretch)
        patch.setattr("fanfold.tables.formats.quoting.STRETCH", stretch)
        batches = read(header + body, block_bytes=block_bytes)
    good, bad = slow_reader(header + body)
    assert rows_of(batches) == good
    rejects = rejects_of(batches)
    assert [reject.line for reject in rejects] == list(bad)
    for reject in rejects:
        assert bad[reject.line or 0] in ("", reject.reason)


@settings(deadline=None)
@given(BODIES, st.integers(10, 40))
def test_a_tsv_file_is_read_as_a_slow_reader_reads_it(body: bytes, block_bytes: int) -> None:
    body = b"a\tb\n" + body.replace(b",", b"\t")
    batches = read(body, "\t", block_bytes=block_bytes)
    good, bad = slow_reader(body, "\t")
    assert (rows_of(batches), [reject.line for reject in rejects_of(batches)]) == (good, list(bad))


@settings(deadline=None)
@given(st.lists(st.lists(st.text("ab\"',\t\r\n\\é"), min_size=2, max_size=2)), st.booleans())
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]], quote_all: bool) -> None:
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(file, quoting=quoting).writerows([["a", "b"], *rows])
    batches = read(file.getvalue().encode(), block_bytes=64)
    assert [list(row) for _, row in rows_of(batches)] == rows
    assert rejects_of(batches) == []


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


def lone_quotes(rows: int, opening: set[int]) -> list[str]:
    """Lines of a TSV file that was written without quoting; texts that begin with a quote."""
    return ['"' * (n in opening) + f"some text {n}\t{n}\ttrain" for n in range(rows)]


def test_a_lone_quote_costs_its_line_alone() -> None:
    opening = {7, 12, 60, 63, 64, 90, 99}
    lines = lone_quotes(160, opening)
    batches = read("\n".join(["text\ty\tsplit", *lines]).encode(), "\t", block_bytes=500)
    assert [row[0] - 2 for row in rows_of(batches)] == [n for n in range(160) if n not in opening]
    faults = dict.fromkeys(sorted(opening), MISQUOTED) | {99: UNCLOSED}
    assert rejects_of(batches) == [Reject(n + 2, faults[n], lines[n]) for n in faults]


def test_a_lone_quote_that_closes_rows_later_costs_its_line_alone() -> None:
    """Behind the text of row 9 stands a tab too many, so that the joined rows have a field more."""
    lines = lone_quotes(20, {3})
    lines[9] = '"\tsome text 9\t9\ttrain'
    batches = read("\n".join(["text\ty\tsplit", *lines]).encode(), "\t")
    assert [row[0] - 2 for row in rows_of(batches)] == [n for n in range(20) if n not in (3, 9)]
    assert [reject.line for reject in rejects_of(batches)] == [5, 11]
    assert rejects_of(batches)[0].reason == JOINED.format("more", 3)


def test_quotes_behind_a_backslash_are_not_changed_in_silence() -> None:
    escaped = [r'1,"he said \"no\" to me"', r'2,"\"no\""', r'3,"an inch: \""']
    data = "\n".join(["a,b", *escaped, "4,plain", r"5,a \"plain\" text"])
    batches = read(data.encode())
    assert rows_of(batches) == [(5, ("4", "plain")), (6, ("5", r"a \"plain\" text"))]
    assert [reject.text for reject in rejects_of(batches)] == escaped


def test_a_bad_row_of_several_lines_is_one_reject_unless_a_row_may_hide_in_it() -> None:
    data = b'a,b,c\n1,"some\nlines",2,3\n4,"some\nlines, of a\nrow, that, is",5,6\n7,8,9\n'
    batches = read(data)
    assert rows_of(batches) == [(7, ("7", "8", "9"))]
    assert [(each.line, each.text) for each in rejects_of(batches)] == [
        (2, '1,"some\nlines",2,3'),
        (4, '4,"some\nlines, of a\nrow, that, is",5,6'),
    ]


@pytest.mark.parametrize("line", ['"x,1', 'x","y', '"', '"""x', '"x,1,2,3,4,5,"'])
def test_many_lone_quotes_take_no_more_time_each_than_a_few(line: str) -> None:
    """Any of these files would take minutes if all of the rest were read again for each line."""
    batches = read(f"a,b\n{chr(10).join([line] * 50_000)}\n1,2\n".encode(), block_bytes=1 << 20)
    assert rows_of(batches)[-1] == (50_002, ("1", "2"))
    assert sum(reject.text.count("\n") + 1 for reject in rejects_of(batches)) > 10_000


@settings(deadline=None)
@given(BODIES, st.integers(1, 20))
def test_text_behind_a_closing_quote_is_noticed(body: bytes, stretch: int) -> None:
    body += b"\n"
    lines = io.StringIO(body.decode("latin-1"), newline="").readlines()
    faults = []
    while lines:
        _, length, fault = record_of(lines, ",", 1_000_000)
        faults.append(fault)
        lines = [] if fault else lines[length:]
    assert is_misquoted(body, ",", stretch) == (MISQUOTED in faults)


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


def test_rows_between_two_quotes_that_may_be_lone_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines = ["text,y", *(f"w{n},{n}" for n in range(30))]
    lines[5], lines[20] = '"apricot dune,3', 'dune five",20'
    (batch,) = read_delimited(lambda: io.BytesIO("\n".join(lines).encode()), "t.csv", ",")
    assert batch.rows.num_rows == 15  # as RFC 4180 has it
    (told,) = caplog.records
    assert "lines 6 to 21 of 't.csv' holds lines that could be rows" in told.getMessage()


def test_texts_of_several_lines_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    text = 'text,y\n"one\n\ntwo, three\nfour",1\n"a\nb",2\n"a, b\nc, d\ne, f\ng",3\n'
    (batch,) = read_delimited(lambda: io.BytesIO(text.encode()), "t.csv", ",")
    assert batch.rows.num_rows == 3
    assert caplog.records == []
