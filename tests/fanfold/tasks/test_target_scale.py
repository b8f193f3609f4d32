"""Ordinary targets are read as they are; others become ordinary and come back."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.errors import UserError
from fanfold.tasks.target_scale import AS_IT_IS, TargetRange, learn_scale

GENERATOR = np.random.default_rng(0)
NORMAL = GENERATOR.normal(size=500)
LARGEST = sys.float_info.max

ORDINARY = {
    "log1p of votes": np.log1p(GENERATOR.poisson(9, 500) ** 2),
    "ratings of 0 to 1": GENERATOR.random(500),
    "stars": GENERATOR.integers(1, 6, 500).astype(float),
    "a wine's points": 88 + 3 * NORMAL,
    "prices": 180_000 + 79_000 * NORMAL,
    "all zero": np.zeros(500),
}

numbers = st.floats(-1e300, 1e300)


@pytest.mark.parametrize("target", ORDINARY.values(), ids=ORDINARY)
def test_an_ordinary_target_is_read_as_it_is(target: np.ndarray) -> None:
    scale = learn_scale(target)
    assert scale == AS_IT_IS
    assert scale.apply(target) is target and scale.undo(target) is target


@settings(max_examples=300, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=40))
def test_any_target_comes_back_to_the_digits_that_float64_keeps(values: list[float]) -> None:
    target = np.array(values)
    scale = learn_scale(target)
    assert math.frexp(scale.factor)[0] == 0.5, "a power of two"
    found = scale.undo(scale.apply(target))
    # Two roundings, and the least number that there is to divide into.
    slack = 2 * np.spacing(np.abs(target) + abs(scale.centre)) + scale.factor * 5e-324
    assert (np.abs(found - target) <= slack).all()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-1000, 1000), min_size=2, max_size=40).filter(lambda v: len(set(v)) > 1),
    st.integers(-1000, 950),
    st.integers(-(2**40), 2**40),
)
def test_whatever_its_unit_a_target_is_read_with_an_ordinary_spread_and_mean(
    whole: list[int], exponent: int, offset: int
) -> None:
    target = np.ldexp(np.array([each + offset for each in whole], dtype=float), exponent)
    scale = learn_scale(target)
    # By exact arithmetic: what is read, and its mean and variance.
    read = [Fraction(each) for each in scale.apply(target)]
    centre, factor = Fraction(scale.centre), Fraction(scale.factor)
    assert read == [(Fraction(each) - centre) / factor for each in target.tolist()]
    mean = sum(read) / len(read)
    variance = sum((each - mean) ** 2 for each in read) / len(read)
    slack = Fraction(1, 10**9)
    assert Fraction(2) ** -6 * (1 - slack) <= variance < Fraction(2) ** 40 * (1 + slack)
    assert mean**2 <= 32**2 * variance * (1 + slack)


def test_the_digits_of_a_scaled_target_do_not_depend_on_a_power_of_two() -> None:
    expected = learn_scale(NORMAL * 2.0**-40).apply(NORMAL * 2.0**-40)
    assert 1 <= expected.std() < 2
    for exponent in (-1000, -300, -20, 30, 100, 1000):
        target = np.ldexp(NORMAL, exponent)
        assert learn_scale(target).apply(target).tobytes() == expected.tobytes()


def test_a_standard_deviation_whose_square_overflows_or_vanishes_is_learned() -> None:
    for target in (np.array([LARGEST, -LARGEST, 0.0]), np.array([1e-300, 0.0, 3e-300])):
        read = learn_scale(target).apply(target)
        assert 1 <= read.std() < 2


def test_whole_numbers_stay_whole() -> None:
    seconds = 1_700_000_000 + GENERATOR.integers(0, 5000, 500).astype(float)
    scale = learn_scale(seconds)
    read = scale.apply(seconds)
    assert scale.factor == 1 and scale.centre != 0
    assert (read == read.astype(np.int64)).all()
    assert (scale.undo(read) == seconds).all()


@pytest.mark.parametrize("value", [0.1, -5.0, 1e20, 1e-300, LARGEST, 2.0**53 + 2])
def test_a_constant_target_is_its_own_centre(value: float) -> None:
    target = np.full(7, value)
    scale = learn_scale(target)
    assert not scale.apply(target).any()
    assert (scale.undo(np.zeros(7)) == value).all()


def test_one_far_value_does_not_hide_the_others() -> None:
    target = np.append(NORMAL, 1e5)
    assert learn_scale(target) == AS_IT_IS, "its standard deviation is 4,500"
    target = np.append(NORMAL, 1e12)
    read = learn_scale(target).apply(target)
    assert 1 <= read.std() < 2 and len(set(read)) == len(set(target))


def test_a_scale_without_a_centre_keeps_zero_where_it_is() -> None:
    for target in (1e9 + NORMAL, 1e-9 * (1e9 + NORMAL), np.full(3, 7.0)):
        assert learn_scale(target, centred=False).centre == 0
    assert learn_scale(1e-9 * NORMAL, centred=False).factor < 1e-8


def test_no_rows_have_no_scale() -> None:
    assert learn_scale(np.zeros(0)) == AS_IT_IS


@pytest.mark.parametrize(
    ("allowed", "good", "bad", "said"),
    [
        (TargetRange(0), 0.0, -1e-9, "needs targets of at least 0, .* is -1e-09: choose another"),
        (TargetRange(0, above=True), 1e-9, 0.0, "needs targets above 0, .* is 0: choose another"),
        (TargetRange(-1, above=True), -0.9, -1.0, "needs targets above -1, .* is -1: choose"),
    ],
)
def test_a_target_that_a_loss_is_not_defined_for_is_refused(
    allowed: TargetRange, good: float, bad: float, said: str
) -> None:
    allowed.check(np.array([5.0, good]), "the loss")
    with pytest.raises(UserError, match=f"the loss {said}"):
        allowed.check(np.array([5.0, bad, good]), "the loss")
