"""The count arrays against a plain count, however the rows come."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from fanfold.features.corpus_writer import _Totals, write_counts
from fanfold.features.text import series, stopwords
from fanfold.features.token_counts import count_tokens
from tests.fanfold.slow_text import slow_tokens

# Few words, so that they meet again and tie; some of them stopwords; and whatever else.
# Unassigned code points are left out: Python and Rust may know different versions of Unicode.
assigned = st.characters(exclude_categories=("Cn", "Cs"))
common = st.sampled_from("a b c dd e.e the And you 1,0 É 日".split())
words = st.one_of(common, st.text(assigned, max_size=4))
texts = st.lists(st.lists(words, max_size=12).map(" ".join), max_size=12)


def counted(
    given_texts: list[str], *, batch_rows: int, threads: int, vocabulary_size: int
) -> tuple[list[Counter[str]], list[int], list[str], int, int]:
    """What the arrays say: each row's counts and tokens in all, vocabulary, total, left out."""
    starts = range(0, len(given_texts), batch_rows)
    batches = [series(given_texts[start : start + batch_rows]) for start in starts]
    with TemporaryDirectory() as name:
        folder = Path(name)
        total, left_out = write_counts(
            batches, folder, vocabulary_size=vocabulary_size, threads=threads
        )
        arrays = ("counts", "columns", "row_starts", "row_tokens")
        counts, columns, row_starts, row_tokens = (np.load(folder / f"{a}.npy") for a in arrays)
        vocabulary = (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[:-1]
    rows = []
    for first, last in itertools.pairwise(row_starts):
        assert (np.diff(columns[first:last]) > 0).all(), "columns ascend within a row"
        names = [vocabulary[column] for column in columns[first:last]]
        rows.append(Counter(dict(zip(names, counts[first:last].tolist(), strict=True))))
    return rows, row_tokens.tolist(), vocabulary, total, left_out


@settings(max_examples=75, deadline=None)
@given(texts, st.integers(1, 5), st.integers(1, 3), st.integers(1, 8))
def test_counts_are_those_of_a_plain_count_of_the_most_frequent_and_all_stopwords(
    given_texts: list[str], batch_rows: int, threads: int, vocabulary_size: int
) -> None:
    rows, row_tokens, vocabulary, total, left_out = counted(
        given_texts, batch_rows=batch_rows, threads=threads, vocabulary_size=vocabulary_size
    )
    documents = [Counter(slow_tokens(text)) for text in given_texts]
    totals = sum(documents, Counter())
    frequent = sorted(totals, key=lambda token: (-totals[token], token))[:vocabulary_size]
    kept = set(frequent) | (set(totals) & stopwords("snowball"))
    assert vocabulary == sorted(kept)
    assert rows == [Counter({t: n for t, n in each.items() if t in kept}) for each in documents]
    assert row_tokens == [each.total() for each in documents]
    assert total == totals.total()
    assert left_out == max((n for token, n in totals.items() if token not in kept), default=0)


def test_a_count_takes_as_many_bytes_as_the_largest_needs(tmp_path: Path) -> None:
    for largest, dtype in ((255, "u1"), (256, "<u2"), (65536, "<u4")):
        texts = series(["a " * largest, "a b"])
        write_counts([texts], tmp_path, vocabulary_size=10, threads=1)
        counts = np.load(tmp_path / "counts.npy")
        assert counts.tolist() == [largest, 1, 1] and counts.dtype == np.dtype(dtype)


@pytest.mark.parametrize("gathered", [1, 50_000])
def test_totals_are_the_same_however_often_they_are_added_up(
    gathered: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.features.corpus_writer.GATHERED", gathered)
    texts = [f"w{number} w{number // 2} w{number % 7}" for number in range(5000)]
    batches = [series(texts[start : start + 70]) for start in range(0, 5000, 70)]
    write_counts(batches, tmp_path, vocabulary_size=100, threads=2)
    totals = Counter(token for text in texts for token in text.split())
    kept = sorted(sorted(totals, key=lambda token: (-totals[token], token))[:100])
    arrays = (np.load(tmp_path / f"{name}.npy") for name in ("counts", "columns", "row_starts"))
    matrix = csr_matrix(tuple(arrays), shape=(5000, len(kept)))
    assert (tmp_path / "vocabulary.txt").read_text().split() == kept
    assert matrix.sum(axis=0).A1.tolist() == [totals[token] for token in kept]


def test_totals_of_batches_take_no_more_memory_than_they_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fanfold.features.corpus_writer.GATHERED", 50_000)
    totals = _Totals()
    for _ in range(200):
        totals.add(count_tokens(series(["gattaca" * 1000])))
        assert sum(part.estimated_size() for part in totals._parts) < 70_000
    kept, left_out_max = totals.choose(1)
    assert kept.rows() == [("gattaca" * 1000, 200, 200)] and left_out_max == 0


def test_a_batch_that_cannot_be_read_stops_the_count(tmp_path: Path) -> None:
    def batches():  # type: ignore[no-untyped-def]
        yield series(["a"])
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        write_counts(batches(), tmp_path, vocabulary_size=10, threads=2)
