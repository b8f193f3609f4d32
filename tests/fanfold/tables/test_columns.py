"""Columns as numbers and as text: one value, one answer, whatever type it comes in."""

from __future__ import annotations

import datetime
import math
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.tables.columns import as_floats, as_strings, as_texts, hold_numbers_only
from tests.fanfold.arrow_kinds import DATES, TIMES


def test_truths_are_one_and_nought_in_every_spelling() -> None:
    spelt = ["true", "False", "TRUE", " false ", "tRuE", "3", "0.5", "", "yes", "t", None]
    expected = [1, 0, 1, 0, 1, 3, 0.5, *[math.nan] * 4]
    np.testing.assert_array_equal(as_floats(pa.array(spelt)), expected)
    truths = pa.array([True, False, None])
    np.testing.assert_array_equal(as_floats(truths), [1, 0, math.nan])
    np.testing.assert_array_equal(as_floats(truths.dictionary_encode()), [1, 0, math.nan])


@given(st.lists(st.one_of(st.none(), st.floats(), st.booleans())))
def test_numbers_and_truths_as_text_are_the_numbers_that_python_reads(values: list[object]) -> None:
    texts = [None if value is None else str(value) for value in values]
    expected = [math.nan if value is None else float(value) for value in values]  # type: ignore[arg-type]
    np.testing.assert_array_equal(as_floats(pa.array(texts, pa.string())), expected)


def test_a_column_in_pieces_is_one_column() -> None:
    pieces = pa.chunked_array([["1", None], [], ["x"]], pa.string())
    np.testing.assert_array_equal(as_floats(pieces), [1, math.nan, math.nan])
    assert as_texts(pieces).to_list() == ["1", "", "x"]
    assert as_texts(pa.chunked_array([], pa.date32())).to_list() == []


@given(st.lists(st.one_of(st.none(), st.dates())))
def test_a_date_is_text_as_iso_8601_writes_it(dates: list[datetime.date | None]) -> None:
    expected = [date and date.isoformat() for date in dates]
    for kind in (pa.date32(), pa.date64()):
        assert as_strings(pa.array(dates, kind)).to_list() == expected


def test_a_date_that_python_cannot_hold_is_text_too() -> None:
    assert as_strings(DATES).to_list() == [
        "1970-01-01",
        "<value out of range: 2147483647>",
        "<value out of range: -2147483648>",
        "10000-01-01",
        "0000-12-31",
        None,
    ]


@pytest.mark.parametrize("name", TIMES)
def test_a_timestamp_is_text_and_different_ones_are_different(name: str) -> None:
    column = TIMES[name]
    texts = as_strings(column).to_list()
    assert [text is None for text in texts] == [not value.is_valid for value in column]
    assert len(set(texts)) == len(set(column.view(pa.int64()).to_pylist()))


@given(
    st.lists(
        st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2035, 1, 1)), min_size=1
    ),
    st.sampled_from(["UTC", "Europe/Paris", "Asia/Kathmandu"]),
)
def test_a_time_of_a_known_zone_is_text_as_that_zone_tells_it(
    times: list[datetime.datetime], zone: str
) -> None:
    aware = [time.replace(tzinfo=datetime.UTC).astimezone(ZoneInfo(zone)) for time in times]
    texts = as_strings(pa.array(aware, pa.timestamp("us", zone))).to_list()
    read = [datetime.datetime.fromisoformat(text) for text in texts]
    assert read == aware
    assert [each.replace(tzinfo=None) for each in read] == [
        each.replace(tzinfo=None) for each in aware
    ]


def test_a_time_of_an_unknown_zone_is_told_in_utc() -> None:
    stored = pa.array([1_706_659_200, None]).view(pa.timestamp("s", "Mars/Phobos"))
    assert as_strings(stored).to_list() == ["2024-01-31 00:00:00.000+00:00", None]


def test_numbers_only_is_said_of_texts_that_are_all_numbers() -> None:
    assert hold_numbers_only(pl.Series(["1", " 2.5 ", "", "-1e3"]))
    assert not hold_numbers_only(pl.Series(["1", "2nd"]))
