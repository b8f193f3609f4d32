"""The baseline: the mean target of the training rows, predicted for every row."""

from __future__ import annotations

import numpy as np

from fanfold.features.corpus import Corpus
from fanfold.search.fold_scores import FoldScore
from fanfold.tasks.regression import regression_metrics

BASELINE = "baseline"
"""Its name among the candidates."""


def baseline_scores(corpus: Corpus) -> list[FoldScore]:
    """Scores of the baseline on each fold, by fold and metric."""
    rows = []
    for fold, label in enumerate(corpus.fold_labels):
        held_out = corpus.fold == fold
        truth = np.asarray(corpus.target[held_out])
        estimate = np.full(len(truth), corpus.target[~held_out].mean())
        for metric, value in regression_metrics(truth, estimate).items():
            rows.append(FoldScore(BASELINE, label, metric, value))
    return rows
