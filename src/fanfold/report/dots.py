"""Charts in which a dot is a candidate: by rank, by one hyperparameter, by time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fanfold.report.chart import Chart, as_spec, rank_axis, score_axis, small, tooltip
from fanfold.report.data import Board
from fanfold.report.scales import Axis, Range
from fanfold.report.words import value_text

if TYPE_CHECKING:
    import altair as alt

_TIMES = (("cpu_text", "cpu"), ("fit_text", "time"))


def _dots(board: Board, **encodings: Any) -> alt.LayerChart | alt.FacetChart:
    """All candidates, the winner on top."""
    import altair as alt

    dots = alt.Chart().encode(**encodings)
    return alt.layer(
        dots.mark_circle(style=f"candidate{small(board)}").transform_filter("!datum.winner"),
        dots.mark_circle(style="winner").transform_filter("datum.winner"),
    )


def ranking(board: Board, scores: Range) -> Chart:
    """Every candidate's mean and standard error by rank, beside the baseline."""
    import altair as alt

    x, y = rank_axis(), score_axis(board, scores)
    low = score_axis(board, scores, "low")
    layers: list[Any] = [
        alt.Chart().mark_area(style="band").encode(x=x, y=low, y2="high:Q"),
        _dots(board, x=x, y=y, tooltip=tooltip(board)),
    ]
    if board.baseline and scores.holds(board.baseline.mean[board.metric]):
        level = alt.datum(board.baseline.mean[board.metric])
        layers.append(alt.Chart().mark_rule(style="baseline").encode(y=level))
    return Chart(
        "ranking",
        as_spec(alt.layer(*layers, data=alt.NamedData("candidates")), 200),
        f"{board.metric} of all {len(board.ranked)} candidates by rank, with standard errors.",
        still_width=900,
    )


def hyperparameter(board: Board, axis: Axis, scores: Range) -> Chart:
    """One hyperparameter against the score."""
    import altair as alt

    y = score_axis(board, scores).title(None)
    dots = _by_level if axis.levels else _by_number
    drawn = alt.layer(*dots(board, axis, y), data=alt.NamedData("candidates"))
    return Chart(
        f"hyperparameter-{axis.field}",
        as_spec(drawn, 150),
        f"{board.metric} of each candidate by {axis.name}.",
        title=axis.name,
        still_width=240,
    )


def _by_level(board: Board, axis: Axis, y: alt.Y) -> list[Any]:
    """A column of dots a level, and a bar at its median."""
    import altair as alt

    levels = [value_text(value) for value in axis.levels]
    x = alt.X(
        f"{axis.field}:O",
        sort=levels,
        title=None,
        scale=alt.Scale(domain=levels, paddingInner=0.25, paddingOuter=0.15),
        axis=alt.Axis(labelAngle=0, labelOverlap=True),
    )
    aside = alt.XOffset("aside:Q", scale=alt.Scale(domain=[0, 1]))
    median = (
        alt.Chart()
        .transform_aggregate(score="median(score)", groupby=[axis.field])
        .mark_rule(style="median")
        .encode(x=x.bandPosition(0), x2=alt.X2(axis.field, bandPosition=1), y=y)
    )
    return [_dots(board, x=x, y=y, xOffset=aside, tooltip=tooltip(board)), median]


def _by_number(board: Board, axis: Axis, y: alt.Y) -> list[Any]:
    import altair as alt

    kind = alt.Scale(type="log" if axis.log else "linear", nice=False, padding=6)
    kind.domain = [axis.low, axis.high]
    x = alt.X(f"{axis.field}:Q", title=None, scale=kind, axis=alt.Axis(tickCount=5))
    return [_dots(board, x=x, y=y, tooltip=tooltip(board))]


def cost(board: Board, scores: Range) -> Chart:
    """The score against the processor time that it took."""
    import altair as alt

    used = [candidate.cpu_seconds for candidate in board.ranked]
    log = min(used) > 0 and max(used) / min(used) > 30
    kind = alt.Scale(type="log") if log else alt.Scale(type="linear", zero=False)
    kind.nice, kind.padding = False, 8
    x = alt.X("cpu:Q", title="cpu-seconds", axis=alt.Axis(tickCount=6), scale=kind)
    dots = _dots(board, x=x, y=score_axis(board, scores), tooltip=tooltip(board, *_TIMES))
    return Chart(
        "cost",
        as_spec(dots.properties(data=alt.NamedData("candidates")), 210),
        f"{board.metric} of each candidate against its cpu-seconds.",
    )


def seconds(board: Board) -> Chart:
    """Seconds and cpu-seconds of each candidate, by rank."""
    import altair as alt

    y = alt.Y("fit:Q", title="seconds", axis=alt.Axis(tickCount=5))
    base = alt.Chart().encode(x=rank_axis(), tooltip=tooltip(board, *_TIMES))
    layers = (
        base.mark_rule(style="stem").encode(y=y, y2="cpu:Q"),
        base.mark_circle(style=f"cpu{small(board)}").encode(y="cpu:Q"),
        base.mark_circle(style=f"fit{small(board)}").encode(y=y),
    )
    return Chart(
        "seconds",
        as_spec(alt.layer(*layers, data=alt.NamedData("candidates")), 210),
        "Seconds and cpu-seconds of each candidate, by rank.",
    )
