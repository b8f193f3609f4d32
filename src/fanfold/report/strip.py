"""A point and its interval on a strip, drawn in the page's own markup."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fanfold.report.scales import Range


@dataclass(frozen=True)
class Mark:
    """Places in percent of the strip's width; `beyond` where the point is held at its end."""

    at: str
    low: str
    high: str
    beyond: bool


def mark(scale: Range, value: float, error: float = 0.0) -> Mark | None:
    """The value plus and minus its error; None where there is no value."""
    if not math.isfinite(value):
        return None
    error = error if math.isfinite(error) else 0.0

    def place(x: float) -> str:
        return f"{100 * scale.share(x):.2f}%"

    return Mark(place(value), place(value - error), place(value + error), not scale.holds(value))
