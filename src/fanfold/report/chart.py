"""What the charts, made with Altair, have in common: size, score axis, tooltip.

A chart says what is drawn: it names its data and the styles of its marks. To these, page.js and
`fanfold.report.still` add the page's data and the theme.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fanfold.report.data import Board
from fanfold.report.scales import Range

if TYPE_CHECKING:
    import altair as alt

MANY = 100
"""Candidates above which their marks become small and faint."""


@dataclass(frozen=True)
class Chart:
    """A chart and what it says to those who cannot see it.

    Attributes:
        name: unique on the page.
        spec: Vega-Lite, without data and colours.
        least_width: pixels below which it scrolls sideways rather than shrink; 0 for any.
        still_width: pixels that it is drawn at where it is drawn only once.
    """

    name: str
    spec: dict[str, Any]
    description: str
    title: str = ""
    least_width: int = 0
    still_width: int = 440


def as_spec(chart: alt.Chart | alt.LayerChart | alt.FacetChart, height: int) -> dict[str, Any]:
    """The chart as Vega-Lite that is as wide as the page lets it be; `height` in pixels."""
    import altair as alt

    size = alt.AutoSizeParams(type="fit-x", contains="padding")
    spec: dict[str, Any] = chart.properties(
        width="container", height=height, autosize=size
    ).to_dict(validate=False)  # the tests draw every chart
    del spec["config"]  # Altair's own sizes: the page has a theme
    return spec


def small(board: Board) -> str:
    """The suffix of styles for many candidates."""
    return "_small" if len(board.ranked) > MANY else ""


def score_axis(board: Board, scores: Range, field: str = "score") -> alt.Y:
    """The score upwards; what lies beyond the interval is drawn at its end."""
    import altair as alt

    return alt.Y(
        f"{field}:Q",
        title=board.metric,
        scale=alt.Scale(domain=[scores.low, scores.high], zero=False, nice=False, clamp=True),
        axis=alt.Axis(tickCount=5),
    )


def rank_axis() -> alt.X:
    """The candidates by rank."""
    import altair as alt

    axis = alt.Axis(tickCount=8, tickMinStep=1, labelExpr="datum.value < 1 ? '' : datum.label")
    return alt.X(
        "rank:Q", title="rank", axis=axis, scale=alt.Scale(nice=False, zero=False, padding=8)
    )


def tooltip(board: Board, *more: tuple[str, str]) -> list[alt.Tooltip]:
    """What is shown of a candidate under the pointer; `more` are pairs of field and title."""
    import altair as alt

    fields = (("label", "title"), ("rank", "rank"), ("score_text", board.metric), *more)
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in fields]
