"""The chart in which a cell is a candidate on a fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fanfold.report.chart import Chart, as_spec
from fanfold.report.data import Board
from fanfold.report.scales import Range

if TYPE_CHECKING:
    import altair as alt

_MOST_FOLDS_WITH_NUMBERS = 10


def fold_by_fold(board: Board, scores: Range, folds: Sequence[str], candidates: int) -> Chart:
    """Candidates down, folds across: the better the stronger.

    Args:
        board: the leaderboard.
        scores: the interval that the colours span.
        folds: their labels, in order.
        candidates: how many of the best are drawn.
    """
    import altair as alt

    domain = [scores.low, scores.high] if scores.better_is > 0 else [scores.high, scores.low]
    better = alt.Scale(domain=domain, range="ramp", clamp=True, interpolate="rgb")
    cells = _grid(board, folds)
    layers: list[Any] = [
        cells.mark_rect(style="cell").encode(color=alt.Color("score:Q", legend=None, scale=better))
    ]
    if len(folds) <= _MOST_FOLDS_WITH_NUMBERS:
        # From here on the ramp is nearer to its strong end's text than to its weak end's.
        limit = scores.low + (scores.high - scores.low) * (0.6 if scores.better_is > 0 else 0.4)
        sign = ">" if scores.better_is > 0 else "<"
        strong = f"isValid(datum.score) && datum.score {sign} {limit}"
        text = cells.encode(text="text:N")
        layers += [
            text.mark_text(style="on_strong").transform_filter(strong),
            text.mark_text(style="on_weak").transform_filter(f"!({strong})"),
        ]
    return Chart(
        "folds",
        as_spec(alt.layer(*layers), candidates * (24 if candidates <= 25 else 18)),
        f"{board.metric} of the best candidates in each fold.",
        still_width=700,
    )


def _grid(board: Board, folds: Sequence[str]) -> alt.Chart:
    import altair as alt

    winner = alt.datum["value"] == (board.winner.rank or 0)
    weight = alt.condition(winner, alt.value("bold"), alt.value("normal"))
    tips = (("label", "title"), ("fold", "fold"), ("text", board.metric), ("baseline", "baseline"))
    return alt.Chart(alt.NamedData("folds")).encode(
        x=alt.X(
            "fold:O",
            sort=list(folds),
            title="fold",
            axis=alt.Axis(orient="top", labelAngle=0, labelOverlap=True),
            scale=alt.Scale(paddingInner=0.03 if len(folds) < 40 else 0),
        ),
        y=alt.Y(
            "rank:O",
            title="rank",
            axis=alt.Axis(labelFontWeight=weight),
            scale=alt.Scale(paddingInner=0.08),
        ),
        tooltip=[alt.Tooltip(f"{field}:N", title=title) for field, title in tips],
    )
