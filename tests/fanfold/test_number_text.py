"""Numbers in a terminal: of any size, no digit that matters is lost."""

from __future__ import annotations

import math

import pytest

from fanfold.number_text import fixed, number_text, score_decimals


@pytest.mark.parametrize(
    ("mean", "std_err", "shown"),
    [
        (1.35884, 0.00861, "1.3588 ± 0.0086"),
        (1.35884, math.nan, "1.3588 ± "),
        (0.000312, 0.0000041, "0.0003120 ± 0.0000041"),
        (123456.789, 1234.5, "123,457 ± 1,234"),
        (4321.5, 0.25, "4,321.50 ± 0.25"),
        (2.5e11, 3e9, "2.500e+11 ± 3.000e+09"),
        (0.0, 0.0, "0.0000 ± 0.0000"),
        (1.35884, 3e-10, "1.3588400 ± 0.0000000"),
        (math.nan, 0.5, " ± 0.50"),
        (6.439e-301, 0.0, "6.439e-301 ± 0"),
    ],
)
def test_a_mean_and_its_error_have_decimals_that_show_both(
    mean: float, std_err: float, shown: str
) -> None:
    places = score_decimals(mean, std_err)
    assert f"{fixed(mean, places)} ± {fixed(std_err, places)}" == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.23456, "1.235"), (12345.6, "12,346"), (0.00012346, "0.0001235"), (1e-9, "1.000e-09")],
)
def test_a_number_has_four_digits(value: float, shown: str) -> None:
    assert number_text(value) == shown
