"""The sample: a made-up slang dictionary whose votes its text explains in part.

A number of rows and a seed say the whole table, to the last byte, on any machine: all numbers
are integers, drawn from the raw output of PCG64, and powers come from integer roots. Each block
of rows has a generator of its own, so a small sample is the beginning of a larger one. About one
row in 4,000 is bad, as in the files that people have.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fanfold.errors import UserError
from fanfold.storage import published
from fanfold.tables.sample_words import COMMON, ENDINGS, SYLLABLES, THEMES

COLUMNS = ("word_id", "word", "up_votes", "down_votes", "author", "definition")
DEFAULT_SEED = 2023
MAX_ROWS = 100_000_000
MOST_VOTES = 1 << 22
BLOCK_ROWS = 8192
AUTHORS = 30_000
EFFECTS = 4096

# What stands between two words, and how often in 512; then what only `_glue` itself sets.
GLUE = {" ": 437, ", ": 40, " - ": 2, "; ": 4, ". ": 25, "! ": 3, "\n": 1}
SET_GLUE = (': "', '."', ".")
FIRST_STOP = list(GLUE).index(". ")  # from here on, the next word starts a sentence
OPEN_QUOTE, CLOSE_QUOTE, END = range(len(GLUE), len(GLUE) + len(SET_GLUE))

Integers = NDArray[np.int64]


def parse_sample_uri(uri: str) -> int:
    """The number of rows that `sample:ROWS` asks for.

    Raises:
        UserError: ROWS is not a whole number from 1 to 100,000,000.
    """
    digits = uri.removeprefix("sample:")
    if not re.fullmatch("[0-9]{1,9}", digits) or not 1 <= int(digits) <= MAX_ROWS:
        raise UserError(
            f"{uri!r} is no sample: write sample:ROWS, where ROWS is a whole number from 1 to "
            f"{MAX_ROWS:,} in plain digits, such as sample:20000"
        )
    return int(digits)


def csv_stream(rows: int, seed: int = DEFAULT_SEED) -> BinaryIO:
    """The sample, a header and `rows` records, as a stream of CSV bytes made while it is read."""
    return io.BufferedReader(_Stream(_chunks(rows, seed)), buffer_size=1 << 20)


def write_sample(path: str | Path, rows: int, seed: int = DEFAULT_SEED) -> None:
    """Write the sample to `path`, which ends in .csv, .csv.gz or .csv.zst, whole or not at all.

    Raises:
        UserError: the ending is another.
    """
    if not str(path).lower().endswith((".csv", ".csv.gz", ".csv.zst")):
        raise UserError(f"{str(path)!r} must end in .csv, .csv.gz or .csv.zst")
    with published(path) as beside, pa.output_stream(str(beside), compression="detect") as out:
        for chunk in _chunks(rows, seed):
            out.write(chunk)


class _Stream(io.RawIOBase):
    """A readable stream over pieces of bytes."""

    def __init__(self, pieces: Iterator[memoryview]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._pieces, memoryview(b""))
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _chunks(rows: int, seed: int) -> Iterator[memoryview]:
    """The bytes of the file: the header, then block after block."""
    yield memoryview(",".join(COLUMNS).encode() + b"\n")
    for number, first in enumerate(range(0, rows, BLOCK_ROWS)):
        yield _values(_block(seed, number).slice(0, rows - first))


def _values(lines: pa.Array) -> memoryview:
    """The bytes of binary values, one behind the other, as Arrow holds them."""
    _, offsets, values = lines.buffers()
    start, end = np.frombuffer(offsets, np.int32)[[lines.offset, lines.offset + len(lines)]]
    return memoryview(values).cast("B")[start:end]


@dataclass(frozen=True)
class _Draws:
    """Random bytes, a row for each item; the methods make numbers of those from `k` on."""

    octets: NDArray[np.uint8]

    @classmethod
    def of(cls, bits: np.random.PCG64, items: int, width: int) -> _Draws:
        raw = bits.random_raw(items * width // 8)
        return cls(raw.astype("<u8").view(np.uint8).reshape(items, width))

    def number(self, k: int) -> Integers:
        """Uniform on 0 .. 65,535; takes 2 bytes."""
        return self.octets[:, k] + 256 * self.octets[:, k + 1].astype(np.int64)

    def below(self, limit: int, k: int) -> Integers:
        """Uniform on 0 .. limit - 1; takes 2 bytes."""
        return self.number(k) * limit >> 16

    def skewed(self, limit: int, k: int) -> Integers:
        """0 .. limit - 1, small ones more often: a product of uniforms; takes 4 bytes."""
        return self.number(k) * self.number(k + 2) * limit >> 32

    def zipf(self, limit: int, k: int) -> Integers:
        """0 .. limit - 1 by Zipf's law: the logarithm of the rank is uniform; takes 4 bytes."""
        powers, step = _powers(limit), self.number(k)
        return powers[step] - 1 + ((powers[step + 1] - powers[step]) * self.number(k + 2) >> 16)


