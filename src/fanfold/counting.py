"""Batches of text become the corpus's count arrays, in memory bounded by the vocabulary.

Counts are spooled to a temporary file as they come, over every token seen; when all are
in, the most frequent tokens are known and a second pass over the spool keeps only those.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from fanfold.arrays import Ints
from fanfold.text import STOPWORD_LISTS, TokenCounts, count_tokens, stopwords

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")
U = TypeVar("U")


def write_counts(
    batches: Iterable[pl.Series], folder: Path, *, vocabulary_size: int, threads: int
) -> tuple[int, int]:
    """Tokenize and count `batches` of texts into the text arrays of a corpus in `folder`.

    Args:
        batches: the texts, in the order of the rows.
        folder: where the arrays and `vocabulary.txt` are written.
        vocabulary_size: the most frequent tokens to keep; every stopword that occurs is kept
            beside them, so that any list of stopwords can be taken away exactly.
        threads: batches to tokenize at a time.

    Returns:
        Tokens in all, and occurrences of the most frequent token that was left out.
    """
    with tempfile.TemporaryFile() as spool:
        counter = _Counter(spool)
        for counts in _ahead(count_tokens, batches, threads):
            counter.add(counts)
        tokens, place, left_out_max = counter.choose(vocabulary_size)
        vocabulary = "".join(token + "\n" for token in tokens)
        (folder / "vocabulary.txt").write_text(vocabulary, encoding="utf-8", newline="\n")
        row_tokens = np.concatenate([np.zeros(0, np.int64), *counter.row_tokens])
        np.save(folder / "row_tokens.npy", row_tokens.astype("<i4"))
        _keep(counter, place, folder, threads)
    return int(row_tokens.sum()), left_out_max


def _ahead(work: Callable[[T], U], items: Iterable[T], threads: int) -> Iterator[U]:
    """`work` on each item, in order, `threads` at a time and no more in memory."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[U]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Counter:
    """Every token seen, how often, and the spooled cells."""

    def __init__(self, spool: BinaryIO) -> None:
        self.spool = spool
        self.ids: dict[str, int] = {}
        self.totals: Ints = np.zeros(1024, dtype=np.int64)
        self.largest_count = 1
        self.row_tokens: list[Ints] = []
        self.row_cells: list[Ints] = []

    def add(self, batch: TokenCounts) -> None:
        ids = self.ids
        own = np.array([ids.setdefault(token, len(ids)) for token in batch.tokens], np.int32)
        while len(self.totals) < len(ids):
            self.totals = np.concatenate([self.totals, np.zeros_like(self.totals)])
        found = np.bincount(batch.columns, weights=batch.counts, minlength=len(own))
        self.totals[own] += found.astype(np.int64)
        self.largest_count = max(self.largest_count, int(batch.counts.max(initial=1)))
        self.row_tokens.append(batch.row_tokens)
        self.row_cells.append(batch.row_cells)
        self.spool.write(own[batch.columns].tobytes())
        self.spool.write(batch.counts.astype(np.int32).tobytes())

    def choose(self, vocabulary_size: int) -> tuple[list[str], npt.NDArray[np.int32], int]:
        """Tokens to keep by code point, each id's place among them (or -1), most left out."""
        tokens = list(self.ids)
        by_name = np.array(sorted(range(len(tokens)), key=tokens.__getitem__), dtype=np.int64)
        totals = self.totals[: len(tokens)]
        ranked = by_name[np.argsort(-totals[by_name], kind="stable")]
        kept = np.zeros(len(tokens), dtype=bool)
        kept[ranked[:vocabulary_size]] = True
        for word in frozenset().union(*map(stopwords, STOPWORD_LISTS)):
            if word in self.ids:
                kept[self.ids[word]] = True
        in_order = by_name[kept[by_name]]
        place = np.full(len(tokens), -1, dtype=np.int32)
        place[in_order] = np.arange(len(in_order), dtype=np.int32)
        left_out_max = int(totals[~kept].max(initial=0))
        return [tokens[number] for number in in_order], place, left_out_max

    def cells(self) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Ints]]:
        """The spooled batches again: token ids, counts, cells of each row."""
        self.spool.seek(0)
        for row_cells in self.row_cells:
            size = int(row_cells.sum())
            ids, counts = (np.frombuffer(self.spool.read(4 * size), np.int32) for _ in "12")
            yield ids, counts, row_cells


def _keep(counter: _Counter, place: npt.NDArray[np.int32], folder: Path, threads: int) -> None:
    """Second pass: write the kept cells, columns ascending within a row."""

    def kept(cells: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Ints]) -> csr_matrix:
        ids, counts, row_cells = cells
        columns = place[ids]
        chosen = columns >= 0
        before = np.concatenate([[0], np.cumsum(chosen)])
        starts = before[np.concatenate([[0], np.cumsum(row_cells)])]
        shape = (len(row_cells), len(place))
        table = csr_matrix((counts[chosen], columns[chosen], starts), shape)
        table.sort_indices()
        return table

    lengths: list[Ints] = []
    narrow = np.min_scalar_type(counter.largest_count).newbyteorder("<")
    kept_cells = sum(int(np.count_nonzero(place[ids] >= 0)) for ids, _, _ in counter.cells())
    columns_file = _array_file(folder / "columns.npy", "<i4", kept_cells)
    counts_file = _array_file(folder / "counts.npy", narrow, kept_cells)
    with columns_file as columns_out, counts_file as counts_out:
        for table in _ahead(kept, counter.cells(), threads):
            columns_out.write(table.indices.astype("<i4").tobytes())
            counts_out.write(table.data.astype(narrow).tobytes())
            lengths.append(np.diff(table.indptr).astype(np.int64))
    starts = np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths]))
    np.save(folder / "row_starts.npy", starts.astype("<i8"))


def _array_file(path: Path, dtype: Any, length: int) -> BinaryIO:
    """An open `.npy` file whose header is written and whose `length` numbers are to follow."""
    file = path.open("wb")
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False}
    np.lib.format.write_array_header_1_0(file, {**header, "shape": (length,)})
    return file
