"""A cross-validation as one would write it first: no shared data, no shared fits, no hurry.

Python's `re`, dictionaries, and one plain `xgboost.train` a candidate and fold. Nothing here comes
from the engine but the list of stopwords; `tests/fanfold/search/test_cross_validation.py` compares.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from scipy.sparse import csr_matrix

from fanfold.features.text import stopwords

Floats = npt.NDArray[np.float64]

LETTER = r"[^\W\d_]"
WORD = re.compile(rf"(?:{LETTER}(?:['’.:·]{LETTER})*|\d(?:['’.,;]\d)*|_)+")
DEFAULTS = {
    "max_tokens": 100,
    "min_times": 0.001,
    "max_times": 1.0,
    "weighting": "tfidf",
    "stopwords": "snowball",
}


@dataclass(frozen=True)
class SlowFeatures:
    """The tokens that became columns, each with its idf (1 where cells are counts)."""

    idf: dict[str, float]
    weighting: str

    def matrix(self, documents: Sequence[Sequence[str]]) -> csr_matrix:
        """The cells of `documents`, float64; absent where a token does not occur."""
        place = {token: column for column, token in enumerate(self.idf)}
        values, rows, columns = [], [], []
        for row, document in enumerate(documents):
            counts = Counter(token for token in document if token in place)
            length = counts.total() if self.weighting == "tfidf" else 1
            for token, count in counts.items():
                values.append(count / length * self.idf[token])
                rows.append(row)
                columns.append(place[token])
        return csr_matrix((values, (rows, columns)), shape=(len(documents), len(place)))


def words(text: str, stopword_list: str = "none") -> list[str]:
    """The tokens of `text` without those on the list."""
    taken_away = stopwords(stopword_list)
    return [word for word in WORD.findall(text.lower()) if word not in taken_away]


def learn(documents: Sequence[Sequence[str]], **text: Any) -> SlowFeatures:
    """The features of training `documents`, whose stopwords are gone; no column if none fits."""
    how = {**DEFAULTS, **text}
    counts = Counter(token for document in documents for token in document)
    allowed = [
        token
        for token, count in counts.items()
        if how["min_times"] <= count / counts.total() <= how["max_times"]
    ]
    kept = sorted(allowed, key=lambda token: (-counts[token], token))[: how["max_tokens"]]
    idf = dict.fromkeys(sorted(kept), 1.0)
    if how["weighting"] == "tfidf":
        for token in idf:
            holding = sum(token in document for document in documents)
            idf[token] = math.log(1 + len(documents) / holding)
    return SlowFeatures(idf, how["weighting"])


def foremost(matrix: csr_matrix, target: Floats, bins: int = 256) -> list[int]:
    """The columns by the gain of all splits by them in 60 trees of every 25th row."""
    some = xgboost.DMatrix(matrix[::25], label=target[::25], nthread=1)
    trees = xgboost.train({"tree_method": "hist", "max_bin": bins, "nthread": 1}, some, 60)
    gain = trees.get_score(importance_type="total_gain")
    return sorted(range(matrix.shape[1]), key=lambda each: (-gain.get(f"f{each}", 0), each))


def alike(matrix: csr_matrix, columns: Sequence[int]) -> list[int]:
    """The rows by whether they hold the first of `columns`, then the next, and so on to 64."""
    held = matrix.toarray()[:, list(columns)[:64]] > 0
    return sorted(range(matrix.shape[0]), key=lambda row: held[row].tolist())


def metrics(truth: Floats, estimate: Floats) -> dict[str, float]:
    """rmse, mae and rsq, written out."""
    error = [e - t for t, e in zip(truth.tolist(), estimate.tolist(), strict=True)]
    correlation = np.cov(truth, estimate)[0, 1] / (truth.std(ddof=1) * estimate.std(ddof=1))
    return {
        "rmse": math.sqrt(sum(each * each for each in error) / len(error)),
        "mae": sum(abs(each) for each in error) / len(error),
        "rsq": float(correlation**2),
    }


def slow_scores(
    texts: Sequence[str],
    target: Floats,
    folds: Sequence[str],
    candidates: Sequence[Mapping[str, Any]],
    seed: int,
) -> list[dict[str, dict[str, float]]]:
    """For each candidate: fold -> metric -> value."""
    return [
        {fold: _score(texts, target, folds, fold, each, seed) for fold in sorted(set(folds))}
        for each in candidates
    ]


def _score(
    texts: Sequence[str],
    target: Floats,
    folds: Sequence[str],
    held_out: str,
    candidate: Mapping[str, Any],
    seed: int,
) -> dict[str, float]:
    text = {k.removeprefix("text__"): v for k, v in candidate.items() if k.startswith("text__")}
    own = {k: v for k, v in candidate.items() if not k.startswith("text__")}
    rounds = own.pop("n_estimators", 100)
    documents = [words(each, text.get("stopwords", "snowball")) for each in texts]
    train = [row for row, fold in enumerate(folds) if fold != held_out]
    validation = [row for row, fold in enumerate(folds) if fold == held_out]
    features = learn([documents[row] for row in train], **text)
    matrix = features.matrix([documents[row] for row in train])
    if own.get("subsample", 1) < 1:  # of which rows are drawn their order says
        train = [train[place] for place in alike(matrix, foremost(matrix, target[train]))]
    data, unseen = (
        xgboost.DMatrix(
            features.matrix([documents[row] for row in rows]), label=target[rows], nthread=1
        )
        for rows in (train, validation)
    )
    fixed = {"tree_method": "hist", "seed": seed, "nthread": 1}
    model = xgboost.train({**own, **fixed}, data, rounds)
    return metrics(target[validation], model.predict(unseen).astype(float))