def _block(seed: int, number: int) -> pa.Array:
    """The lines of block `number`, each with its line end."""
    bits = np.random.PCG64(np.random.SeedSequence((seed, number)))
    draws = _Draws.of(bits, BLOCK_ROWS, width=40)
    theme = draws.below(len(THEMES), 0)
    length = np.where(draws.below(1000, 2) == 0, 0, 4 + draws.skewed(88, 4))
    author = draws.zipf(AUTHORS, 8)
    headword = len(COMMON) + draws.skewed(len(_vocabulary()) - len(COMMON), 12)

    bounds = np.concatenate([[0], np.cumsum(length)])  # row i has tokens bounds[i] .. bounds[i+1]
    tokens = _Draws.of(bits, int(bounds[-1]), width=16)
    themes = np.repeat(theme, length)
    word, place = _words(tokens, themes)
    text = _joined(word, _glue(tokens, bounds), bounds)

    noise = draws.octets[:, 24:].sum(axis=1, dtype=np.int64) - 16 * 255 // 2  # nearly normal
    mood = _effects(300)[theme] + _effects(80)[author % EFFECTS] + _tone(themes, place, bounds)
    votes = _powers(MOST_VOTES)[(750 + mood + noise).clip(0, 4095) << 4] - 1
    up_votes = votes * (130 + 6 * theme + draws.below(60, 16)) >> 8
    word_id = number * BLOCK_ROWS + 1 + np.arange(BLOCK_ROWS)
    id_, up, down = (pa.array(n).cast(pa.string()) for n in (word_id, up_votes, votes - up_votes))
    lines = pc.binary_join_element_wise(
        id_, _vocabulary().take(headword), up, down, _authors().take(author), _quoted(text), ","
    )
    return _spoiled(pc.binary_join_element_wise(lines, "", "\n"), draws.number(18))


def _words(draws: _Draws, theme: Integers) -> tuple[Integers, Integers]:
    """Words for tokens whose texts are about `theme`; and their places in it, or -1."""
    word = draws.zipf(len(_vocabulary()), 0)
    made_up = word >= len(COMMON) + sum(map(len, THEMES))
    word = np.where(made_up & (draws.below(2, 4) == 0), word % len(COMMON), word)
    place = np.where(draws.below(4, 6) == 0, draws.skewed(len(THEMES[0]), 8), -1)
    return np.where(place < 0, word, len(COMMON) + place * len(THEMES) + theme), place


def _tone(theme: Integers, place: Integers, bounds: Integers) -> Integers:
    """How much the words of each row move its votes; the first two of a theme work together."""

    def per_row(values: NDArray[Any]) -> Integers:
        return np.diff(np.concatenate([[0], np.cumsum(values, dtype=np.int64)])[bounds])

    alone = np.where(place < 0, 0, _effects(150)[place * len(THEMES) + theme])
    both = (per_row(place == 0) > 0) & (per_row(place == 1) > 0)
    return per_row(alone) + np.where(both, 300, 0)


