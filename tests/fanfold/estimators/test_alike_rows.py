"""Equal and alike rows: against Python's sets and sorting, row by row."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_matrix

from fanfold.estimators.alike_rows import alike_order, distinct_rows
from tests.fanfold.slow_search import alike

FEW_VALUES = st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.5])


def columns(matrix: csr_matrix) -> np.ndarray:
    """Its columns in any order."""
    return np.random.default_rng(6).permutation(matrix.shape[1])


def cells(matrix: csr_matrix) -> list[tuple[tuple[int, float], ...]]:
    """Each row's cells, column and value."""
    return [
        tuple(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        for row in (matrix[[place]] for place in range(matrix.shape[0]))
    ]


@settings(max_examples=60)
@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=FEW_VALUES))
def test_distinct_rows_are_the_set_of_rows_and_make_the_matrix_again(dense: np.ndarray) -> None:
    matrix = csr_matrix(dense)
    distinct, numbers = distinct_rows(matrix, columns(matrix))
    assert len(cells(distinct)) == len(set(cells(distinct))) == len(set(cells(matrix)))
    assert cells(distinct[numbers]) == cells(matrix)


def test_texts_that_repeat_are_brought_together_whatever_stands_between() -> None:
    many = random_matrix(200, 90, 0.1, format="csr", random_state=3, dtype=np.float32)
    many.data[:] = np.random.default_rng(3).integers(1, 3, len(many.data))
    repeated = many[np.random.default_rng(4).integers(0, 200, 3000)]
    distinct, numbers = distinct_rows(repeated, columns(repeated))
    assert distinct.shape[0] == len(set(cells(repeated)))
    assert cells(distinct[numbers]) == cells(repeated)


def test_distinct_rows_stand_as_alike_ones_do() -> None:
    wide = random_matrix(300, 90, 0.1, format="csr", random_state=5)
    distinct, _ = distinct_rows(wide, columns(wide))
    held = [tuple(row) for row in distinct.toarray() > 0]
    assert held == [tuple(row) for row in wide[alike_order(wide, columns(wide))].toarray() > 0]


def test_nothing_is_distinct_in_nothing() -> None:
    distinct, numbers = distinct_rows(csr_matrix((0, 3)), np.arange(3))
    assert distinct.shape == (0, 3)
    assert len(numbers) == 0
    distinct, numbers = distinct_rows(csr_matrix((4, 3)), np.arange(3))
    assert distinct.shape == (1, 3)
    assert list(numbers) == [0, 0, 0, 0]


def test_rows_are_ordered_by_the_foremost_of_many_columns() -> None:
    wide = random_matrix(500, 90, 0.2, format="csr", random_state=3)
    order = columns(wide)
    assert list(alike_order(wide, order)) == alike(wide, order)
    assert list(alike_order(wide, order[:2])) == alike(wide, order[:2]) != alike(wide, order)
    assert list(alike_order(csr_matrix((4, 3)), np.arange(3))) == [0, 1, 2, 3]
