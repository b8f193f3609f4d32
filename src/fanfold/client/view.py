"""What a terminal shows of a run on a cluster, and of what it found."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from fanfold.client.ledger_watch import LedgerWatch
from fanfold.client.runs import Run
from fanfold.estimators.hyperparameters import label_of
from fanfold.number_text import fixed, score_decimals
from fanfold.progress.progress import STAGES
from fanfold.progress.view import columns_fit, cut, duration, is_live
from fanfold.search.baseline import BASELINE

if TYPE_CHECKING:
    from fanfold.client.waiting import OnLook

SHOWN = 10
"""Candidates that are shown of a leaderboard."""

FIXED_WIDTH = 28
"""Columns that take what is shown of each candidate beside its parameters."""

AT_WORK = ("PENDING", "RUNNING")


@contextmanager
def following(console: Console, watch: LedgerWatch) -> Iterator[OnLook]:
    """Shows on `console` what the yielded listener is told: a live table, or lines."""
    if not is_live(console):
        lines = PlainLines(lambda text: console.print(Text(text), soft_wrap=True))
        yield lambda run, note: lines.tell(run, note, watch)
        return
    from rich.live import Live

    shown: list[tuple[Run, str]] = []

    def view() -> RenderableType:
        if not shown:
            return Text("waiting")
        run, note = shown[-1]
        return run_view(run, note, watch, console.width, ascii_only=console.options.ascii_only)

    with Live(get_renderable=view, console=console, refresh_per_second=2):
        yield lambda run, note: shown.__setitem__(slice(None), [(run, note)])


class PlainLines:
    """A line whenever a run has moved, or there is something else to say of it."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._last = ""
        self._noted = False

    def tell(self, run: Run, note: str, watch: LedgerWatch) -> None:
        """Write a line, if it is time for one."""
        line = in_words(run, watch)
        if line != self._last:
            self._last = line
            self._write(line)
        if note and not self._noted:
            self._write(note)
        self._noted = bool(note)


def in_words(run: Run, watch: LedgerWatch) -> str:
    """How a run stands, in one line."""
    steps = [f"{step} {said}" for step in STAGES if (said := _said(run, step))]
    standing = watch.standing
    if standing is not None:
        steps.append(f"{standing.done}/{standing.total} scores in the ledger")
    return f"{run.state}: {', '.join(steps)}" if steps else run.state


def run_view(
    run: Run, note: str, watch: LedgerWatch, width: int, *, ascii_only: bool = False
) -> RenderableType:
    """The run's state, its steps, the ledger's table and what else there is to say."""
    over, at_work, to_come, broken = "*>.x" if ascii_only else "✓▸·✗"
    seconds = time.time() - datetime.fromisoformat(run.created).timestamp() if run.created else 0
    title = Text(f"{run.name}  {run.state}  ", style="bold").append(duration(seconds), "dim")
    grid = Table.grid(padding=(0, 1))
    for step in STAGES:
        states = {task.state for task in run.of_step(step)}
        if "FAILED" in states:
            mark, style = broken, "red"
        elif states.intersection(AT_WORK):
            mark, style = at_work, "cyan"
        elif states:
            mark, style = over, "green"
        else:
            mark, style = to_come, "dim"
        grid.add_row(Text(mark, style), Text(step, "" if states else "dim"), Text(_said(run, step)))
    parts: list[RenderableType] = [title, grid]
    if watch.standing is not None:
        from fanfold.ledger.view import live_search

        parts += [Text(), live_search(watch.standing, time.time(), width)]
    if note:
        parts.append(Text(note, style="yellow"))
    return Group(*parts)


def _said(run: Run, step: str) -> str:
    """`done`, `running`; of several tasks how many: `3 of 8 done, 2 running`."""
    states = Counter(task.state for task in run.of_step(step))
    total = states.total()
    done = states["SUCCEEDED"] + states["SKIPPED"]
    rest = {name: states[name] for name in ("RUNNING", "PENDING", "FAILED") if states[name]}
    if total == 1:
        return "done" if done else "".join(rest).lower()
    parts = [f"{done} of {total} done"] if total else []
    return ", ".join([*parts, *(f"{count} {name.lower()}" for name, count in rest.items())])


def leaderboard(path: Path, metric: str, width: int) -> Table:
    """The best rows of a `leaderboard.csv`.

    A column a hyperparameter where they fit in `width`, else one column of all.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = list(rows[0])
    names = columns[columns.index("candidate") + 1 : columns.index("rmse_mean")]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    cells = [[cut(row[name]) for name in names] for row in rows[:SHOWN]]
    fit = columns_fit(names, cells, width - FIXED_WIDTH)
    for name in ("rank", metric, "std_err", *(names if fit else ())):
        table.add_column(Text(name), no_wrap=True, justify="right")
    if not fit:
        table.add_column("parameters", overflow="fold")
    numbers = [
        [float(row[f"{metric}_{what}"] or "nan") for what in ("mean", "std_err")]
        for row in rows[:SHOWN]
    ]
    for row, values, own in zip(rows[:SHOWN], cells, numbers, strict=True):
        shown = [fixed(each, score_decimals(*numbers[0])) for each in own]
        rank = row["rank"] or row["candidate"]
        given = {name: value for name, value in zip(names, values, strict=True) if value}
        label = "" if row["candidate"] == BASELINE else label_of(given)
        table.add_row(rank, *shown, *map(Text, values if fit else [label]))
    return table
