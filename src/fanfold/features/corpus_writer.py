"""Batches of text become the corpus's count arrays, in memory bounded by the vocabulary.

Counts are spooled to a temporary file as they come, over every token seen; when all are
in, the most frequent tokens are known and a second pass over the spool keeps only those.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import numpy as np
from scipy.sparse import csr_matrix

from fanfold.arrays import Ints
from fanfold.features.text import STOPWORD_LISTS, stopwords
from fanfold.features.token_counts import TokenCounts, count_tokens
from fanfold.storage import scratch_folder

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

T = TypeVar("T")
U = TypeVar("U")

GATHERED = 32 << 20
"""Bytes of totals by batch that may wait to be added up, if the sum so far takes no more."""


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
    with scratch_folder() as scratch, (scratch / "counts.arrow").open("w+b") as file:
        spool, totals = _Spool(file), _Totals()
        row_tokens = [np.zeros(0, np.int64)]
        for counts in _ahead(count_tokens, batches, threads):
            spool.write(counts)
            totals.add(counts)
            row_tokens.append(np.asarray(counts.table.sum(axis=1)).ravel())
        kept, left_out_max = totals.choose(vocabulary_size)
        vocabulary = "".join(f"{token}\n" for token in kept["token"])
        (folder / "vocabulary.txt").write_text(vocabulary, encoding="utf-8", newline="\n")
        of_rows = np.concatenate(row_tokens)
        np.save(folder / "row_tokens.npy", of_rows.astype("<i4"))
        _keep(spool, kept, folder, threads)
    return int(of_rows.sum()), left_out_max


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


class _Spool:
    """Batches of counts in a file, as a stream of Arrow; each has its own tokens as dictionary."""

    def __init__(self, file: BinaryIO) -> None:
        import pyarrow as pa

        token = pa.dictionary(pa.int32(), pa.large_string())
        self._file = file
        self._schema = pa.schema([("token", token), ("count", pa.int32())])
        self._writer = pa.ipc.new_stream(file, self._schema)
        self._row_cells: list[Ints] = []
        self.largest_count = 1

    def write(self, batch: TokenCounts) -> None:
        import pyarrow as pa

        table = batch.table
        columns = pa.array(table.indices.astype(np.int32, copy=False))
        cells = [pa.DictionaryArray.from_arrays(columns, batch.tokens), pa.array(table.data)]
        self._writer.write_batch(pa.record_batch(cells, schema=self._schema))
        self._row_cells.append(np.diff(table.indptr))
        self.largest_count = max(self.largest_count, int(table.data.max(initial=1)))

    def batches(self) -> Iterator[TokenCounts]:
        """All that was written, once."""
        import pyarrow as pa

        self._writer.close()
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as stream:
            for cells, row_cells in zip(stream, self._row_cells, strict=True):
                token, count = cells.columns
                starts = np.concatenate([[0], np.cumsum(row_cells)])
                shape = (len(row_cells), len(token.dictionary))
                table = csr_matrix((np.asarray(count), np.asarray(token.indices), starts), shape)
                yield TokenCounts(token.dictionary, table)


class _Totals:
    """Of every token seen, how often it occurs and in how many rows."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []

    def add(self, batch: TokenCounts) -> None:
        import polars as pl

        table, width = batch.table, len(batch.tokens)
        total = np.bincount(table.indices, weights=table.data, minlength=width).astype(np.int64)
        rows = np.bincount(table.indices, minlength=width)
        self._parts.append(pl.DataFrame({"token": batch.tokens, "total": total, "rows": rows}))
        first, *more = (part.estimated_size() for part in self._parts)
        if sum(more) > max(GATHERED, first):
            self._parts = [self._added_up()]

    def _added_up(self) -> pl.DataFrame:
        import polars as pl

        none = pl.DataFrame(schema={"token": pl.String, "total": pl.Int64, "rows": pl.Int64})
        return pl.concat([none, *self._parts]).group_by("token").agg(pl.all().sum())

    def choose(self, vocabulary_size: int) -> tuple[pl.DataFrame, int]:
        """The tokens to keep, by code point, and the total of the most frequent one left out."""
        import polars as pl

        ranked = self._added_up().sort(["total", "token"], descending=[True, False])
        stopped = frozenset().union(*map(stopwords, STOPWORD_LISTS))
        kept = (pl.int_range(pl.len()) < vocabulary_size) | pl.col("token").is_in(stopped)
        left_out_max = ranked.filter(~kept)["total"].head(1).sum()  # 0 where none was
        return ranked.filter(kept).sort("token"), int(left_out_max)


def _keep(spool: _Spool, kept: pl.DataFrame, folder: Path, threads: int) -> None:
    """Second pass: write the cells of the tokens that are `kept`, columns ascending in a row."""
    import pyarrow as pa

    tokens: pa.Array = kept["token"].to_arrow().cast(pa.large_string())
    lengths = [np.zeros(1, np.int64)]
    narrow = np.min_scalar_type(spool.largest_count).newbyteorder("<")
    cells = int(kept["rows"].sum())
    columns_file = _array_file(folder / "columns.npy", "<i4", cells)
    counts_file = _array_file(folder / "counts.npy", narrow, cells)
    with columns_file as columns_out, counts_file as counts_out:
        for table in _ahead(lambda batch: batch.of(tokens), spool.batches(), threads):
            columns_out.write(table.indices.astype("<i4").tobytes())
            counts_out.write(table.data.astype(narrow).tobytes())
            lengths.append(np.diff(table.indptr))
    np.save(folder / "row_starts.npy", np.cumsum(np.concatenate(lengths)).astype("<i8"))


def _array_file(path: Path, dtype: Any, length: int) -> BinaryIO:
    """An open `.npy` file whose header is written and whose `length` numbers are to follow."""
    file = path.open("wb")
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False}
    np.lib.format.write_array_header_1_0(file, {**header, "shape": (length,)})
    return file
