"""Candidates that turn out the same, since their text settings choose the same columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fanfold.arrays import Ints, Mask
from fanfold.errors import UserError
from fanfold.estimators.base import EstimatorParameters
from fanfold.features.corpus import Corpus
from fanfold.features.text import TextSettings
from fanfold.features.text_features import choose_tokens
from fanfold.search.fold_scores import FoldScore
from fanfold.search.grid import Candidate, Unit


def same_columns(
    corpus: Corpus, candidates: Sequence[Candidate], estimator: EstimatorParameters
) -> dict[str, str]:
    """Which candidates are the same as one before them in the grid.

    Two are the same if their estimator's parameters, defaults included, are equal and their text
    settings choose the same tokens, weighted alike, on every fold: each of their fits is then the
    same fit.

    Returns:
        Candidate id -> id of the first candidate that is the same; others are left out.
    """
    alike: dict[str, list[Candidate]] = {}
    for each in candidates:
        effective = estimator.effective(each.model_parameters)
        alike.setdefault(json.dumps(effective, sort_keys=True, default=str), []).append(each)
    several = [group for group in alike.values() if len(group) > 1]
    columns = _columns(corpus, {each.text for group in several for each in group})
    found = {}
    for group in several:
        first: dict[str, str] = {}
        for each in group:
            original = first.setdefault(columns[each.text], each.id)
            if original != each.id:
                found[each.id] = original
    return found


def _columns(corpus: Corpus, settings: Iterable[TextSettings]) -> dict[TextSettings, str]:
    """A digest of the columns that each of `settings` makes on all folds."""
    digests = {each: hashlib.sha256(each.weighting.encode()) for each in settings}
    for fold in range(len(corpus.fold_labels) if digests else 0):
        rows = np.asarray(corpus.fold != fold)
        totals = corpus.text.token_totals(rows)
        for each, digest in digests.items():
            digest.update(_chosen(corpus, rows, each, totals))
    return {each: digest.hexdigest() for each, digest in digests.items()}


def _chosen(corpus: Corpus, rows: Mask, settings: TextSettings, totals: Ints) -> bytes:
    try:
        return choose_tokens(corpus.text, rows, settings, totals).tobytes()
    except UserError as error:  # no fit on this fold: the same as another only if so is the reason
        return f"{settings} {error}".encode()


def without_copies(units: Sequence[Unit], same: Mapping[str, str]) -> list[Unit]:
    """The units without the candidates whose scores are those of another one in `units`."""
    here = {each.id for unit in units for each in unit.candidates}
    kept = []
    for unit in units:
        own = tuple(each for each in unit.candidates if same.get(each.id) not in here)
        if own:
            kept.append(replace(unit, candidates=own))
    return kept


def with_copies(scores: Sequence[FoldScore], same: Mapping[str, str]) -> Iterator[list[FoldScore]]:
    """The rows of each candidate in `scores`, then free copies for those that are the same."""
    rows: dict[str, list[FoldScore]] = {}
    for row in scores:
        rows.setdefault(row.candidate, []).append(row)
    yield from rows.values()
    for name, original in same.items():
        yield [
            replace(row, candidate=name, fit_seconds=0.0, cpu_seconds=0.0)
            for row in rows.get(original, [])
        ]
