"""The page, put together: template, style, script, charts and their data in one HTML text."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import math
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fanfold.report import cells, dots, facts, leaderboard, lines, records, winner
from fanfold.report.chart import Chart
from fanfold.report.data import Board, ReportData, read_board
from fanfold.report.library import library
from fanfold.report.scales import axes, by_effect, score_range
from fanfold.report.still import draw
from fanfold.report.theme import theme
from fanfold.report.words import shown

if TYPE_CHECKING:
    import jinja2

_CHARTS_IN_A_ROW = 5


def render(data: ReportData, *, still: bool = False) -> str:
    """The report of a search as one self-contained HTML page.

    The page holds its scripts and data, about 1 MB, and its content security policy lets no
    other script run and no request leave it, whatever stands in tokens, parameters or rejected
    rows. With `still` it has no script: its charts are drawn once, and answer no pointer, and it
    has about 60 KB.

    Raises:
        ImportError: vl-convert, which draws a still page's charts, is not installed.
        ValueError: the winner is not among the leaderboard's ranked candidates.
    """
    board = read_board(data)
    most = records.MOST_DRAWN_STILL if still else records.MOST_DRAWN
    drawn, rows = _charts(data, board, most)
    page = {
        **_words(data, board, most),
        "charts": drawn,
        "columns": _columns(len(drawn["hyperparameters"])),
        "folds_of": _folds_of(len(board.ranked), rows["folds"]),
        "style": _resource("style.css"),
    }
    if still:
        pictures = {chart.name: draw(chart, rows) for chart in _flat(drawn)}
        return _template().render(**page, still=pictures, scripts=[], policy="'none'")
    scripts = [library(), _resource("page.js")]
    specs = {chart.name: chart.spec for chart in _flat(drawn)}
    return _template().render(
        **page,
        still=None,
        scripts=scripts,
        policy=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
        payload=_json_in_html({"specs": specs, "data": rows, "theme": theme()}),
    )


def _words(data: ReportData, board: Board, most: int) -> dict[str, Any]:
    summary = data.summary
    cards = [winner.metric_card(name, data, board) for name in board.metrics]
    title = f"{data.target}: {board.metric} {cards[0].headline}"
    return {
        "title": title if data.metrics is not None else f"{title}, cross-validated",
        "target": data.target,
        "text_column": data.text_column,
        "started": facts.started_text(summary["started"]),
        "best": data.best,
        "notes": [shown(note, 400) for note in summary.get("notes", [])],
        "final": data.metrics is not None,
        "board": board,
        "cards": cards,
        "parameters": winner.parameters(data, board),
        "selection": winner.selection_text(data.best["selection"], board),
        "counts": leaderboard.counts_text(board),
        "thinned": records.thinned_text(board, most),
        "table": leaderboard.table(board),
        "tokens": facts.tokens(data),
        "tokens_text": facts.tokens_text(summary["settings"].get("estimator", "xgboost")),
        "accounting": facts.accounting(summary),
        "time": facts.time_text(summary) if data.metrics is not None else "",
        "provenance": facts.provenance(data),
        "settings": facts.settings(summary),
    }


def _charts(
    data: ReportData, board: Board, most: int
) -> tuple[dict[str, Any], dict[str, records.Records]]:
    """The charts by their place on the page, and the rows that they draw, by name.

    Of more than `most` candidates they draw one in two, three...
    """
    metric, found = board.metric, axes(board)
    tight = score_range([candidate.mean[metric] for candidate in board.ranked], metric)
    scores = tight.padded()
    by_fold = records.fold_rows(data, board)
    folds = list(dict.fromkeys(row["fold"] for row in by_fold))
    spread = score_range([row["score"] for row in by_fold if row["score"] is not None], metric)
    several, long = len(board.ranked) > 1, len(board.ranked) > records.MOST_ROWS
    drawn = {
        "ranking": dots.ranking(board, scores) if long else None,
        "hyperparameters": [
            dots.hyperparameter(board, axis, scores) for axis in by_effect(found, board)
        ],
        "parallel": lines.parallel(board, found) if len(found) > 1 else None,
        "folds": cells.fold_by_fold(board, spread, folds, len(by_fold) // max(1, len(folds))),
        "cost": dots.cost(board, scores) if several else None,
        "seconds": dots.seconds(board) if several else None,
    }
    return drawn, {
        "candidates": records.candidate_rows(board, found, tight, most),
        "axes": records.axis_rows(found, metric, tight),
        "folds": by_fold,
    }


def _flat(drawn: dict[str, Any]) -> list[Chart]:
    groups = [part if isinstance(part, list) else [part] for part in drawn.values()]
    return [chart for group in groups for chart in group if chart is not None]


def _columns(charts: int) -> int:
    """Charts in a row, so that all rows are nearly full."""
    return math.ceil(charts / max(1, math.ceil(charts / _CHARTS_IN_A_ROW)))


def _folds_of(ranked: int, rows: records.Records) -> str:
    ranks = {row["rank"] for row in rows}
    if len(ranks) == ranked:
        return "each candidate"
    apart = max(ranks) > len(ranks)  # the winner, who need not be among the best
    return f"the best {len(ranks) - apart} candidates{' and the winner' if apart else ''}"


@functools.cache
def _resource(name: str) -> str:
    return files("fanfold.report").joinpath(name).read_text(encoding="utf-8")


@functools.cache
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(_resource("page.html"))


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _json_in_html(value: Any) -> str:
    """JSON in ASCII that no HTML parser mistakes for markup."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
