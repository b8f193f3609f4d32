"""The winner, trained on all training rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np

from fanfold.errors import FanfoldError
from fanfold.estimators.base import Estimator
from fanfold.features.corpus import Corpus
from fanfold.features.text_features import fit_text
from fanfold.models.model import FORMAT, SCALED_FORMAT, Model
from fanfold.resources import (
    calm,
    fits_at_once,
    is_out_of_memory,
    memory_as_exception,
    usable_cpus,
)
from fanfold.search.grid import Candidate
from fanfold.tasks.target_scale import AS_IT_IS
from fanfold.versions import git_revision, versions


@contextmanager
def _memory_told(rows: int) -> Iterator[None]:
    """Within the block a lack of memory is an error that says what to raise."""
    with memory_as_exception() as limit:
        try:
            yield
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise FanfoldError(
                f"out of memory: the final fit, of all {rows:,} training rows, had"
                f" {limit / 2**30:.2f} GiB; raise train_final_memory, or lower text__max_tokens"
                " or max_depth"
            ) from None


def train(corpus: Corpus, candidate: Candidate, estimator: Estimator, *, seed: int) -> Model:
    """The candidate fitted on every row of the corpus, on all processors.

    Raises:
        FanfoldError: memory does not suffice for all rows.
    """
    parameters = candidate.model_parameters
    with _memory_told(corpus.rows), calm():
        threads = fits_at_once(usable_cpus())  # memory for their stacks
        features, matrix = fit_text(corpus.text, np.ones(corpus.rows, dtype=bool), candidate.text)
        target = np.asarray(corpus.target)
        scale = estimator.target_scale(target, parameters)
        data = estimator.prepare(matrix, scale.apply(target), parameters, threads)
        fitted = estimator.fit(data, parameters, seed, threads)
    manifest = {
        "format": FORMAT if scale == AS_IT_IS else SCALED_FORMAT,
        "estimator": estimator.name,
        "candidate": candidate.id,
        "parameters": candidate.parameters,
        "target_scale": asdict(scale),
        "text": candidate.text.as_parameters(),
        "tokens": list(features.tokens),
        "idf": features.idf.tolist(),
        "settings": corpus.settings,
        "data": corpus.data,
        "corpus_digest": corpus.digest,
        "rows_train": corpus.rows,
        "versions": versions(),
        "git": git_revision(),
    }
    return Model(features, estimator, fitted, manifest, scale)
