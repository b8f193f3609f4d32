"""The chart in which a line is a candidate: parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fanfold.report.chart import Chart, as_spec, small, tooltip
from fanfold.report.data import Board
from fanfold.report.scales import Axis

if TYPE_CHECKING:
    import altair as alt

_AXIS_WIDTH = 84  # least, in pixels


def parallel(board: Board, axes: Sequence[Axis]) -> Chart:
    """Every candidate as a line through its hyperparameters to its score, the best on top."""
    import altair as alt

    fields = [*(f"{axis.field}_place" for axis in axes), "goodness"]
    x = alt.X("axis:N", sort=fields, axis=None, scale=alt.Scale(domain=fields, padding=0.3))
    y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    rules, *labels = _axes(x, y)
    return Chart(
        "parallel",
        as_spec(alt.layer(rules, *_lines(board, fields, x, y), *labels), 320),
        f"Every candidate as a line through its hyperparameters to its {board.metric}.",
        least_width=_AXIS_WIDTH * len(fields),
        still_width=max(900, _AXIS_WIDTH * len(fields)),
    )


def _axes(x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Rules below the lines; ticks, each with a halo, and titles above them."""
    import altair as alt

    marks = alt.Chart(alt.NamedData("axes")).encode(x=x)
    titles = marks.transform_filter("isValid(datum.title)")
    ticks = marks.transform_filter("isValid(datum.place)").encode(y=y, text="text:N")
    return [
        titles.mark_rule(style="axis").encode(y=alt.YDatum(0, axis=None), y2=alt.Y2Datum(1)),
        ticks.mark_text(style="tick_halo"),
        ticks.mark_text(style="tick"),
        titles.mark_text(style="axis_title", lineBreak="\n").encode(
            text="title:N", y=alt.value(-10)
        ),
    ]


def _lines(board: Board, fields: Sequence[Any], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """All candidates, then the winner, then the one under the pointer."""
    import altair as alt

    # Cleared by the background: on leaving a line it would flicker, as the highlight covers it.
    hover = alt.selection_point(
        name="hover", fields=["rank"], on="pointerover", clear=False, empty=False
    )
    lines = (
        alt.Chart(alt.NamedData("candidates"))
        .transform_fold(list(fields), as_=["axis", "place"])
        .encode(x=x, y=y, detail="rank:N", tooltip=tooltip(board))
    )
    better = alt.Scale(domain=[0, 1], range="diverging", interpolate="rgb")
    return [
        lines.mark_line(style=f"line{small(board)}")
        .encode(color=alt.Color("goodness:Q", legend=None, scale=better))
        .add_params(hover),
        lines.mark_line(style="winner_line").transform_filter("datum.winner"),
        lines.mark_line(style="hover_line").transform_filter(hover),
    ]
