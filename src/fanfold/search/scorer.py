"""Runs one fit and scores its candidates; whatever goes wrong becomes rows with a reason."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fanfold.arrays import Floats
from fanfold.estimators.base import Estimator
from fanfold.features.corpus import Corpus
from fanfold.resources import is_out_of_memory, peak_memory
from fanfold.search.fits import Fit
from fanfold.search.fold_data import FoldData, SharedFoldData
from fanfold.search.fold_scores import DIVERGED, FoldScore, failed_scores, reason_of
from fanfold.search.grid import Candidate
from fanfold.tasks.regression import HIGHER_IS_BETTER, regression_metrics

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Spent:
    """What a fit took, or a share of it that one of its candidates is charged."""

    seconds: float
    cpu_seconds: float

    def share(self, share: float) -> _Spent:
        return _Spent(self.seconds * share, self.cpu_seconds * share)


class Scorer:
    """Runs the fits of one corpus, which share what data they can."""

    def __init__(
        self, corpus: Corpus, estimator: Estimator, seed: int, fits: Sequence[Fit]
    ) -> None:
        """Expect one `run` of each of `fits`."""
        self.corpus, self.estimator, self.seed = corpus, estimator, seed
        self.data = SharedFoldData(corpus, estimator, ((fit.fold, fit.candidate) for fit in fits))

    def run(self, fit: Fit) -> list[FoldScore] | None:
        """The scores of the fit's candidates, failed ones included; None where memory ran out."""
        try:
            data = self.data.take(fit.fold, fit.candidate)
            started, cpu = time.perf_counter(), time.thread_time()
            predictions = self._predictions(fit, data)
            wall = time.perf_counter() - started
            # Threads of one fit are busy together, but the calling one may only wait for them.
            own = time.thread_time() - cpu if fit.threads == 1 else wall
            return self._scores(fit, predictions, data, _Spent(wall, own * fit.threads))
        except Exception as error:  # any failure becomes a row
            if is_out_of_memory(error):
                logger.warning("out_of_memory unit=%r fold=%d", fit.unit.label, fit.fold)
                return None
            reason = reason_of(error)
            logger.warning("failed unit=%r fold=%d error=%r", fit.unit.label, fit.fold, reason)
            return self.failed(fit, reason)
        finally:
            self.data.give_back(fit.fold, fit.candidate)

    def failed(self, fit: Fit, reason: str) -> list[FoldScore]:
        """The rows of a fit that came to nothing."""
        ids = [each.id for each in fit.unit.candidates]
        return failed_scores(ids, self.corpus.fold_labels[fit.fold], reason)

    def _predictions(self, fit: Fit, data: FoldData) -> list[Floats]:
        """Predictions of the validation rows by each of the unit's candidates."""
        model = self.estimator.fit(
            data.train, fit.candidate.model_parameters, self.seed, fit.threads
        )
        return self.estimator.predict_rounds(model, data.validation, self._rounds(fit))

    def _rounds(self, fit: Fit) -> list[int]:
        return [self.estimator.rounds(each.model_parameters) for each in fit.unit.candidates]

    def _scores(
        self, fit: Fit, predictions: list[Floats], data: FoldData, spent: _Spent
    ) -> list[FoldScore]:
        label, shares = self.corpus.fold_labels[fit.fold], _shares(self._rounds(fit))
        rows: list[FoldScore] = []
        for each, share, estimate in zip(fit.unit.candidates, shares, predictions, strict=True):
            rows += _scored(each, label, data, estimate, spent.share(share))
        return rows


def _scored(
    candidate: Candidate, fold: str, data: FoldData, estimate: Floats, spent: _Spent
) -> list[FoldScore]:
    finite = bool(np.isfinite(estimate).all())
    values = regression_metrics(data.truth, estimate) if finite else {}
    return [
        FoldScore(
            candidate.id,
            fold,
            metric,
            values.get(metric, math.nan),
            spent.seconds,
            spent.cpu_seconds,
            peak_memory(),
            ok=finite,
            error="" if finite else DIVERGED,
            columns=data.columns,
        )
        for metric in HIGHER_IS_BETTER
    ]


def _shares(rounds: Sequence[int]) -> list[float]:
    """Each candidate's share of a fit, in proportion to its rounds; they add up to 1."""
    total = sum(rounds)
    return [each / total if total else 1 / len(rounds) for each in rounds]
