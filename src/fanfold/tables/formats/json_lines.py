"""JSON lines: an object a line; every value becomes text, as in a CSV file.

One schema must hold for rows that may disagree (a number here, a string there, keys that come
late), so nothing is guessed: strings stay, numbers keep the digits they are written with,
`true`, `false`, lists and objects become their JSON, and null or a missing key is null. The
columns are the keys of all rows, in the order of their first appearance, which costs a first
pass over the file.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from fanfold.errors import UserError
from fanfold.tables.batch import BATCH_BYTES, Batch, OpenStream, Reject, stretches
from fanfold.tables.formats.foreign import advice_on_bytes
from fanfold.tables.formats.whole_json import ARRAY, refuse_whole_json

Row = dict[str, str | None]

_decode = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str).decode


def read_json_lines(
    open_stream: OpenStream,
    uri: str,
    *,
    batch_rows: int = 65536,
    max_record_bytes: int = 64 << 20,
    max_columns: int = 10_000,
) -> Iterator[Batch]:
    """Batches of a file of JSON objects, one a line: all columns text, absent values null.

    A line that holds nothing but white space is no row. A key that an object holds twice has
    its last value, as in every common JSON reader.

    Args:
        open_stream: gives the file from its start; called twice.
        uri: names the file in messages.
        batch_rows: most rows of a batch, good and bad.
        max_record_bytes: a longer line is refused.
        max_columns: more keys than this are refused.

    Raises:
        UserError: no object in the file, too many keys, or a line that is too long.
    """
    names: dict[str, None] = {}
    first = b""
    with open_stream() as stream:
        for _, line in refuse_whole_json(_lines(stream, uri, max_record_bytes), uri):
            first = first or line
            row = _parse(line)
            names |= dict.fromkeys(row) if isinstance(row, dict) else {}
            if len(names) > max_columns:
                raise UserError(
                    f"the objects of {uri!r} have more than {max_columns} keys, each of which is"
                    " a column: leave those out that are not needed"
                )
    if not names:
        advice = advice_on_bytes([str(_parse(first))], uri)
        if advice:
            raise UserError(advice)
        begins = f"; the first is {_text(first[:40])!r}" if first else ""
        raise UserError(
            f"{uri!r} holds no row: a JSON object with a key is needed on each line{begins}"
        )
    schema = pa.schema([(name, pa.string()) for name in names])
    # A value that a row lacks takes room too: an offset of 4 bytes.
    batch_rows = max(1, min(batch_rows, BATCH_BYTES // (4 * len(names))))
    with open_stream() as stream:
        lines = _lines(stream, uri, max_record_bytes)
        for some in stretches(lines, batch_rows, lambda numbered: len(numbered[1])):
            yield _batch(some, schema)


def _lines(stream: BinaryIO, uri: str, most: int) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, numbered from 1, without their ends."""
    number = 0
    while line := stream.readline(most + 1):
        number += 1
        if len(line) > most:
            if number == 1 and line.lstrip().startswith(b"["):
                raise UserError(f"{uri!r} {ARRAY}")
            raise UserError(f"line {number} of {uri!r} is longer than {most} bytes")
        if number == 1:
            line = line.removeprefix(BOM_UTF8)
        if line.strip():
            yield number, line.rstrip(b"\r\n")


def _batch(lines: list[tuple[int, bytes]], schema: pa.Schema) -> Batch:
    good: list[tuple[int, bytes, Row]] = []
    rejects = []
    for number, line in lines:
        row = _parse(line)
        if isinstance(row, str):
            rejects.append(Reject(number, row, _text(line)))
        else:
            good.append((number, line, row))
    columns = [pa.array([row.get(n) for _, _, row in good], pa.string()) for n in schema.names]
    return Batch(
        pa.RecordBatch.from_arrays(columns, schema=schema),
        np.array([number for number, _, _ in good], np.int64),
        lambda i: _text(good[i][1]),
        rejects,
    )


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")


def _parse(line: bytes) -> Row | str:
    """The object that `line` holds, its values as text; or what is wrong with the line."""
    try:
        text = line.decode()
        row = _decode(text)
        if not isinstance(row, dict):
            return "not a JSON object"
        others = [key for key, value in row.items() if not isinstance(value, str | None)]
        if others:  # with their numbers as numbers, so that their JSON does not quote them
            whole = json.loads(text)
            row |= {key: json.dumps(whole[key], ensure_ascii=False) for key in others}
        if "\\u" in text:
            "".join(f"{key}{value}" for key, value in row.items()).encode()
    except UnicodeDecodeError as error:
        return f"byte 0x{line[error.start]:02x} is not UTF-8"
    except UnicodeEncodeError:
        return "half of a surrogate pair (\\ud800 to \\udfff) is not text"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg}, at character {error.pos + 1}"
    except RecursionError:
        return "nested too deeply"
    except ValueError as error:
        return f"not usable: {error}"
    return row
