"""What is odd about the names of a table's columns, if one that is needed is not among them."""

from __future__ import annotations

import csv

DELIMITERS = {";": "a semicolon", "\t": "a tab", "|": "a bar (|)", ",": "a comma"}


def header_hint(line: str, uri: str, delimiter: str, missing: str | None = None) -> str:
    """What to do about a CSV or TSV file with an odd header; empty where it seems ordinary.

    Args:
        line: the header.
        uri: of the file.
        delimiter: by which the header was parted.
        missing: the name of a column that was not found; None where there is no telling one.
    """
    other = _other_delimiter(line, delimiter, missing)
    if other is None and delimiter not in line:
        other = _other_delimiter(line, delimiter)
    if line.lstrip().startswith(("{", "[")):
        return "it seems to hold JSON: let its name end in .jsonl, with one object a line"
    if other is not None:
        return _advice_on_delimiter(uri, delimiter, other)
    if line.startswith("#"):
        return (
            f"its first line is {line[:40]!r}: the first line names the columns; take comments and"
            " the # away"
        )
    return ""


def _other_delimiter(line: str, delimiter: str, missing: str | None = None) -> str | None:
    """The delimiter, another than `delimiter`, that parts the columns of a header, if any.

    Args:
        line: the header.
        delimiter: by which the header was parted.
        missing: a name that was not found.
    """
    for other in DELIMITERS:
        if other == delimiter or other not in line:
            continue
        try:
            names = [name.strip() for name in next(csv.reader([line], delimiter=other))]
        except csv.Error:
            continue
        if missing in names or (missing is None and len(names) > 1):
            return other
    return None


def _advice_on_delimiter(uri: str, delimiter: str, other: str) -> str:
    """What to do with a table whose columns are parted by another delimiter than its name says."""
    parted = f"{DELIMITERS[other]} parts its columns where {DELIMITERS[delimiter]} is expected"
    if other in ",\t":
        return f"{parted}: let its name end in {'.csv' if other == ',' else '.tsv'}"
    decimal = " (with decimal=',' if its numbers are written 1,5)" if other == ";" else ""
    return (
        f"{parted}: write it anew,"
        f" pandas.read_csv({uri!r}, sep={other!r}).to_csv('new.csv', index=False){decimal}"
    )
