"""The score of a candidate on a fold: a row of the tidy table."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

from fanfold.errors import FanfoldError
from fanfold.resources import peak_memory, usable_memory
from fanfold.tasks.regression import HIGHER_IS_BETTER

if TYPE_CHECKING:
    import pandas as pd

SCORING_VERSION = 5
"""Raised when a change of fanfold's own changes scores: ledgers then remember none from before."""

DIVERGED = "its predictions are not finite: the fit diverged"


@dataclass(frozen=True)
class FoldScore:
    """One metric of one candidate on one fold.

    Attributes:
        candidate: its id, or `baseline`.
        fold: the label of the fold that was held out.
        metric: `rmse`, `mae` or `rsq`.
        value: of the metric; NaN where it is undefined or the fit failed.
        fit_seconds: wall time of the fit and its scores. A shared fit's time is divided among
            its candidates, so that their sum is what was spent.
        cpu_seconds: processor time, divided in the same way.
        peak_memory_bytes: largest resident size of the process so far.
        ok: whether the candidate could be fitted.
        error: why not, else empty.
        columns: columns of the matrix that was fitted; 0 where it is not known.
        remembered: whether a ledger held it; its cost is then what it was when it was computed.
    """

    candidate: str
    fold: str
    metric: str
    value: float
    fit_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    ok: bool = True
    error: str = ""
    columns: int = 0
    remembered: bool = False


OnScores = Callable[[Sequence[FoldScore]], None]
"""Called with each candidate's scores on a fold, as they arrive."""


def failed_scores(candidates: Sequence[str], fold: str, reason: str) -> list[FoldScore]:
    """The rows of candidates, by id, that could not be fitted with `fold` held out."""
    row = FoldScore("", fold, "", math.nan, ok=False, error=reason)
    return [
        replace(row, candidate=name, metric=metric, peak_memory_bytes=peak_memory())
        for name in candidates
        for metric in HIGHER_IS_BETTER
    ]


def reason_of(error: Exception) -> str:
    """The first line of an error's message, without the clock and source line of xgboost's.

    Errors of other libraries begin with their type.
    """
    text = str(error) if isinstance(error, FanfoldError) else f"{type(error).__name__}: {error}"
    return re.sub(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ", "", text.strip().splitlines()[0])


def starved_reason() -> str:
    """The reason of a fit that lacked memory, and what to do."""
    have = usable_memory() / 2**30
    return (
        f"out of memory: the task had {have:.2f} GiB; raise cross_validate_memory,"
        " or lower text__max_tokens or max_depth"
    )


def scores_frame(rows: Sequence[FoldScore]) -> pd.DataFrame:
    """The tidy table of `rows`, one column for each field of `FoldScore`."""
    import pandas as pd

    names = [field.name for field in fields(FoldScore)]
    return pd.DataFrame([asdict(row) for row in rows], columns=names)
