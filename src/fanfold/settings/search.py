"""Every setting of a search: its type, default, range and one line on what it does.

The command line's options, the pipeline's parameters and the README's table are made from
the fields below and those of `fanfold.settings.cluster`; tests hold what repeats a default to it.

Types and ranges are checked here, in 60 lines, and by no library: with pydantic the command line
takes 2.4 times as long to start (0.155 s of processor time for 0.065 s), and attrs would check
ranges alone, in words of its own.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fanfold.errors import UserError, did_you_mean
from fanfold.storage.environment import server_address
from fanfold.tasks.metric_names import metric_hint

METRICS = ("rmse", "mae", "rsq")

MAX_FOLDS = 1000

BOUNDS = {
    "minimum": (operator.ge, "at least"),
    "above": (operator.gt, "above"),
    "maximum": (operator.le, "at most"),
    "below": (operator.lt, "below"),
}
"""How a setting's range is stated, checked and said."""

SEED_GRID = (
    '{"colsample_bynode": [0.5, 1.0], "n_estimators": [300, 500],'
    ' "max_depth": [6, 12], "subsample": [0.8, 1.0], "max_bin": [32]}'
)
"""32 bins take two thirds of the time of xgboost's own 256 on columns of text, and score worse by
some 0.4 % of the rmse (benchmarks/README.md)."""


