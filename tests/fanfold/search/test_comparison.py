"""The winner beside the baseline: better, worse or a tie, each with both numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from fanfold.search.comparison import compare


def tidy(rmse: Sequence[float], mae: Sequence[float] | None = None) -> pd.DataFrame:
    values = {"rmse": rmse, "mae": mae or rmse, "rsq": [0.5] * len(rmse)}
    return pd.DataFrame(
        [
            {"fold": str(fold), "metric": metric, "value": value}
            for metric, own in values.items()
            for fold, value in enumerate(own)
        ]
    )


MEAN = tidy([2.0, 2.0, 2.0])


@pytest.mark.parametrize(
    ("winner", "metric", "verdict", "sentence"),
    [
        ([0.9, 1.0, 1.1], "rmse", "better", "rmse of 1.000 is 50.0 % below the 2.000 that"),
        ([1.4, 1.5, 1.6], "rsq", "better", "rmse of 1.500 is 25.0 % below the 2.000 that"),
        ([2.4, 2.5, 2.6], "rmse", "worse", "its rmse is 2.500, and the mean's 2.000; the differ"),
        ([2.4, 2.5, 2.6], "rsq", "worse", "its rmse is 2.500"),
        ([1.9, 2.0, 2.2], "rmse", "tie", "their rmse is 2.033 and 2.000, which differ by no more"),
        ([1.5, 2.0, 2.6], "rmse", "tie", "no more than one standard error (0.32)"),
        ([2.0], "rmse", "tie", "are a tie: the rmse of both is 2.000."),
        ([2.0 + 1e-8, 2.0 + 2e-8], "rmse", "tie", "are a tie: the rmse of both is 2.000."),
        ([2.0 - 1e-8, 2.0 - 2e-8], "mae", "tie", "are a tie: the mae of both is 2.000."),
        ([2.0 - 1e-4, 2.0 - 2e-4], "mae", "better", "below the 2.000 that"),
    ],
)  # fmt: skip
def test_the_verdict_stands_by_the_difference_and_its_standard_error(
    winner: list[float], metric: str, verdict: str, sentence: str
) -> None:
    found = compare(tidy(winner), tidy([2.0] * len(winner)), metric)
    assert found.verdict == verdict
    assert sentence in found.sentence
    assert "text" not in found.sentence


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_difference_of_rounding_is_a_tie_in_any_unit(sign: int) -> None:
    for unit in (1e-9, 1.0, 1e25):
        mean = np.array([1.2, 1.4, 1.5]) * unit
        near = compare(tidy(list(mean * (1 + sign * 1e-9))), tidy(list(mean)), "rmse")
        assert near.verdict == "tie" and "of both is" in near.sentence
        apart = compare(tidy(list(mean * (1 + sign * 1e-4))), tidy(list(mean)), "rmse")
        assert apart.verdict == ("better" if sign < 0 else "worse")


def test_the_folds_are_paired() -> None:
    # Each fold is harder for both: beside each other they differ by 0.1, always.
    hard = np.array([1.0, 2.0, 3.0, 4.0])
    assert compare(tidy(list(hard - 0.1)), tidy(list(hard)), "mae").verdict == "better"
    assert compare(tidy(list(hard + 0.1)), tidy(list(hard)), "mae").verdict == "worse"


def test_a_constant_target_leaves_nothing_to_beat() -> None:
    found = compare(tidy([1e-7, 0.0]), tidy([0.0, 0.0]), "rmse")
    assert found.verdict == "tie"
    assert "constant" in found.sentence
