from __future__ import annotations

import pytest

from fanfold.report.words import bytes_text, number_text, percent, seconds_text, shown, value_text


def test_control_characters_and_broken_bytes_become_visible() -> None:
    assert shown("a\x00b\ud800c\n", 10) == "a␀b�c␊"
    assert shown("0123456789", 5) == "0123…"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number_text(1.20345), "1.203"),
        (number_text(1.2), "1.200"),
        (number_text(0.0123456), "0.01235"),
        (number_text(123456.7), "123,457"),
        (number_text(-0.5), "−0.5000"),
        (number_text(0), "0"),
        (number_text(float("nan")), "–"),
        (number_text(3.2e11), "3.200e+11"),
        (percent(0.1834), "18.3 %"),
        (percent(1), "100 %"),
        (seconds_text(0.423), "0.42 s"),
        (seconds_text(42.4), "42 s"),
        (seconds_text(192), "3 min 12 s"),
        (seconds_text(6900), "1 h 55 min"),
        (bytes_text(612_368_384), "584 MiB"),
        (bytes_text(1_500_000_000), "1.4 GiB"),
        (bytes_text(12), "12 B"),
        (value_text(None), "None"),
        (value_text(1.0), "1.0"),
        (value_text(0.001), "0.001"),
        (value_text("sqrt"), "sqrt"),
        (value_text(True), "True"),
    ],
)
def test_numbers_are_written_for_people(text: str, expected: str) -> None:
    assert text.replace("\u00a0", " ") == expected
