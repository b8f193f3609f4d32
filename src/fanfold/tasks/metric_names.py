"""Names that other libraries use for metrics, each with the advice it gets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fanfold.errors import did_you_mean

_RSQ = (
    "; did you mean 'rsq'? It is the squared correlation of prediction and truth, and not"
    " 1 - SSE/SST, as r2_score of scikit-learn is"
)
_RMSLE = "; it is the rmse of a target log1p(...): give rmse and that target"
_CLASSES = "; it is a metric of classes, and fanfold predicts numbers for now"

ADVICE = {
    "r": _RSQ, "r2": _RSQ, "rsquared": _RSQ, "rsqtrad": _RSQ, "pearson": _RSQ, "correlation": _RSQ,
    "rmsle": _RMSLE, "msle": _RMSLE, "rootmeansquaredlog": _RMSLE, "meansquaredlog": _RMSLE,
    "rootmeansquared": "; did you mean 'rmse'?",
    "mse": "; did you mean 'rmse'? It ranks candidates much as the mse does",
    "meansquared": "; did you mean 'rmse'? It ranks candidates much as the mse does",
    "meanabsolute": "; did you mean 'mae'?", "l1": "; did you mean 'mae'?",
    "mad": "; did you mean 'mae'?",
    "l2": "; did you mean 'rmse'?",
    "accuracy": _CLASSES, "balancedaccuracy": _CLASSES, "f1": _CLASSES, "auc": _CLASSES,
    "rocauc": _CLASSES, "logloss": _CLASSES, "precision": _CLASSES, "recall": _CLASSES,
    "averageprecision": _CLASSES, "brier": _CLASSES, "merror": _CLASSES, "error": _CLASSES,
}  # fmt: skip
"""A metric's name, without what `_short` leaves out, -> what to say behind it."""


def metric_hint(name: str, allowed: Iterable[str]) -> str:
    """What to say behind the `name` of a metric that is not `allowed`, if anything."""
    return ADVICE.get(_short(name)) or did_you_mean(name.strip(), allowed)


def _short(name: str) -> str:
    """Letters and digits in lower case, without scikit-learn's `neg_`, `_error` and `_score`."""
    return re.sub(
        r"^neg(?=root|mean|log)|(?<=.)(error|score)$", "", re.sub(r"[^a-z0-9]", "", name.lower())
    )
