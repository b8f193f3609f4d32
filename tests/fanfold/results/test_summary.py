"""The summary's settings: each from the step that was told it, and none that is not known yet."""

from __future__ import annotations

from typing import Any

from fanfold.features.preprocess import CORPUS_SETTINGS
from fanfold.results.summary import with_settings
from fanfold.search.candidates import search_of
from fanfold.settings.search import Settings

CHOSEN = Settings(
    folds=3, grid='{"alpha": [1, 2]}', estimator="sklearn.linear_model.Ridge", max_tasks=2,
    metric="mae", text__max_tokens=50, cpu_hour_price=0.05, estimated_cpu_hours=2,
)  # fmt: skip


def completed(own: Settings | None) -> dict[str, Any]:
    given = CHOSEN.as_dict()
    preprocessed = {"rows_read": 9, "settings": {name: given[name] for name in CORPUS_SETTINGS}}
    summary = with_settings(preprocessed, search_of(CHOSEN), given, own)
    assert summary["rows_read"] == 9
    return dict(summary["settings"])


def test_after_the_last_step_all_are_known_in_their_order() -> None:
    assert list(completed(CHOSEN).items()) == list(CHOSEN.as_dict().items())


def test_before_it_what_only_it_is_told_is_left_out_not_guessed() -> None:
    own = {"cpu_hour_price", "estimated_cpu_hours"}
    known = {name: value for name, value in CHOSEN.as_dict().items() if name not in own}
    assert completed(None) == known
