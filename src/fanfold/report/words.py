"""Numbers, durations, sizes and raw text as people read them."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, TypeAlias

from fanfold import number_text as numbers

Value: TypeAlias = bool | int | float | str | None

NOTHING = "–"
_MINUS = "−"  # as wide as a plus, unlike the hyphen
_GAP = "\u00a0"  # a number and its unit stay on one line


def plain(value: Any) -> Any:
    """A cell of a frame as Python's own type; None for every kind of missing."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    # Lists and dicts are parameters too; pandas' own NA says so by its name.
    return None if type(value).__name__ in ("NAType", "NaTType") else str(value)


def value_text(value: Value) -> str:
    """A hyperparameter's value as it would be typed: 300, 0.1, 1.0, None, sqrt."""
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.6g}"
    return f"{text}.0" if text.lstrip("-").isdecimal() else text  # 1 may mean something else


def own_decimals(value: float) -> int:
    """Decimals that a round number is written with: 2 of 0.25, 5 of 2e-05."""
    return max(0, -int(Decimal(f"{value:.10g}").as_tuple().exponent))


def fixed(value: float, places: int) -> str:
    """A number with so many decimals, its thousands set apart; a dash for NaN."""
    return _typeset(numbers.fixed(value, places))


def number_text(value: float, digits: int = 4) -> str:
    """A number with so many significant digits."""
    return _typeset(numbers.number_text(value, digits))


def _typeset(number: str) -> str:
    return number.replace("-", _MINUS) or NOTHING


def percent(share: float) -> str:
    """A share as a percentage of at most three digits."""
    points = 100 * share
    if not math.isfinite(points):
        return NOTHING
    return f"{fixed(points, 1 if points < 99.95 else 0)}{_GAP}%"


def seconds_text(seconds: float) -> str:
    """A duration in the unit that suits it: 0.42 s, 3 min 12 s, 1 h 55 min."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 59.5:
        return f"{number_text(seconds, 2)}{_GAP}s" if seconds < 9.95 else f"{seconds:.0f}{_GAP}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{_GAP}min{_GAP}{rest}{_GAP}s" if rest else f"{minutes}{_GAP}min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,}{_GAP}h{_GAP}{minutes}{_GAP}min" if minutes else f"{hours:,}{_GAP}h"


def bytes_text(size: float) -> str:
    """A size in binary units: 584 MiB, 1.4 GiB."""
    if not math.isfinite(size):
        return NOTHING
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1023.5 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f}{_GAP}{unit}" if unit == "B" or size >= 99.5 else f"{size:.3g}{_GAP}{unit}"


def shown(text: str, length: int) -> str:
    """Raw text made visible: control characters as symbols, undecodable bytes as �, cut."""

    def visible(code: int) -> str:
        if code < 0x20:
            return chr(0x2400 + code)
        return "�" if 0xD800 <= code < 0xE000 else chr(code)

    cut = text if len(text) <= length else text[: length - 1] + "…"
    return "".join(visible(ord(character)) for character in cut)
