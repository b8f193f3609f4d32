"""Numbers as people read them, whatever their size: so many digits, an exponent only at need."""

from __future__ import annotations

import math

MOST_DECIMALS = 7
"""More are an exponent."""


def decimals(value: float, digits: int = 4) -> int:
    """Decimals that show a number with so many significant digits."""
    if not math.isfinite(value) or value == 0:
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def score_decimals(mean: float, std_err: float = math.nan) -> int:
    """Decimals of a mean and its standard error, one below the other in a table.

    Four, or as many as show four digits of the mean and two of the error, if that is not too
    small for seven decimals; of thousands, no more than these.
    """
    of_error = min(decimals(std_err, 2), MOST_DECIMALS)  # one of next to nothing hides no mean
    return max(4 if abs(mean) < 1000 else 0, decimals(mean), of_error)


def fixed(value: float, places: int) -> str:
    """A number with so many decimals, its thousands set apart; nothing for NaN."""
    if not math.isfinite(value):
        return ""
    if places > MOST_DECIMALS or abs(value) >= 1e7:
        return f"{value:.3e}" if value else "0"
    return f"{value:,.{places}f}"


def number_text(value: float, digits: int = 4) -> str:
    """A number with so many significant digits."""
    return fixed(value, decimals(value, digits))
