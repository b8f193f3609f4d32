"""The look of all charts, as a Vega-Lite config; its colours are those that style.css names."""

from __future__ import annotations

from typing import Any

DIVERGING = ("line-worst", "ramp-best")
"""The colours of lines, worst to best: the worst must stand out from the background too."""

RAMP = ("ramp-worst", "ramp-middle", "ramp-best")
"""The colours of cells, worst to best."""

_HOLLOW: dict[str, Any] = {"filled": False, "strokeWidth": 1.5}


def theme() -> dict[str, Any]:
    """The config, each colour as `var(--name)`.

    A page puts the colours in, and again when it changes between light and dark.
    """
    muted, line = colour("muted"), colour("line")
    return {
        "aria": False,  # the page says in words what a chart shows
        "background": None,
        "padding": 2,
        "view": {"stroke": None},
        "axis": {
            "labelColor": muted,
            "titleColor": muted,
            "titleFontWeight": "normal",
            "titleFontSize": 11,
            "labelFontSize": 11,
            "labelPadding": 6,
            "titlePadding": 8,
            "labelLimit": 110,
            "gridColor": line,
            "domain": False,
            "ticks": False,
        },
        "axisX": {"grid": False},
        "axisXQuantitative": {"domain": True, "domainColor": line},
        "range": {
            "diverging": [colour(name) for name in DIVERGING],
            "ramp": [colour(name) for name in RAMP],
        },
        "style": {**_dots(), **_lines(), **_texts()},
    }


def colour(name: str) -> str:
    """What stands for the colour `name` of style.css."""
    return f"var(--{name})"


def _dots() -> dict[str, Any]:
    def dot(size: int, name: str = "candidate", **more: Any) -> dict[str, Any]:
        return {"color": colour(name), "size": size, "opacity": 0.8, **more}

    return {
        "candidate": dot(42),
        "candidate_small": dot(14, opacity=0.55),
        "winner": dot(80, "winner", opacity=1, stroke=colour("surface"), strokeWidth=1.5),
        "cpu": dot(42),
        "cpu_small": dot(12),
        "fit": dot(42, **_HOLLOW),
        "fit_small": dot(12, **_HOLLOW),
    }


def _lines() -> dict[str, Any]:
    def line(width: float, opacity: float, name: str | None = None) -> dict[str, Any]:
        own = {"strokeWidth": width, "opacity": opacity, "interpolate": "monotone"}
        return own if name is None else {"color": colour(name), **own}

    return {
        "band": {"color": colour("candidate"), "opacity": 0.22},
        "baseline": {"color": colour("baseline"), "strokeWidth": 1.5, "strokeDash": [4, 3]},
        "median": {"color": colour("ink"), "strokeWidth": 2, "opacity": 0.75},
        "stem": {"color": colour("line"), "strokeWidth": 2},
        "axis": {"color": colour("axis"), "strokeWidth": 1},
        "line": line(1.6, 0.75),
        "line_small": line(0.9, 0.35),
        "winner_line": line(3, 1, "winner"),
        "hover_line": line(2.5, 1, "ink"),
    }


def _texts() -> dict[str, Any]:
    def text(name: str, **more: Any) -> dict[str, Any]:
        return {"color": colour(name), "fontSize": 11, **more}

    aside = {"align": "left", "baseline": "middle", "dx": 6}
    halo = {"stroke": colour("surface"), "strokeWidth": 4}
    return {
        "tick": text("muted", **aside),
        "tick_halo": text("surface", **aside, **halo),
        "axis_title": text("ink", fontWeight=600, align="center", baseline="bottom"),
        "on_strong": text("on-strong", baseline="middle"),
        "on_weak": text("on-weak", baseline="middle"),
    }
