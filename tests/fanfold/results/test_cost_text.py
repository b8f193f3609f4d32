"""What a search took, in words: nothing of an estimate or a price that was not given."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.results.cost_text import price_text, spent_text


def spent(**settings: Any) -> str:
    summary = {"seconds": 110.4, "cpu_seconds": 7200.0, "settings": settings}
    return spent_text(summary, "{:.0f} s".format)


def test_what_was_given_is_said_and_nothing_else() -> None:
    assert spent() == "110 s, 7200 s of processor time"  # of a version without these settings
    assert spent(cpu_hour_price=0.0, estimated_cpu_hours=0.0) == spent()
    estimated = "110 s, 7200 s of processor time (estimated: 9000 s)"
    assert spent(cpu_hour_price=0.0, estimated_cpu_hours=2.5) == estimated
    assert spent(cpu_hour_price=0.05, estimated_cpu_hours=2.5) == (
        f"{estimated}, 0.10 at 0.05 a vCPU hour"
    )


@pytest.mark.parametrize(
    ("hours", "price", "said"),
    [
        (0.00108, 0.05, "0.000054 at 0.05 a vCPU hour"),
        (0.0341, 0.05, "0.0017 at 0.05 a vCPU hour"),
        (10, 0.05, "0.50 at 0.05 a vCPU hour"),
        (25, 0.0475, "1.19 at 0.0475 a vCPU hour"),
        (0, 0.05, "0.00 at 0.05 a vCPU hour"),
        (24_690, 0.05, "1,234.50 at 0.05 a vCPU hour"),
    ],
)
def test_an_amount_has_cents_or_where_it_is_small_two_digits(
    hours: float, price: float, said: str
) -> None:
    assert price_text(hours * 3600, price) == said
