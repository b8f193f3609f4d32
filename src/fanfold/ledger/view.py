"""What a terminal shows of a ledger: its searches, one search, and one search while it runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fanfold.estimators.hyperparameters import varying
from fanfold.ledger.standing import Row, Standing
from fanfold.number_text import fixed, number_text, score_decimals
from fanfold.progress.view import (
    LONGEST_VALUE,
    apart_first,
    cell,
    columns_fit,
    duration,
    label,
)

SHOWN, SHOWN_NARROW = 10, 4
"""Candidates that the live table shows, and where each takes several lines."""

FIXED_WIDTH = 54
"""Columns that take what is shown of each candidate beside its parameters."""

WRAPPED = ("parameters", "data")
"""Columns whose texts may be long."""


def searches_table(standings: Sequence[Standing]) -> Table:
    """A line a search, the earliest first."""
    table = _table("search", "begun", "done", "left", "best", "parameters", "data")
    for each in standings:
        best = each.best
        table.add_row(
            each.search.id,
            f"{datetime.fromtimestamp(each.begun, UTC):%Y-%m-%d %H:%M}",
            f"{each.done}/{each.total}",
            _left(each),
            "" if best is None else f"{each.metric} {fixed(best.mean, _places([best]))}",
            Text("" if best is None else label(best, varying(each.search.candidates))),
            Text(str(each.search.about["data"])),
        )
    return table


def search_table(standing: Standing, width: int, *, brief: bool = False) -> Table:
    """A line a candidate, the best first; if `brief`, as many of them as a screen has room for.

    A column a hyperparameter where they fit in `width`, else one column of all.
    """
    names, rows = varying(standing.search.candidates), standing.rows[: SHOWN if brief else None]
    cells = [[cell(row, name) for name in names] for row in rows]
    fit = columns_fit(names, cells, width - FIXED_WIDTH)
    if not fit:
        rows = rows[: SHOWN_NARROW if brief else None]
        ordered = apart_first(names, rows)
        room = 3 * max(width - FIXED_WIDTH, LONGEST_VALUE) if brief else None
        cells = [[label(row, ordered, room)] for row in rows]
    always = (standing.metric, "std_err", "folds", "cpu time", "candidate")
    table = _table(*always, *(names if fit else ["parameters"]))
    folds, places = len(standing.search.folds), _places(rows)
    for number, (row, values) in enumerate(zip(rows, cells, strict=True)):
        table.add_row(
            fixed(row.mean, places),
            fixed(row.std_err, places),
            Text(f"{row.folds}/{folds}", "red" if row.failed else ""),
            duration(row.cpu_seconds) if row.cpu_seconds else "",
            row.candidate,
            *map(Text, values),
            style="green" if number == 0 and row.folds == folds else "",
        )
    return table


def live_search(standing: Standing, now: float, width: int) -> RenderableType:
    """One search while it runs: how far it is, when it will be over, the best so far."""
    about = standing.search.about
    title = (
        f"{standing.search.id}  {about['target']} from {about['text_column']} of {about['data']}"
    )
    said = f"{standing.done}/{standing.total}  {_left(standing)}"
    since = now - standing.written
    said += "" if standing.over else f"   last fold {duration(since)} ago"
    bar = Table.grid(padding=(0, 1))
    room = max(8, min(40, width - len(said) - 3))
    total = max(standing.total, 1)
    bar.add_row(ProgressBar(total=total, completed=standing.done, width=room), Text(said))
    parts: list[RenderableType] = [Text(title, no_wrap=True, overflow="ellipsis"), bar, Text()]
    table = search_table(standing, width, brief=True)
    parts.append(table)
    if len(standing.rows) > table.row_count:
        parts.append(Text(f"and {len(standing.rows) - table.row_count} more candidates", "dim"))
    return Group(*parts)


def line(standing: Standing) -> str:
    """The same in one line, for where there is no terminal."""
    best, found = standing.best, ""
    if best is not None:
        said = label(best, varying(standing.search.candidates))
        found = f", best {standing.metric} {number_text(best.mean)}: {said}"
    return f"{standing.search.id}: {standing.done}/{standing.total}, {_left(standing)}{found}"


def _left(standing: Standing) -> str:
    failed = f", {standing.failed} failed" if standing.failed else ""
    if standing.over:
        return f"done{failed}"
    if standing.seconds_left is None:
        return f"time left unknown{failed}"
    return f"{duration(standing.seconds_left)} left{failed}"


def _places(rows: Sequence[Row]) -> int:
    """Decimals that suit the first row that has a score."""
    return next((score_decimals(r.mean, r.std_err) for r in rows if math.isfinite(r.mean)), 0)


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(Text(name), overflow="fold", no_wrap=name not in WRAPPED)
    return table
