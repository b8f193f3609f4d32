"""How the cost of each search grows, drawn."""

from pathlib import Path

from results import Table, growing_searches


def draw(growth: dict[str, list[Table]], path: Path) -> None:
    """Seconds over rows, candidates and folds, both axes logarithmic, as SVG."""
    import altair as alt
    import vl_convert

    panels = []
    for growing, tables in growth.items():
        searches = growing_searches(tables)
        points = [
            {"search": search, "size": table.size(growing), "seconds": table.found[search].seconds}
            for table in tables
            for search in searches
            if search in table.found
        ]
        sizes = [table.size(growing) for table in tables]
        size = alt.X(
            "size:Q",
            title=growing,
            scale=alt.Scale(type="log", domain=[min(sizes), max(sizes)], padding=12),
            axis=alt.Axis(values=sizes, format="~s", grid=False),
        )
        seconds = alt.Y("seconds:Q", title="seconds", scale=alt.Scale(type="log"))
        panels.append(
            alt.Chart(alt.Data(values=points), width=220, height=220)
            .mark_line(point=True)
            .encode(size, seconds, alt.Color("search:N", title=None, sort=searches))
        )
    chart = alt.hconcat(*panels, background="white").configure_view(stroke=None)
    path.write_text(vl_convert.vegalite_to_svg(chart.to_json()), encoding="utf-8")
