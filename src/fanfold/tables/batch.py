"""A stretch of a table: the rows that can be used, and the rows set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from fanfold.arrays import Mask

T = TypeVar("T")

BATCH_BYTES = 8 << 20
"""About as much of a table is in a batch, however long its rows are."""

OpenStream = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens a file's bytes at their start, to be used in a `with`."""


@dataclass(frozen=True)
class Reject:
    r"""A row set aside.

    Attributes:
        line: line of the file, from 1, at which the row starts; in Parquet its row number.
        reason: what is wrong with it.
        text: the row as it stands in the file, bytes that are not UTF-8 written as `\xe9`.
    """

    line: int | None
    reason: str
    text: str


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a table, without those that had to be set aside.

    Attributes:
        rows: the good rows, all columns; every batch of a table has the same columns.
        lines: line (in Parquet, row number) of each good row, from 1; int64.
        raw: text of good row `i` as it stands in the file.
        rejects: rows set aside while this batch was read, in the file's order.
    """

    rows: pa.RecordBatch
    lines: NDArray[np.int64]
    raw: Callable[[int], str]
    rejects: Sequence[Reject] = field(default_factory=list)

    def reject(self, i: int, reason: str) -> Reject:
        """Good row `i` as a reject, for a check that comes later and finds it wanting."""
        return Reject(int(self.lines[i]), reason, self.raw(i))

    def split(self, most: int) -> Iterator[Batch]:
        """The same rows in batches of at most `most`; the first carries all the rejects."""
        for start in range(0, max(self.rows.num_rows, 1), most):
            yield self._part(start, start + most)

    def _part(self, start: int, stop: int) -> Batch:
        rows, lines = self.rows.slice(start, stop - start), self.lines[start:stop]
        return Batch(rows, lines, lambda i: self.raw(start + i), [] if start else self.rejects)


def where(rows: pa.RecordBatch, mask: Mask) -> pa.RecordBatch:
    """The rows for which `mask` is true, whatever their types."""
    import numpy as np
    import pyarrow as pa

    try:
        return rows.filter(pa.array(mask))
    except pa.ArrowNotImplementedError:  # Arrow's views of text and bytes it slices and joins only
        runs = np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2).tolist()
        parts = [rows.slice(start, stop - start) for start, stop in runs]
        return pa.concat_batches(parts) if parts else rows.slice(0, 0)


def stretches(items: Iterable[T], most: int, size: Callable[[T], int]) -> Iterator[list[T]]:
    """`items` in lists, each of `most` or of about `BATCH_BYTES` by their `size`, never empty."""
    some: list[T] = []
    held = 0
    for item in items:
        some.append(item)
        held += size(item)
        if len(some) >= most or held >= BATCH_BYTES:
            yield some
            some, held = [], 0
    if some:
        yield some
