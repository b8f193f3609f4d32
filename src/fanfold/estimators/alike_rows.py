"""Rows of a sparse matrix that are equal or alike, brought together.

Trees send alike rows the same way, so that fits and predictions of large tables find their next
row near the last one; and short texts repeat: of equal rows one is enough.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from fanfold.arrays import Ints

ORDERED_BY = 64
"""Columns by which rows are ordered: the bits of one number."""


def alike_order(matrix: csr_matrix, foremost: Ints) -> Ints:
    """The order of rows in which those that hold the same of the `foremost` columns are together.

    By whether the first of these columns is held, then the next, and so on to `ORDERED_BY`;
    rows that differ in none of them stay in their order.
    """
    return np.argsort(_held(matrix, foremost), kind="stable")


def distinct_rows(matrix: csr_matrix, foremost: Ints) -> tuple[csr_matrix, Ints]:
    """Each different row once, alike ones together, and which of them each row of `matrix` is.

    Equal means the same values in the same columns, to the bit.

    Args:
        matrix: the rows.
        foremost: columns; rows are ordered as by `alike_order`.

    Returns:
        The distinct rows, and their numbers [rows]: distinct[numbers] is `matrix`.
    """
    # Equal rows have the same sum; so these bring them side by side, and few others between.
    weights = np.sqrt(np.arange(2, matrix.shape[1] + 2))
    order = np.lexsort((matrix @ weights, _held(matrix, foremost)))
    rows = matrix[order]
    length = np.diff(rows.indptr)
    differs = np.concatenate([[True], length[1:] != length[:-1]])[: len(length)]
    row = np.repeat(np.arange(len(length)), length)
    cell = np.flatnonzero(~differs[row])  # of a row as long as the one before
    before = cell - length[row[cell]]
    other = rows.indices[cell] != rows.indices[before]
    other |= rows.data[cell] != rows.data[before]
    differs[row[cell[other]]] = True
    numbers = np.empty(len(length), dtype=np.int64)
    numbers[order] = np.cumsum(differs) - 1
    return rows[differs], numbers


def _held(matrix: csr_matrix, foremost: Ints) -> npt.NDArray[np.uint64]:
    """A bit for each of the first `foremost` columns that a row holds, the first one highest."""
    first = foremost[:ORDERED_BY]
    bits = np.zeros(matrix.shape[1], dtype=np.uint64)
    bits[first] = np.uint64(1) << np.arange(ORDERED_BY, dtype=np.uint64)[::-1][: len(first)]
    ends = np.cumsum(np.concatenate([bits[:1] * 0, bits[matrix.indices]]), dtype=np.uint64)
    key: npt.NDArray[np.uint64] = ends[matrix.indptr[1:]] - ends[matrix.indptr[:-1]]
    return key
