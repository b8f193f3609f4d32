"""A chart drawn once, as SVG in the page's own markup: no script, and a hundredth of its size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from fanfold.report.chart import Chart
from fanfold.report.theme import DIVERGING, RAMP, colour, theme

_SCALES = (DIVERGING, RAMP)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAMESPACE = re.compile(r' xmlns(?::\w+)?="[^"]*"')
_INVISIBLE = ("background", "foreground")
_NEEDLESS = re.compile("version|class|role|aria-.*|pointer-events|font-family")
_USUAL = {"opacity": "1", "transform": "translate(0,0)", "font-weight": "normal"}
_INHERITED = ("fill", "stroke", "stroke-width", "font-size", "text-anchor")
_LENGTHS = ("d", "transform", "x2", "y2")
_LONG_NUMBER = re.compile(r"\.(?:0|([1-9]))\d*")
_PLACE_ON_SCALE = re.compile(r"rgb\((\d+), 0, (\d+)\)")


def draw(chart: Chart, rows: Mapping[str, list[dict[str, Any]]]) -> str:
    """The chart as SVG; its colours are those that style.css names, for light or dark.

    Args:
        chart: what is drawn.
        rows: the page's data, by name.

    Raises:
        ImportError: vl-convert is not installed.
    """
    import vl_convert

    spec = {**chart.spec, "datasets": rows, "width": chart.still_width}
    svg = vl_convert.vegalite_to_svg(_as_xml(spec), config=_coded_theme())
    root = ElementTree.fromstring(_NAMESPACE.sub("", svg, count=2))
    _slim(root)
    return ElementTree.tostring(root, encoding="unicode")


def _as_xml(value: Any) -> Any:
    """`value` without the characters that XML lacks: vl-convert ends the process for one."""
    if isinstance(value, str):
        return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, Mapping):
        return {_as_xml(key): _as_xml(each) for key, each in value.items()}
    return [_as_xml(each) for each in value] if isinstance(value, list | tuple) else value


def _coded_theme() -> dict[str, Any]:
    """The theme, its scales of colours coded: red is the scale's number, blue the place on it.

    Vega mixes the colours of a scale, which it could not do with names.
    """
    config = theme()
    for number, name in enumerate(("diverging", "ramp")):
        config["range"][name] = [f"rgb({number},0,0)", f"rgb({number},0,255)"]
    return config


def _slim(element: ElementTree.Element) -> None:
    """Drop what is invisible, too precise or said of each sibling."""
    for child in list(element):
        if child.get("class") in _INVISIBLE:
            element.remove(child)
        else:
            _slim(child)
    for name, value in element.items():
        if _NEEDLESS.fullmatch(name) or _USUAL.get(name) == value:
            del element.attrib[name]
        else:
            shorter = _LONG_NUMBER.sub(_tenth, value) if name in _LENGTHS else value
            element.set(name, _PLACE_ON_SCALE.sub(_mixed, shorter))
    _unwrap(element)
    for name in _INHERITED:
        if len({child.get(name) for child in element}) == 1 and name in element[0].attrib:
            element.set(name, str(element[0].get(name)))
            for child in element:
                del child.attrib[name]


def _tenth(decimals: re.Match[str]) -> str:
    return f".{decimals[1]}" if decimals[1] else ""


def _unwrap(element: ElementTree.Element) -> None:
    """Put the children of bare groups in their place."""
    for place, child in reversed(list(enumerate(element))):
        if child.tag == "g" and not child.attrib:
            element[place : place + 1] = list(child)


def _mixed(coded: re.Match[str]) -> str:
    """The colour at a place of a scale, as CSS mixes it."""
    names = _SCALES[int(coded[1])]
    step, share = divmod(int(coded[2]) / 255 * (len(names) - 1), 1)
    if share == 0:
        return colour(names[int(step)])
    worse, better = names[int(step)], names[int(step) + 1]
    return f"color-mix(in srgb,{colour(better)} {share:.0%},{colour(worse)})"
