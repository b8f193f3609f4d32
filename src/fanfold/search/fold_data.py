"""What the fits of one fold share: its matrices, made once, by whoever comes first."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from fanfold.arrays import Floats
from fanfold.estimators.base import Estimator
from fanfold.features.corpus import Corpus
from fanfold.features.text_features import fit_text
from fanfold.search.grid import Candidate


@dataclass(frozen=True)
class FoldData:
    """One fold's data for one kind of features.

    Attributes:
        train: the training rows, as the estimator reads them.
        validation: the matrix of the rows held out, weighed by what the training rows taught.
        truth: their target.
    """

    train: Any
    validation: csr_matrix
    truth: Floats

    @property
    def columns(self) -> int:
        """Columns of the matrices."""
        return int(self.validation.shape[1])


def data_key(fold: int, candidate: Candidate, estimator: Estimator) -> Hashable:
    """What a fold's data depends on: equal keys share it."""
    return fold, candidate.text, estimator.data_key(candidate.model_parameters)


class SharedFoldData:
    """Makes each fold's data when it is first asked for, and lets it go after its last use.

    Safe for threads; those that ask for the same data wait for the one that makes it.
    """

    def __init__(
        self, corpus: Corpus, estimator: Estimator, uses: Iterable[tuple[int, Candidate]]
    ) -> None:
        """Expect one `take` and `give_back` for each fold and candidate of `uses`."""
        self._corpus, self._estimator = corpus, estimator
        self._left = Counter(data_key(*use, estimator) for use in uses)
        self._made: dict[Hashable, FoldData] = {}
        self._making = {key: threading.Lock() for key in self._left}
        self._counting = threading.Lock()

    def take(self, fold: int, candidate: Candidate) -> FoldData:
        """The data of `fold` held out, with the features that `candidate` asks for."""
        key = data_key(fold, candidate, self._estimator)
        with self._making[key]:
            if key not in self._made:
                self._made[key] = self._make(fold, candidate)
            return self._made[key]

    def give_back(self, fold: int, candidate: Candidate) -> None:
        """Say that one use is over."""
        key = data_key(fold, candidate, self._estimator)
        with self._counting:
            self._left[key] -= 1
            if self._left[key] <= 0:
                self._made.pop(key, None)

    def _make(self, fold: int, candidate: Candidate) -> FoldData:
        held_out = self._corpus.fold == fold
        _, matrix = fit_text(self._corpus.text, ~held_out, candidate.text)
        target = np.asarray(self._corpus.target)
        train = self._estimator.prepare(
            matrix[~held_out], target[~held_out], candidate.model_parameters, threads=1
        )
        return FoldData(train, matrix[held_out], target[held_out])
