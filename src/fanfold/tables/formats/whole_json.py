"""JSON that is not one object a line: an array, an object over several lines, one of columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from fanfold.errors import UserError

WRITE = ": write one object a line, by pandas' to_json(orient='records', lines=True)"
ARRAY = f"is a JSON array{WRITE} or by jq -c '.[]'"
INDENTED = f"is JSON over several lines{WRITE} or by jq -c ."
OF_COLUMNS = f"is one JSON object of columns or lists{WRITE}"


def refuse_whole_json(lines: Iterable[tuple[int, bytes]], uri: str) -> Iterator[tuple[int, bytes]]:
    """The same lines; `UserError` where they are not objects, but one JSON value together.

    Args:
        lines: those that hold something, with their numbers.
        uri: names the file in messages.
    """
    before: list[bytes] = []
    count = 0
    for count, (number, line) in enumerate(lines, 1):
        if count <= 2:
            before.append(line.strip())
            found = _array(before[0]) if count == 1 else _indented(*before)
            if found:
                raise UserError(f"{uri!r} {found}")
        yield number, line
    if count == 1 and _is_of_columns(before[0]):
        raise UserError(f"{uri!r} {OF_COLUMNS}")


def _array(first: bytes) -> str:
    if not first.startswith(b"["):
        return ""
    value = _value(first)
    is_of_objects = isinstance(value, list) and any(isinstance(each, dict) for each in value)
    return ARRAY if value is Ellipsis or is_of_objects else ""


def _indented(first: bytes, second: bytes) -> str:
    is_indented = first.startswith(b"{") and second.startswith(b'"') and _value(first) is Ellipsis
    return INDENTED if is_indented else ""


def _is_of_columns(line: bytes) -> bool:
    value = _value(line)
    values = value.values() if isinstance(value, dict) else []
    return bool(values) and all(isinstance(each, dict | list) for each in values)


def _value(line: bytes) -> object:
    """What the line says: Ellipsis where it breaks off at its end, None where it says nothing."""
    try:
        text = line.decode()
        return json.loads(text)
    except json.JSONDecodeError as error:
        return Ellipsis if error.pos >= len(text) else None
    except (ValueError, RecursionError):
        return None
