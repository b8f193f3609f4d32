"""Corpus, rows and text settings become a matrix that is learned from those rows only.

The vocabulary and the inverse document frequencies of a fold come from its training rows;
the same weights are then laid on any other row, at validation and at prediction alike.
Since the corpus holds counts, a fold's matrix is a choice of columns and a rescale.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from fanfold.arrays import Floats, Ints, Mask
from fanfold.errors import UserError
from fanfold.features.corpus import TextBlock
from fanfold.features.text import TextSettings, series, stopwords
from fanfold.features.token_counts import count_tokens


@dataclass(frozen=True)
class TextFeatures:
    """What was learned from the text of some rows: columns and their weights.

    Attributes:
        tokens: the columns, by code point.
        idf: float64, ln(1 + N / df) of each token, N rows of which df hold it (textrecipes
            1.0.2, `step_tfidf`).
        settings: the text settings it was learned with.
    """

    tokens: tuple[str, ...]
    idf: Floats
    settings: TextSettings

    def weigh(self, counts: csr_matrix) -> csr_matrix:
        """Counts [rows, tokens] as the matrix that is fitted on, float64 CSR.

        With `tfidf` a cell is count / (kept tokens of the row) * idf; rows without a kept
        token are empty. With `count` it is the count.
        """
        values = counts.data.astype(np.float64)
        if self.settings.weighting == "tfidf":
            kept = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
            values /= np.repeat(kept, np.diff(counts.indptr))
            values *= self.idf[counts.indices]
        return csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)

    def matrix(self, texts: Iterable[str | None]) -> csr_matrix:
        """The matrix of new texts; a missing text is an empty document."""
        import pyarrow as pa

        tokens = pa.array(self.tokens, pa.large_string())
        return self.weigh(count_tokens(series(texts)).of(tokens))


def fit_text(
    block: TextBlock, rows: Mask, settings: TextSettings
) -> tuple[TextFeatures, csr_matrix]:
    """Learn text features from the rows where `rows` is true, and weigh every row by them.

    A token is kept when its share of all tokens of those rows (stopwords taken away) lies
    within `[min_times, max_times]`; of those the `max_tokens` most frequent, ties by code
    point (textrecipes 1.0.2, `step_tokenfilter`).

    Returns:
        The features, and the float64 CSR matrix of all rows [block.rows, tokens].

    Raises:
        UserError: no token is kept, or the corpus left out a token that might have been.
    """
    chosen = choose_tokens(block, rows, settings, block.token_totals(rows))
    counts = block.select(chosen)
    features = TextFeatures(
        tuple(block.vocabulary[column] for column in chosen),
        _idf(counts, rows),
        settings,
    )
    return features, features.weigh(counts)


def choose_tokens(block: TextBlock, rows: Mask, settings: TextSettings, totals: Ints) -> Ints:
    """The stored tokens that become columns, ascending int64.

    Args:
        block: the token counts.
        rows: the rows that are learned from.
        settings: what is learned.
        totals: `block.token_totals(rows)`; it is not changed.

    Raises:
        UserError: no token is kept, or the corpus left out a token that might have been.
    """
    totals = totals.copy()
    all_tokens = int(block.row_tokens[rows].sum(dtype=np.int64))
    for word in stopwords(settings.stopwords):
        column = block.position(word)
        if column is not None:
            all_tokens -= int(totals[column])
            totals[column] = 0
    chosen = _choose(totals, all_tokens, settings)
    _check(block, totals, chosen, all_tokens, settings)
    return chosen


def _choose(totals: Ints, all_tokens: int, settings: TextSettings) -> Ints:
    share = totals / max(all_tokens, 1)
    within = (share >= settings.min_times) & (share <= settings.max_times) & (totals > 0)
    allowed = np.flatnonzero(within)
    # The vocabulary stands by code point, so a stable sort breaks ties by it.
    ranked = allowed[np.argsort(-totals[allowed], kind="stable")]
    return np.sort(ranked[: settings.max_tokens])


def _check(
    block: TextBlock, totals: Ints, chosen: Ints, all_tokens: int, settings: TextSettings
) -> None:
    """Refuse a choice that a token outside the stored vocabulary could change, or an empty one."""
    rival = block.left_out_max  # over all rows, so no fold's count of it can be larger
    full = len(chosen) == settings.max_tokens
    last = int(totals[chosen].min()) if full else 0
    if rival and rival >= last and rival / max(all_tokens, 1) >= settings.min_times:
        raise UserError(
            f"the corpus keeps {len(block.vocabulary)} tokens and left out one that occurs"
            f" {rival} times, which text__max_tokens={settings.max_tokens} with"
            f" text__min_times={settings.min_times} could have chosen:"
            " raise vocabulary_size (or text__min_times)"
        )
    if not len(chosen):
        raise UserError(
            f"no token's share of the {all_tokens} training tokens lies between"
            f" text__min_times={settings.min_times} and text__max_times={settings.max_times}:"
            " lower text__min_times or raise text__max_times"
        )


def _idf(counts: csr_matrix, rows: Mask) -> Floats:
    inside = np.repeat(rows, np.diff(counts.indptr))
    document_frequency = np.bincount(counts.indices[inside], minlength=counts.shape[1])
    return np.log1p(int(rows.sum()) / document_frequency)
