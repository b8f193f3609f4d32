"""Tokens against a slow reading of the rule."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.errors import UserError
from fanfold.features.text import TextSettings, series, stopwords, tokenize
from tests.fanfold.slow_text import known_to_all, slow_tokens

HOSTILE = 1_000_000  # characters

# What the rule is about, often enough to meet; and anything else, now and then.
TRICKY = "aBßİΣσ日가ᾳ1٣५_‿'’.:·,;-@#  \n\t\u200d\u200c\u0301\u093e\u20e3ªⅷ①ⓐ\u0345"
texts = st.text(st.one_of(st.sampled_from(TRICKY), st.sampled_from(known_to_all())), max_size=30)


def tokens(*given_texts: str | None) -> list[list[str]]:
    return tokenize(series(given_texts)).to_list()


@pytest.mark.slow
def test_every_character_is_read_as_the_rule_says() -> None:
    # Alone, between letters, between digits, after an underscore, and before a letter.
    around = [f"{c} a{c}a 1{c}1 _{c} {c}b" for c in known_to_all()]
    assert len(around) > 100_000
    wrong = [
        text
        for text, found in zip(around, tokens(*around), strict=True)
        if found != slow_tokens(text)
    ]
    assert wrong == []


@settings(max_examples=500, deadline=None)
@given(st.lists(texts, max_size=20))
def test_any_text_is_cut_as_the_rule_says(given_texts: list[str]) -> None:
    assert tokens(*given_texts) == [slow_tokens(text) for text in given_texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop", ["don't", "stop"]),
        ("'quoted' words", ["quoted", "words"]),
        ("a'1 1'a", ["a", "1", "1", "a"]),
        ("3.14 1,000;5 10:30", ["3.14", "1,000;5", "10", "30"]),
        ("a,b a;b a:b a.b a·b", ["a", "b", "a", "b", "a:b", "a.b", "a·b"]),
        ("a..b 1,,2", ["a", "b", "1", "2"]),
        ("x1y2 snake_case", ["x1y2", "snake_case"]),
        ("e\u0301 \u0301e", ["e\u0301", "e"]),
        ("ΣΊΣΥΦΟΣ", ["σίσυφος"]),
        ("日本語のテキスト", ["日本語のテキスト"]),
        ("well-known @you", ["well", "known", "you"]),
        ("", []),
        (None, []),
    ],
)
def test_a_text_has_these_tokens(text: str | None, expected: list[str]) -> None:
    assert tokens(text) == [expected]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("a", ["a" * HOSTILE]),
        ("a.", ["a." * (HOSTILE // 2 - 1) + "a"]),
        ("a..", ["a"] * (HOSTILE // 3)),
        ("a'1", ["a"] + ["1a"] * (HOSTILE // 3 - 1) + ["1"]),
        ("1,", ["1," * (HOSTILE // 2 - 1) + "1"]),
        ("'", []),
        ("\u0301", []),
        ("a\u0301", ["a\u0301" * (HOSTILE // 2)]),
        ("İ", ["i\u0307" * HOSTILE]),
    ],
)
def test_a_hostile_text_of_a_million_characters_is_cut_as_well(
    part: str, expected: list[str]
) -> None:
    # Runs, joints and marks that a pattern which backtracks could take forever over.
    assert tokens(part * (HOSTILE // len(part))) == [expected]


def test_what_is_not_text_becomes_text() -> None:
    assert series([1, None, 2.5, "x"]).to_list() == ["1", None, "2.5", "x"]  # type: ignore[list-item]


def test_the_stopwords_are_the_175_of_snowball_each_one_token() -> None:
    words = sorted(stopwords("snowball"))
    assert len(words) == 175 and stopwords("none") == frozenset()
    assert tokens(*words) == [[word] for word in words]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"text__max_tokens": 0}, "text__max_tokens must be a whole number, at least 1, but is 0"),
        ({"text__max_tokens": 1.5}, "but is 1.5"),
        ({"text__max_tokens": True}, "but is True"),
        ({"text__max_tokens": float("inf")}, "but is inf"),
        ({"text__max_tokens": float("nan")}, "but is nan"),
        ({"text__max_tokens": "100"}, "but is '100'"),
        ({"text__min_times": -0.1}, "text__min_times must be a share of all tokens, from 0 to 1"),
        ({"text__max_times": 2}, "text__max_times must be a share of all tokens, from 0 to 1"),
        ({"text__max_times": float("nan")}, "but is nan"),
        ({"text__min_times": 0.5, "text__max_times": 0.1}, "must not exceed text__max_times"),
        ({"text__weighting": "tfid"}, "one of tfidf, count but is 'tfid'; did you mean 'tfidf'?"),
        ({"text__stopwords": "german"}, "text__stopwords must be one of snowball, none"),
        ({"text__stopwords": None}, "but is None"),
        ({"text__weighting": ["count"]}, "but is ['count']"),
        ({"text__maxtokens": 5}, "no text setting is named 'text__maxtokens'"),
    ],
)
def test_a_wrong_text_setting_is_refused_by_name(
    parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        TextSettings.of(parameters)


def test_text_settings_are_found_among_a_candidate_s_parameters() -> None:
    found = TextSettings.of({"max_depth": 6, "text__max_tokens": 50.0, "text__min_times": 0})
    assert found == TextSettings(max_tokens=50, min_times=0.0)
    assert TextSettings.of(found.as_parameters()) == found
    assert tuple(found.as_parameters()) == TextSettings.names()
