"""Text becomes tokens: lower case, Unicode words, as the R package textrecipes has them.

The recipe is textrecipes' `step_tokenize` (tokenizers 0.3.0 on ICU word boundaries) written
as one regular expression without look-around, which Rust's engine matches in linear time
whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, get_type_hints

from fanfold.errors import UserError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

PREFIX = "text__"
"""How a text setting is named among hyperparameters: `text__max_tokens`."""

LETTER = r"[\p{Alphabetic}\p{M}]"
DIGIT = r"\p{Nd}"
OTHER = r"[\w--[\p{Alphabetic}\p{M}\p{Nd}]]"
LETTERS_ON = rf"(?:['’.:·]{LETTER})*"
DIGITS = rf"{DIGIT}(?:['’.,;]{DIGIT})*"
TOKEN = (
    rf"(?:[\p{{Alphabetic}}--\p{{M}}]{LETTERS_ON}|{DIGITS}|{OTHER})"
    rf"(?:{LETTER}{LETTERS_ON}|{DIGITS}|{OTHER})*"
)
"""A token: a run of letters (with combining marks, which begin none), digits and underscores."""


def tokenize(texts: pl.Series) -> pl.Series:
    """The tokens of each text, in order, as a series of lists; a missing text has none."""
    return texts.fill_null("").str.to_lowercase().str.extract_all(TOKEN)


@cache
def stopwords(name: str) -> frozenset[str]:
    """The words of a stopword list: `snowball` (175 English words) or `none`."""
    if name == "none":
        return frozenset()
    words = (
        files("fanfold.features").joinpath("stopwords_snowball_en.txt").read_text(encoding="utf-8")
    )
    return frozenset(words.split())


HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which Python's text may hold and UTF-8 may not."""


def without_half_pairs(text: str) -> str:
    """The text with whole surrogate pairs as their character, and U+FFFD for each half of one."""
    if text.isascii() or not HALF_PAIR.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


STOPWORD_LISTS = ("snowball", "none")
WEIGHTINGS = ("tfidf", "count")


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """What is learned from text; each field is the hyperparameter `text__<field>`.

    Attributes:
        max_tokens: tokens that become columns, the most frequent first, ties by code point.
        min_times: least share of all remaining training tokens that a token must have.
        max_times: largest such share.
        weighting: `tfidf` (count / kept tokens of the document, times ln(1 + N / df)), or
            `count`.
        stopwords: `snowball` or `none`.

    Raises:
        UserError: a value has the wrong type or is not allowed.
    """

    max_tokens: int = 100
    min_times: float = 0.001
    max_times: float = 1.0
    weighting: str = "tfidf"
    stopwords: str = "snowball"

    def __post_init__(self) -> None:
        tokens: Any = self.max_tokens
        if type(tokens) not in (int, float) or not tokens >= 1 or tokens % 1 != 0:
            raise UserError(
                f"text__max_tokens must be a whole number, at least 1, but is {tokens!r}"
            )
        object.__setattr__(self, "max_tokens", int(tokens))
        for name in ("min_times", "max_times"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 <= value <= 1:
                raise UserError(
                    f"text__{name} must be a share of all tokens, from 0 to 1, but is {value!r}"
                )
            object.__setattr__(self, name, float(value))
        for name, allowed in (("weighting", WEIGHTINGS), ("stopwords", STOPWORD_LISTS)):
            value = getattr(self, name)
            if value not in allowed:
                raise UserError(
                    f"text__{name} must be one of {', '.join(allowed)} but is {value!r}"
                    f"{did_you_mean(str(value), allowed)}"
                )
        if self.min_times > self.max_times:
            raise UserError(
                f"text__min_times ({self.min_times}) must not exceed"
                f" text__max_times ({self.max_times})"
            )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The hyperparameters' full names: `text__max_tokens`, ..."""
        return tuple(PREFIX + field.name for field in fields(cls))

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> TextSettings:
        """The text settings among a candidate's `parameters`, defaults for the others."""
        kinds = get_type_hints(cls)
        chosen: dict[str, Any] = {}
        for name, value in parameters.items():
            if name.startswith(PREFIX):
                field = name.removeprefix(PREFIX)
                if field not in kinds:
                    raise UserError(
                        f"no text setting is named {name!r}{did_you_mean(name, cls.names())};"
                        f" allowed: {', '.join(cls.names())}"
                    )
                chosen[field] = value
        return cls(**chosen)

    def as_parameters(self) -> dict[str, Any]:
        """The settings under their hyperparameter names."""
        return {PREFIX + field.name: getattr(self, field.name) for field in fields(self)}


def series(texts: Iterable[str | None]) -> pl.Series:
    """`texts` as `tokenize` and `count_tokens` take them; what is not text becomes text."""
    import polars as pl

    return pl.Series("text", list(texts), dtype=pl.String, strict=False)
