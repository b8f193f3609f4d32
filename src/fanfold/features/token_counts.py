"""How often each token occurs in each text of a batch; no Python object a text or token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from fanfold.features.text import tokenize

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True)
class TokenCounts:
    """The counts of a batch of texts, over its own tokens.

    Attributes:
        tokens: the distinct tokens, large_string, in order of first appearance.
        table: int32 CSR [texts, tokens]; each token once in a row, in no order.
    """

    tokens: pa.Array
    table: csr_matrix

    def of(self, tokens: pa.Array) -> csr_matrix:
        """Counts of the given `tokens`, large_string: int32 CSR [texts, tokens], sorted."""
        import pyarrow.compute as pc

        place = pc.index_in(self.tokens, value_set=tokens).fill_null(-1).to_numpy()
        columns = place[self.table.indices]
        kept = columns >= 0
        starts = np.concatenate([[0], np.cumsum(kept)])[self.table.indptr]
        shape = (self.table.shape[0], len(tokens))
        found = csr_matrix((self.table.data[kept], columns[kept], starts), shape)
        found.sort_indices()
        return found


def count_tokens(texts: pl.Series) -> TokenCounts:
    """Tokenize `texts` and count.

    No token reaches over white space, nor does what makes a letter lower case look beyond it; and
    most of what stands between is there often. So each such word of the batch is read once.
    """
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = texts.fill_null("").to_arrow().cast(pa.large_string())
    split = pc.ascii_split_whitespace(whole)  # at any number: a run of it is no empty words
    words = pc.dictionary_encode(split.values)
    tokens_of_word = tokenize(pl.Series(words.dictionary))
    flat = tokens_of_word.list.explode(empty_as_null=False).to_arrow()
    tokens = pc.dictionary_encode(flat.cast(pa.large_string()))
    lengths = tokens_of_word.list.len().to_numpy()
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    in_text = _ones(words, np.asarray(split.offsets))
    in_word = _ones(tokens, starts)
    return TokenCounts(tokens.dictionary, in_text @ in_word)


def _ones(encoded: pa.DictionaryArray, starts: npt.NDArray[np.integer[Any]]) -> csr_matrix:
    """A 1 for each of the `encoded`, in rows that begin at `starts`; some stand there twice."""
    columns = np.asarray(encoded.indices)
    ones = np.ones(len(columns), dtype=np.int32)
    return csr_matrix((ones, columns, starts), (len(starts) - 1, len(encoded.dictionary)))