def setting(
    default: Any,
    description: str,
    *,
    choices: tuple[str, ...] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    json_type: type | None = None,
) -> Any:
    """A field of settings, with what is said of it and asked of its values."""
    about = {
        "description": description,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "above": above,
        "below": below,
        "json_type": json_type,
    }
    return dataclasses.field(default=default, metadata=about)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a person can set; `Settings()` alone is a complete search on generated data.

    Raises:
        UserError: a value has the wrong type or is out of its range.
    """

    data: str = setting(
        "sample:20000",
        "Table to learn from: a Parquet file, or CSV, TSV or JSON lines, plain, .gz or .zst; here"
        " or in a bucket (gs://, s3://); or sample:ROWS, generated",
    )
    s3_endpoint: str = setting(
        "",
        "Address of the server behind s3://, such as http://minio:9000; empty: AWS, or what"
        " AWS_ENDPOINT_URL_S3 says",
    )
    text_column: str = setting("definition", "Column that holds the text")
    target: str = setting(
        "log1p(up_votes + down_votes)",
        "Number to predict: a column, or an expression of columns with"
        " + - * / ( ) log log1p sqrt abs exp",
    )
    test_fraction: float = setting(
        0.2, "Share of the rows held out to score the final model", above=0, below=1
    )
    folds: int = setting(5, "Folds of the cross-validation", minimum=2, maximum=MAX_FOLDS)
    seed: int = setting(
        2021, "Seed of every random choice: split, folds, fits", minimum=0, maximum=2**31 - 1
    )
    split_column: str = setting("", "Column that says train or test for each row")
    fold_column: str = setting("", "Column whose values are the folds of the training rows")
    group_column: str = setting("", "Column whose equal values are never parted by a split")
    max_bad_rows: float = setting(
        0.01, "Share of bad rows above which the run stops", minimum=0, maximum=1
    )
    vocabulary_size: int = setting(
        50_000,
        "Most frequent tokens that the corpus keeps for candidates to choose from",
        minimum=1,
    )
    grid: str = setting(
        SEED_GRID,
        "Hyperparameters to try, as JSON: a dict of lists (every combination) or a list of dicts",
    )
    estimator: str = setting(
        "xgboost",
        "What is fitted: xgboost, or a scikit-learn regressor such as sklearn.linear_model.Ridge",
    )
    text__max_tokens: int = setting(
        100, "Tokens that become columns, the most frequent first", minimum=1
    )
    text__min_times: float = setting(
        0.001, "Least share of all tokens that a token must have", minimum=0, maximum=1
    )
    text__max_times: float = setting(
        1.0, "Largest share of all tokens that a token may have", minimum=0, maximum=1
    )
    text__weighting: str = setting(
        "tfidf", "What a cell of the matrix holds", choices=("tfidf", "count")
    )
    text__stopwords: str = setting(
        "snowball",
        "Stopwords to remove: snowball (175 English words) or none",
        choices=("snowball", "none"),
    )
    metric: str = setting("rmse", "Metric that picks the winner", choices=METRICS)
    selection: str = setting(
        "best",
        "Rule that picks the winner: the best mean, or the simplest candidate"
        " within one standard error of it",
        choices=("best", "one_std_err"),
    )
    simplest_by: str = setting(
        "",
        "For one_std_err: hyperparameters, comma-separated, whose small values are simple"
        " (-name: whose large values are); empty: the estimator's own order",
    )
    share_fits: bool = setting(True, "Fit once for all candidates that differ only in n_estimators")
    ledger: str = setting(
        "",
        "Where finished folds are kept and found again: a folder, or a gs:// or s3:// address;"
        " empty: nowhere",
    )
    max_tasks: int = setting(
        32, "Most cross-validation tasks that the grid is packed into", minimum=1, maximum=1000
    )
    cpu_hour_price: float = setting(
        0.0, "Price of a vCPU hour, in any currency; 0: not shown", minimum=0
    )
    estimated_cpu_hours: float = setting(
        0.0, "What fanfold estimate said, to show beside the true figure; 0: not shown", minimum=0
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = _typed(field, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
            _check_range(field, value)
        for name in ("data", "text_column", "target"):
            if not getattr(self, name).strip():
                raise UserError(f"{name} is empty: {describe(name)}")
        if self.s3_endpoint:
            server_address(self.s3_endpoint, "s3_endpoint")  # a password in it would be kept

    def __repr__(self) -> str:
        given = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def as_dict(self) -> dict[str, Any]:
        """Every setting by its name, in the order of declaration."""
        return dataclasses.asdict(self)


def fields() -> Iterator[dataclasses.Field[Any]]:
    """The settings, in the order in which they are documented."""
    yield from dataclasses.fields(Settings)


def describe(name: str) -> str:
    """What the setting `name` does, in one line."""
    return next(str(each.metadata["description"]) for each in fields() if each.name == name)


def from_mapping(values: Mapping[str, Any]) -> Settings:
    """Settings from names and values, which may be text (`{"folds": "3"}`).

    Raises:
        UserError: a name is not a setting, or a value is not allowed.
    """
    check_names(values, [field.name for field in fields()])
    return Settings(**values)


def check_names(values: Mapping[str, Any], names: list[str]) -> None:
    """Raise `UserError` where `values` has a name that is none of `names`."""
    for name in values:
        if name not in names:
            raise UserError(
                f"no setting is named {name!r}{did_you_mean(name, names)};"
                f" the settings are {', '.join(names)}"
            )


def _typed(field: dataclasses.Field[Any], value: Any) -> Any:
    """`value` as the field's type; text is read as a person would type it."""
    kind, given = str(field.type), value
    if hasattr(value, "item"):  # numpy's scalars as Python's
        value = value.item()
    if isinstance(value, Path):  # of a ledger
        value = str(value)
    if isinstance(value, str) and kind != "str":
        value = _read(value.strip())
    if kind == "int" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value).__name__ != kind or (kind == "float" and not math.isfinite(value)):
        wanted = {"int": "a whole number", "float": "a number", "bool": "true or false"}
        raise UserError(f"{field.name} must be {wanted.get(kind, 'text')} but is {given!r}")
    return value


def _read(text: str) -> Any:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _check_range(field: dataclasses.Field[Any], value: Any) -> None:
    about = field.metadata
    if about["choices"] and value not in about["choices"]:
        hint_of = metric_hint if field.name == "metric" else did_you_mean
        hint = hint_of(str(value), about["choices"])
        raise UserError(
            f"{field.name} must be one of {', '.join(about['choices'])} but is {value!r}{hint}"
        )
    stated = [
        (holds, about[name], word)
        for name, (holds, word) in BOUNDS.items()
        if about[name] is not None
    ]
    if not all(holds(value, bound) for holds, bound, _ in stated):
        allowed = " and ".join(f"{word} {bound}" for _, bound, word in stated)
        raise UserError(f"{field.name} must be {allowed} but is {value!r}")
