"""The rule for tokens, read character by character: what the engine's one pattern must equal."""

from __future__ import annotations

import unicodedata
from functools import cache

import regex
from polars import Series

INSIDE_LETTERS = "'’.:·"
INSIDE_DIGITS = "'’.,;"


@cache
def kind(character: str) -> str:
    """`mark` or `letter`, `digit`, `other` (the rest of a word), or `` for what parts words."""
    if regex.match(r"\p{M}", character):
        return "mark"
    if regex.match(r"\p{Alphabetic}", character):
        return "letter"
    if unicodedata.category(character) == "Nd":
        return "digit"
    return "other" if regex.match(r"[\p{Pc}\p{Join_Control}]", character) else ""


def slow_tokens(text: str) -> list[str]:
    """The tokens of `text`, in order."""
    text = text.lower()
    tokens, place = [], 0
    while place < len(text):
        if kind(text[place]) in ("", "mark"):  # a mark goes on with a token but begins none
            place += 1
            continue
        end = _end(text, place)
        tokens.append(text[place:end])
        place = end
    return tokens


def _end(text: str, place: int) -> int:
    """Behind the token that begins at `place`."""
    while place < len(text) and kind(text[place]):
        letter = kind(text[place]) in ("letter", "mark")
        digit = kind(text[place]) == "digit"
        place += 1
        after = kind(text[place + 1]) if place + 1 < len(text) else ""
        joins_letters = letter and text[place : place + 1] in INSIDE_LETTERS
        joins_digits = digit and text[place : place + 1] in INSIDE_DIGITS
        if (joins_letters and after in ("letter", "mark")) or (joins_digits and after == "digit"):
            place += 1
    return place


@cache
def known_to_all() -> list[str]:
    """The characters that Python, its `regex` and Rust all know.

    Each brings the Unicode tables of its own version. A code point that one of them does not
    know yet has no kind there, so it is left out; on all others they agree. Private ones, which
    have no kind in any version, are left out for speed.
    """
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    here = [each for each in every if unicodedata.category(each) not in ("Cn", "Co")]
    in_rust = Series(here).filter(Series(here).str.contains(r"^\P{Cn}"))
    return [each for each in in_rust if regex.match(r"\P{Cn}", each)]
