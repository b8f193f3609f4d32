"""Cells of a target that are no numbers: the likely cause, and what to do about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping

SIGN = r"[+\-\u2212]?"
DIGITS = r"\d[\d.,'_\s]*"
MONEY = r"(?:[$€£¥₹]|[A-Z]{2,3}\$?)"

PATTERNS = {
    "missing": r"|[-–—?.]+|(?i:na|n/a|n\.a\.|#n/a|nan|nat|null|none|nil|missing|unknown)",
    "thousands": rf"{SIGN}\d{{1,3}}(?:(?:,\d{{3}})+|(?:['_\s]\d{{3}})+)(?:\.\d+)?",
    "decimal comma": rf"{SIGN}\d+,\d+|{SIGN}\d{{1,3}}(?:[.'\s]\d{{3}})+(?:,\d+)?",
    "percent": rf"{SIGN}{DIGITS}%",
    "money": rf"{SIGN}{MONEY}\s?{SIGN}{DIGITS}|{SIGN}{DIGITS}{MONEY}",
    "date": r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.*|\d{1,2}:\d{2}.*",
    "words": r"[^\W\d].*",
    "more": r"[^\[{]*\d.*",
}
"""What a cell without a number looks like; the first pattern that fits the whole cell counts."""

ADVICE = {
    "missing": "has no value in some rows ({}): leave these rows out, or raise max_bad_rows",
    "thousands": "holds thousands separators ({}): write the digits alone, such as 1234567",
    "decimal comma": "holds decimal commas ({}): write a point, such as 1.5",
    "percent": "holds percent signs ({}): write the number alone, such as 12.5",
    "money": "holds currency signs ({}): write the number alone, such as 12.5",
    "date": "holds dates or times ({}): make numbers of them, such as days since 1970",
    "words": "holds words ({}), and fanfold predicts numbers: to predict a class, make a column of"
    " 1 where it is so and 0 where it is not",
    "more": "holds more than digits with a minus (-) and a point ({}): write the number alone, such"
    " as -12.5",
}

SHOWN = 3
"""Cells that the sentence shows."""


def likely_cause(no_numbers: Mapping[str, Collection[str]]) -> str:
    """A sentence on the column whose cells are no numbers most often; empty where none is likely.

    Args:
        no_numbers: column -> different cells of it that are no numbers.
    """
    if not any(no_numbers.values()):
        return ""
    column, cells = max(no_numbers.items(), key=lambda item: len(item[1]))
    kinds = {cell: _kind(cell) for cell in cells}
    if "decimal comma" in kinds.values():  # 1,500 may be either; beside 1,5 it is the same
        kinds = {c: "decimal comma" if kind == "thousands" else kind for c, kind in kinds.items()}
    kind, times = Counter(kinds.values()).most_common(1)[0]
    if kind not in ADVICE or 2 * times < len(kinds):
        return ""
    some = ", ".join([repr(cell) for cell in cells if kinds[cell] == kind][:SHOWN])
    return f"Likely cause: the column {column!r} " + ADVICE[kind].format(some)


def _kind(cell: str) -> str:
    fits = (name for name, form in PATTERNS.items() if re.fullmatch(form, cell.strip(), re.DOTALL))
    return next(fits, "other")
