"""The settings as keywords of a function, so that editors and IPython complete them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict, TypeVar

from fanfold.settings.search import fields

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    Values: TypeAlias = (
        Sequence[float] | np.ndarray | pd.Series | pl.Series | pa.Array | pa.ChunkedArray
    )

F = TypeVar("F", bound=Callable[..., object])


class Options(TypedDict, total=False):
    """The settings of `fanfold.Settings` but `data` and `grid`, all optional."""

    s3_endpoint: str
    text_column: str
    target: str | pl.Expr | Values
    test_fraction: float
    folds: int
    seed: int
    split_column: str
    fold_column: str
    group_column: str
    max_bad_rows: float
    vocabulary_size: int
    estimator: str
    text__max_tokens: int
    text__min_times: float
    text__max_times: float
    text__weighting: str
    text__stopwords: str
    metric: str
    selection: str
    simplest_by: str
    share_fits: bool
    ledger: str | Path
    max_tasks: int
    cpu_hour_price: float
    estimated_cpu_hours: float


def shows_options(function: F) -> F:
    """`function`, which takes `Options`, with each of them and its default in its signature."""
    own = inspect.signature(function)
    named = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
    taken = {each.name for each in named}
    types = {"bool": bool, "float": float, "int": int, "str": str}
    options = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=types[str(field.type)],
        )
        for field in fields()
        if field.name not in taken
    ]
    function.__signature__ = own.replace(parameters=[*named, *options])  # type: ignore[attr-defined]
    return function
