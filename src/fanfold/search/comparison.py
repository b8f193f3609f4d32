"""How the winner compares with the baseline, in plain words."""

from __future__ import annotations

from fanfold.number_text import number_text
from fanfold.search.leaderboard import Row


def against_baseline(winner: Row, baseline: Row, metric: str) -> tuple[str, bool]:
    """A sentence on the winner's mean beside the baseline's, and whether it is better."""
    # A constant has no correlation, so rsq cannot tell a model from the mean: rmse does.
    by = "rmse" if metric == "rsq" else metric
    ours, mean = winner[f"{by}_mean"], baseline[f"{by}_mean"]
    if ours < mean:
        share = 100 * (1 - ours / mean)
        return (
            f"The winner's {by} of {number_text(ours)} is {share:.1f} % below the"
            f" {number_text(mean)} that predicting the mean gives.",
            True,
        )
    return (
        f"The winner does not beat the baseline: its {by} is {number_text(ours)}, and predicting"
        f" the mean gives {number_text(mean)}. The text tells nothing here that this grid can use.",
        False,
    )
