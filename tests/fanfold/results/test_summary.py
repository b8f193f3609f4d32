"""The summary's settings: each from the step that was told it, and none that is not known yet."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fanfold.features.preprocess import CORPUS_SETTINGS
from fanfold.results.summary import (
    Cost,
    final_summary,
    preprocessed_summary,
    selected_summary,
)
from fanfold.search.plan import Plan
from fanfold.settings.search import Settings

CHOSEN = Settings(
    folds=3, grid='{"alpha": [1, 2]}', estimator="sklearn.linear_model.Ridge", max_tasks=2,
    metric="mae", text__max_tokens=50, cpu_hour_price=0.05, estimated_cpu_hours=2,
)  # fmt: skip


OWN = ("cpu_hour_price", "estimated_cpu_hours")
METRICS = ("rmse_mean", "mae_mean", "rsq_mean")
BOARD = pd.DataFrame({"candidate": ["baseline"], **{name: [1.0] for name in METRICS}})
SCORES = pd.DataFrame(
    {"candidate": ["a"], "fold": ["1"], "remembered": [False], "cpu_seconds": [2.0],
     "peak_memory_bytes": [7]}
)  # fmt: skip


def selected() -> dict[str, Any]:
    """The summary after `select_best`, on its way through the steps before."""
    given = CHOSEN.as_dict()
    settings = {name: given[name] for name in CORPUS_SETTINGS}
    preprocessed = preprocessed_summary({"rows_read": 9}, settings, Cost())
    return selected_summary(preprocessed, Plan.of(CHOSEN), given, BOARD)


def test_after_the_last_step_all_settings_are_known_in_their_order() -> None:
    final = final_summary(selected(), CHOSEN, SCORES, Cost())
    assert list(final["settings"].items()) == list(CHOSEN.as_dict().items())
    assert (final["rows_read"], final["folds_computed"]) == (9, 1)


def test_before_it_the_settings_of_the_cost_are_left_out_not_guessed() -> None:
    known = {name: value for name, value in CHOSEN.as_dict().items() if name not in OWN}
    assert selected()["settings"] == known
