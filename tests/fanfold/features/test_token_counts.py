"""Counts of a batch against a plain counter."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.features.text import series
from fanfold.features.token_counts import count_tokens
from tests.fanfold.features.test_text import texts
from tests.fanfold.slow_text import slow_tokens

some = st.lists(st.one_of(st.none(), texts), max_size=10)


@settings(max_examples=200, deadline=None)
@given(some)
def test_counts_are_those_of_a_plain_counter(given_texts: list[str | None]) -> None:
    counts = count_tokens(series(given_texts))
    tokens = counts.tokens.to_pylist()
    expected = [Counter(slow_tokens(text or "")) for text in given_texts]
    assert counts.table.shape == (len(given_texts), len(tokens))
    for row, counter in zip(counts.table, expected, strict=True):
        found = zip((tokens[column] for column in row.indices), row.data.tolist(), strict=True)
        assert sorted(found) == sorted(counter.items()), "each token once"
    in_order = [token for text in given_texts for token in slow_tokens(text or "")]
    assert tokens == list(dict.fromkeys(in_order))


@settings(max_examples=100, deadline=None)
@given(some, st.data())
def test_counts_of_chosen_tokens_are_those_of_a_plain_counter(
    given_texts: list[str | None], data: st.DataObject
) -> None:
    documents = [Counter(slow_tokens(text or "")) for text in given_texts]
    known = [*sum(documents, Counter()), "nowhere", ""]
    chosen = data.draw(st.lists(st.sampled_from(known), unique=True))
    table = count_tokens(series(given_texts)).of(pa.array(chosen, pa.large_string()))
    assert table.toarray().tolist() == [[each[token] for token in chosen] for each in documents]
    assert table.has_canonical_format and table.nnz == sum(
        token in each for each in documents for token in chosen
    )
