"""Settings: every type and range, text as a person types it, and what a mistake is told."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import UserError
from fanfold.features.text import TextSettings
from fanfold.settings.search import Settings, describe, fields, from_mapping

NUMBER = "must be a number but is"
WHOLE = "must be a whole number but is"
FOLDS = "must be at least 2 and at most 1000 but is"
SEED = "must be at least 0 and at most 2147483647 but is"
SHARE = "must be at least 0 and at most 1 but is"
OPEN_SHARE = "must be above 0 and below 1 but is"
POSITIVE = "must be at least 1 but is"
TASKS = "must be at least 1 and at most 1000 but is"

REFUSED = [
    ("data", "", "data is empty: Table to learn from"),
    ("data", " ", "data is empty"),
    ("data", 3, "data must be text but is 3"),
    ("text_column", "", "text_column is empty: Column that holds the text"),
    ("text_column", None, "text_column must be text but is None"),
    ("target", "\t", "target is empty: Number to predict"),
    ("target", 1.5, "target must be text but is 1.5"),
    ("test_fraction", 0, f"test_fraction {OPEN_SHARE} 0.0"),
    ("test_fraction", 1, f"test_fraction {OPEN_SHARE} 1.0"),
    ("test_fraction", -0.2, f"test_fraction {OPEN_SHARE} -0.2"),
    ("test_fraction", "nan", f"test_fraction {NUMBER} 'nan'"),
    ("test_fraction", "a fifth", f"test_fraction {NUMBER} 'a fifth'"),
    ("test_fraction", True, f"test_fraction {NUMBER} True"),
    ("folds", 1, f"folds {FOLDS} 1"),
    ("folds", 1001, f"folds {FOLDS} 1001"),
    ("folds", 2.5, f"folds {WHOLE} 2.5"),
    ("folds", "five", f"folds {WHOLE} 'five'"),
    ("folds", "", f"folds {WHOLE} ''"),
    ("folds", "inf", f"folds {WHOLE} 'inf'"),
    ("folds", True, f"folds {WHOLE} True"),
    ("folds", None, f"folds {WHOLE} None"),
    ("folds", [5], f"folds {WHOLE} [5]"),
    ("seed", -1, f"seed {SEED} -1"),
    ("seed", 2**31, f"seed {SEED} 2147483648"),
    ("seed", "today", f"seed {WHOLE} 'today'"),
    ("split_column", 1, "split_column must be text but is 1"),
    ("fold_column", 1, "fold_column must be text but is 1"),
    ("group_column", 1, "group_column must be text but is 1"),
    ("max_bad_rows", -0.01, f"max_bad_rows {SHARE} -0.01"),
    ("max_bad_rows", 1.01, f"max_bad_rows {SHARE} 1.01"),
    ("max_bad_rows", "1%", f"max_bad_rows {NUMBER} '1%'"),
    ("vocabulary_size", 0, f"vocabulary_size {POSITIVE} 0"),
    ("vocabulary_size", "many", f"vocabulary_size {WHOLE} 'many'"),
    ("grid", {"max_depth": [6]}, "grid must be text but is {'max_depth': [6]}"),
    ("ledger", 7, "ledger must be text but is 7"),
    ("s3_endpoint", 7, "s3_endpoint must be text but is 7"),
    ("s3_endpoint", "ftp://h", "s3_endpoint is no address of a server: 'ftp://h'; give http://"),
    ("s3_endpoint", "http://key:secret@h", "s3_endpoint is no address of a server: (not shown"),
    ("estimator", 7, "estimator must be text but is 7"),
    ("text__max_tokens", 0, f"text__max_tokens {POSITIVE} 0"),
    ("text__max_tokens", "all", f"text__max_tokens {WHOLE} 'all'"),
    ("text__min_times", -0.1, f"text__min_times {SHARE} -0.1"),
    ("text__min_times", 5, f"text__min_times {SHARE} 5.0"),
    ("text__max_times", 1.1, f"text__max_times {SHARE} 1.1"),
    ("text__max_times", "most", f"text__max_times {NUMBER} 'most'"),
    (
        "text__weighting",
        "tfdif",
        "text__weighting must be one of tfidf, count but is 'tfdif'; did you mean 'tfidf'?",
    ),
    (
        "text__stopwords",
        "snowbal",
        "text__stopwords must be one of snowball, none but is 'snowbal'; did you mean 'snowball'?",
    ),
    ("text__stopwords", None, "text__stopwords must be text but is None"),
    ("metric", "RMSE", "metric must be one of rmse, mae, rsq but is 'RMSE'"),
    ("metric", "rsme", "metric must be one of rmse, mae, rsq but is 'rsme'; did you mean 'rmse'?"),
    (
        "selection",
        "one_std_er",
        "selection must be one of best, one_std_err but is 'one_std_er';"
        " did you mean 'one_std_err'?",
    ),
    ("simplest_by", 0, "simplest_by must be text but is 0"),
    ("share_fits", "perhaps", "share_fits must be true or false but is 'perhaps'"),
    ("share_fits", 1, "share_fits must be true or false but is 1"),
    ("max_tasks", 0, f"max_tasks {TASKS} 0"),
    ("max_tasks", 1001, f"max_tasks {TASKS} 1001"),
    ("cpu_hour_price", -0.05, "cpu_hour_price must be at least 0 but is -0.05"),
    ("cpu_hour_price", "5 cents", f"cpu_hour_price {NUMBER} '5 cents'"),
    ("estimated_cpu_hours", -1, "estimated_cpu_hours must be at least 0 but is -1.0"),
    ("estimated_cpu_hours", "inf", f"estimated_cpu_hours {NUMBER} 'inf'"),
]

TYPED = [
    ("folds", "3", 3),
    ("folds", " 3 ", 3),
    ("folds", "3.0", 3),
    ("folds", 3.0, 3),
    ("folds", np.int64(3), 3),
    ("test_fraction", "0.25", 0.25),
    ("test_fraction", ".25", 0.25),
    ("test_fraction", np.float32(0.25), 0.25),
    ("max_bad_rows", 0, 0.0),
    ("max_bad_rows", "1", 1.0),
    ("text__min_times", "1e-3", 0.001),
    ("share_fits", "true", True),
    ("share_fits", "False", False),
    ("share_fits", np.bool_(False), False),
    ("text_column", "5", "5"),
    ("s3_endpoint", "minio:9000", "minio:9000"),
    ("split_column", "true", "true"),
    ("fold_column", " padded ", " padded "),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_a_value_that_is_not_allowed_is_refused_and_named(
    name: str, value: Any, message: str
) -> None:
    with pytest.raises(UserError) as refused:
        from_mapping({name: value})
    assert message in str(refused.value)


def test_every_setting_has_a_refused_value_above() -> None:
    assert {name for name, _, _ in REFUSED} == {field.name for field in fields()}


@pytest.mark.parametrize(("name", "typed", "value"), TYPED)
def test_a_value_is_read_as_a_person_types_it(name: str, typed: Any, value: Any) -> None:
    found = getattr(from_mapping({name: typed}), name)
    assert found == value
    assert type(found) is type(value)


def test_the_bounds_themselves_are_allowed() -> None:
    Settings(folds=2, seed=0, max_bad_rows=0.0, text__min_times=0.0, text__max_times=1.0)
    Settings(folds=1000, seed=2**31 - 1, max_bad_rows=1.0, max_tasks=1000, vocabulary_size=1)


@given(
    folds=st.integers(2, 1000),
    test_fraction=st.floats(0, 1, exclude_min=True, exclude_max=True),
    share_fits=st.booleans(),
    text_column=st.text(min_size=1).filter(str.strip),
    metric=st.sampled_from(["rmse", "mae", "rsq"]),
)
def test_settings_written_as_text_read_back_as_they_were(**values: Any) -> None:
    chosen = Settings(**values)
    as_text = {name: str(value) for name, value in chosen.as_dict().items()}
    assert from_mapping(as_text) == chosen


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("fold", "folds"), ("text_max_tokens", "text__max_tokens"), ("Seed", "seed")],
)
def test_an_unknown_name_is_told_the_nearest_and_all_there_are(name: str, nearest: str) -> None:
    with pytest.raises(UserError) as refused:
        from_mapping({name: 3})
    said = str(refused.value)
    assert said.startswith(f"no setting is named {name!r}; did you mean {nearest!r}?")
    assert all(field.name in said for field in fields())


def test_a_name_far_from_all_gets_no_guess() -> None:
    with pytest.raises(UserError, match=r"^no setting is named 'xyzzy'; the settings are data,"):
        from_mapping({"xyzzy": 1})


def test_the_text_settings_have_the_defaults_of_the_settings() -> None:
    text = TextSettings().as_parameters()
    assert text == {name: getattr(Settings(), name) for name in text}


def test_a_setting_cannot_be_changed_once_it_is_checked() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().folds = 1  # type: ignore[misc]


@pytest.mark.parametrize("field", [*fields()], ids=lambda field: field.name)
def test_every_setting_is_described_in_one_line_and_has_a_default_of_its_type(
    field: dataclasses.Field[Any],
) -> None:
    said = describe(field.name)
    assert said and said == inspect.cleandoc(said) and "\n" not in said
    assert type(field.default).__name__ == field.type
