"""What a search took, in words: beside what was estimated, and in money."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any


def spent_text(summary: Mapping[str, Any], duration: Callable[[float], str]) -> str:
    """`3 min, 2 min of processor time (estimated: 3 min), 0.0017 at 0.05 a vCPU hour`.

    Args:
        summary: of a whole search.
        duration: puts seconds into words.
    """
    # A summary of an older version may lack them.
    price, estimated = (
        summary["settings"].get(name, 0) for name in ("cpu_hour_price", "estimated_cpu_hours")
    )
    seconds = summary["cpu_seconds"]
    text = f"{duration(summary['seconds'])}, {duration(seconds)} of processor time"
    if estimated:
        text += f" (estimated: {duration(3600 * estimated)})"
    return f"{text}, {price_text(seconds, price)}" if price else text


def price_text(cpu_seconds: float, price: float) -> str:
    """What processor time costs: `0.0017 at 0.05 a vCPU hour`, with the cents or two digits."""
    cost = cpu_seconds / 3600 * price
    decimals = max(2, 1 - math.floor(math.log10(cost))) if cost else 2
    return f"{cost:,.{decimals}f} at {price:g} a vCPU hour"