def _glue(draws: _Draws, bounds: Integers) -> Integers:
    """What follows each token; some texts end in quoted words."""
    glue = np.repeat(np.arange(len(GLUE)), list(GLUE.values()))[draws.below(512, 12)]
    length = np.diff(bounds)
    glue[bounds[1:][length > 0] - 1] = END
    quoting = (length > 8) & (length % 8 == 0)
    glue[bounds[:-1][quoting] + 4] = OPEN_QUOTE
    glue[bounds[1:][quoting] - 1] = CLOSE_QUOTE
    return glue


def _joined(word: Integers, glue: Integers, bounds: Integers) -> pa.Array:
    """The texts: words and glue in turn, a capital where a sentence starts."""
    starts = np.concatenate([[True], glue[:-1] >= FIRST_STOP])
    words = len(_vocabulary())
    pieces = np.stack([word + words * starts, glue + 2 * words], axis=1).ravel()
    lists = pa.ListArray.from_arrays(pa.array(2 * bounds, pa.int32()), _pieces().take(pieces))
    return pc.binary_join(lists, "")


def _quoted(text: pa.Array) -> pa.Array:
    """The texts as CSV fields."""
    doubled = pc.replace_substring(text, '"', '""')
    quoted = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.if_else(pc.match_substring_regex(text, '[",\n]'), quoted, text)


def _spoiled(lines: pa.Array, draw: Integers) -> pa.Array:
    """The lines as bytes, those with a small `draw` made bad in one of four ways."""
    lines, bad = lines.cast(pa.binary()), np.flatnonzero(draw < 17)  # 17 of 65,536: 650 in 2.5 M
    spoiled = []
    for i in bad:
        fields = lines[i].as_py().split(b",", 5)
        if draw[i] % 4 == 0:
            fields.pop(4)
        elif draw[i] % 4 == 1:
            fields.insert(4, b"")
        elif draw[i] % 4 == 2:
            fields[1] += b"\xe9"  # é in Latin-1, nothing in UTF-8
        else:
            fields[2] = b"n/a"
        spoiled.append(b",".join(fields))
    mask = pa.array(np.isin(np.arange(len(lines)), bad))
    return pc.replace_with_mask(lines, mask, pa.array(spoiled, pa.binary()))


@cache
def _vocabulary() -> pa.Array:
    """All words, by rank: common ones, those of the themes in turn, and about 100,000 made up."""
    stems = [*SYLLABLES, *(a + b for a in SYLLABLES for b in SYLLABLES)]
    made_up = [stem + ending for stem in stems for ending in ENDINGS]
    stride = 7919  # a prime that does not divide their number: neighbours in rank look different
    mixed = [made_up[i * stride % len(made_up)] for i in range(len(made_up))]
    by_place = [word for place in zip(*THEMES, strict=True) for word in place]
    return pa.array([*COMMON, *by_place, *mixed])


@cache
def _pieces() -> pa.Array:
    """What texts consist of: words, the same with a capital, glue."""
    words = _vocabulary()
    return pa.concat_arrays([words, pc.utf8_capitalize(words), pa.array([*GLUE, *SET_GLUE])])


@cache
def _authors() -> pa.Array:
    words = _vocabulary().slice(1000, AUTHORS).to_pylist()
    return pa.array([f"{word}{i % 97 or ''}" for i, word in enumerate(words)])


@cache
def _effects(spread: int) -> Integers:
    """Fixed whole numbers within `spread` of 0: the same for every seed of the sample."""
    raw = np.random.PCG64(np.random.SeedSequence(spread)).random_raw(EFFECTS)
    return (raw % np.uint64(2 * spread + 1)).astype(np.int64) - spread


@cache
def _powers(base: int) -> Integers:
    """`base ** (i / 65536)`, rounded down, for i from 0 to 65,536; in 128-bit fixed point."""
    root = base << 128
    for _ in range(16):
        root = math.isqrt(root << 128)
    powers, power = [], 1 << 128
    for _ in range(65537):
        powers.append(power >> 128)
        power = power * root >> 128
    return np.array(powers)
