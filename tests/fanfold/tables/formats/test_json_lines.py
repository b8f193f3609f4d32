"""JSON lines: values as text, and a reject for each line that is no object."""

from __future__ import annotations

import io
import json
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.errors import UserError
from fanfold.tables.batch import BATCH_BYTES, Batch, Reject
from fanfold.tables.formats.json_lines import read_json_lines


def read(data: bytes, **limits: int) -> list[Batch]:
    return list(read_json_lines(partial(io.BytesIO, data), "t.jsonl", **limits))


def test_values_become_text_as_they_are_written() -> None:
    (batch,) = read(
        b'{"a": 1.50, "b": "x", "c": true}\n'
        b'{"a": "1.5", "b": null, "c": [1, 2.5, "d"]}\n'
        b'{"a": 12345678901234567890, "c": {"k": 1e5}}\n'
        b'{"a": 1e400, "b": "\\u00e9", "c": NaN}\n'
    )
    assert batch.rows.to_pydict() == {
        "a": ["1.50", "1.5", "12345678901234567890", "1e400"],
        "b": ["x", None, None, "é"],
        "c": ["true", '[1, 2.5, "d"]', '{"k": 100000.0}', "NaN"],
    }


def test_a_key_that_comes_late_is_a_column_of_every_batch() -> None:
    batches = read(b'{"a": 1}\n{"a": 2}\n{"b": 3, "a": 4}\n', batch_rows=1)
    assert {tuple(batch.rows.schema.names) for batch in batches} == {("a", "b")}
    assert [batch.rows.to_pylist() for batch in batches] == [
        [{"a": "1", "b": None}], [{"a": "2", "b": None}], [{"a": "4", "b": "3"}],
    ]  # fmt: skip


def test_of_many_keys_few_rows_are_a_batch() -> None:
    lines = [b'{"k%d": 1}' % (row) for row in range(3000)]
    batches = read(b"\n".join(lines), batch_rows=65536)
    assert sum(batch.rows.num_rows for batch in batches) == 3000
    assert max(batch.rows.nbytes for batch in batches) < 2 * BATCH_BYTES


@pytest.mark.parametrize(
    ("line", "reason", "text"),
    [
        (b"[1, 2]", "not a JSON object", "[1, 2]"),
        (b"null", "not a JSON object", "null"),
        (b'{"a": 1', "not JSON: Expecting ',' delimiter, at character 8", '{"a": 1'),
        (b'{"a": 1} {"a": 2}', "not JSON: Extra data, at character 10", '{"a": 1} {"a": 2}'),
        (b'{"a": "\xff"}', "byte 0xff is not UTF-8", '{"a": "\\xff"}'),
        (
            b'{"a": "\\ud800"}',
            "half of a surrogate pair (\\ud800 to \\udfff) is not text",
            '{"a": "\\ud800"}',
        ),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply", '{"a": ' + "[" * 100_000),
    ],
)
def test_a_line_that_is_no_object_is_set_aside(line: bytes, reason: str, text: str) -> None:
    (batch,) = read(b'\xef\xbb\xbf{"a": 0}\r\n\r\n' + line + b'\r\n{"a": 3}')
    assert batch.rows.to_pylist() == [{"a": "0"}, {"a": "3"}]
    assert batch.lines.tolist() == [1, 4]
    assert batch.rejects == [Reject(3, reason, text)]
    assert batch.reject(1, "not wanted") == Reject(4, "not wanted", '{"a": 3}')


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES).map(json.dumps)
LINES = st.one_of(OBJECTS.map(str.encode), VALUES.map(json.dumps).map(str.encode), st.binary())


@settings(deadline=None)
@given(st.lists(LINES, max_size=8), st.integers(1, 4))
def test_each_line_of_any_bytes_is_a_row_or_a_reject(lines: list[bytes], batch_rows: int) -> None:
    data = b'{"a": 1}\n' + b"\n".join(lines)
    batches = read(data, batch_rows=batch_rows)
    found = [line for batch in batches for line in batch.lines.tolist()]
    found += [reject.line for batch in batches for reject in batch.rejects]
    expected = [n for n, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    assert sorted(found) == expected


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.text() | st.none()), min_size=1))
def test_texts_come_back_as_they_were(objects: list[dict[str, str | None]]) -> None:
    data = "\n".join(map(json.dumps, [{"a": "", "b": "", "c": ""}, *objects])).encode()
    (batch,) = read(data)
    expected = [{key: each.get(key) for key in "abc"} for each in objects]
    if any(not _is_text(value) for each in expected for value in each.values()):
        assert batch.rejects
    else:
        assert batch.rows.to_pylist()[1:] == expected


def _is_text(value: str | None) -> bool:
    return value is None or not any("\ud800" <= letter <= "\udfff" for letter in value)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"[1]\nnot JSON\n", b"{}\n"])
def test_a_file_without_an_object_is_refused(data: bytes) -> None:
    with pytest.raises(UserError, match=r"'t.jsonl' holds no row"):
        read(data)


def test_too_many_keys_and_too_long_lines_are_refused() -> None:
    with pytest.raises(UserError, match="more than 2 keys"):
        read(b'{"a": 1, "b": 2}\n{"c": 3}\n', max_columns=2)
    with pytest.raises(UserError, match=r"line 2 of 't.jsonl' is longer than 10 bytes"):
        read(b'{"a": 1}\n{"a": 11111}\n', max_record_bytes=10)
