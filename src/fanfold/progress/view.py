"""What a terminal shows of a search under way: a live table, or plain lines where it is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fanfold.estimators.hyperparameters import Parametrized, label_of, varying
from fanfold.number_text import fixed, number_text, score_decimals
from fanfold.progress.progress import Progress, Snapshot, Stage, Standing

if TYPE_CHECKING:
    from fanfold.progress.events import OnEvent

SHOWN = 5
"""Candidates that the live table shows."""

LONGEST_VALUE = 24
"""Characters of a parameter's value that are shown."""


def is_live(console: Console) -> bool:
    """Whether a table can move on `console`: with FORCE_COLOR rich takes a file for a terminal."""
    return console.is_terminal and console.file.isatty() and not console.is_dumb_terminal


@contextmanager
def following(metric: str, console: Console) -> Iterator[OnEvent]:
    """Shows on `console` the search whose events the yielded listener is told."""
    progress = Progress(metric)
    if not is_live(console):
        yield PlainLines(progress, lambda line: console.print(Text(line), soft_wrap=True)).tell
        return
    from rich.live import Live

    def view() -> RenderableType:
        return live_view(progress.snapshot(), console.width, ascii_only=console.options.ascii_only)

    with Live(get_renderable=view, console=console, refresh_per_second=4):
        try:
            yield progress.tell
        except BaseException:
            progress.end(broken=True)
            raise
        progress.end()


class PlainLines:
    """A line a stage, and while candidates are scored one about every 10 % or 30 s.

    Args:
        progress: is passed the events.
        write: takes a line.
        clock: seconds since some moment.
    """

    def __init__(
        self,
        progress: Progress,
        write: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress, self._write, self._clock = progress, write, clock
        self._stage = ""
        self._tenth = 0
        self._written = clock()

    def tell(self, event: Mapping[str, Any]) -> None:
        """Take note of an event, and write a line if it is time for one."""
        self._progress.tell(event)
        if event["event"] == "stage" and event["stage"] != self._stage:
            self._stage = event["stage"]
            self._line(self._stage)
        elif event["event"] == "score":
            done, total = self._progress.how_far()
            if event["remembered"] and done < total:
                return  # they come all at once
            tenth = 10 * done // max(total, 1)
            if tenth > self._tenth or self._clock() - self._written >= 30:
                self._tenth = tenth
                self._line(f"{self._stage}: {_in_words(self._progress.snapshot())}")

    def _line(self, text: str) -> None:
        self._written = self._clock()
        self._write(text)


def _in_words(now: Snapshot) -> str:
    parts = [f"{now.done}/{now.total} ({_percent(now)})"]
    if now.remembered:
        parts.append(f"{now.remembered} remembered")
    if now.seconds_left is not None and now.done < now.total:
        parts.append(f"{duration(now.seconds_left)} left")
    if now.standings:
        best, apart = now.standings[0], varying(now.standings)
        of = f"{now.folds_compared} of {now.folds} folds"
        mean = number_text(best.mean)
        parts.append(f"best {now.metric} {mean} on {of}: {label(best, apart)}")
    if now.failed:
        parts.append(f"{now.failed} failed")
    return ", ".join(parts)


def live_view(now: Snapshot, width: int, *, ascii_only: bool = False) -> RenderableType:
    """The stages, the best candidates so far and what failed, within `width` columns."""
    parts: list[RenderableType] = [_stages(now, width, ascii_only)]
    if now.remembered:
        known = f"{now.remembered} of {now.total} were remembered by the ledger"
        parts.append(Text(known, style="dim", no_wrap=True, overflow="ellipsis"))
    if now.standings:
        parts += [Text(), _comparison(now), _best(now.standings, now.metric, width)]
    if now.failed:
        what = f"{now.failed} of {now.candidates} candidates failed, the last: {now.failure}"
        parts.append(Text(what, style="red", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def _stages(now: Snapshot, width: int, ascii_only: bool) -> Table:
    over, under_way, to_come, broken = "*>.x" if ascii_only else "✓▸·✗"
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    if all(stage.seconds is None for stage in now.stages):
        started = Text(duration(now.seconds), style="dim")
        grid.add_row(Text(under_way, style="cyan"), Text("starting", style="bold"), started)
    for stage in now.stages:
        counted = stage.name == "cross_validate" and now.total
        if stage.over:
            done = f"{now.done}/{now.total}  " if counted else ""
            took = Text(done).append_text(_time(stage))
            grid.add_row(Text(over, style="green"), stage.name, took)
        elif stage.broken:
            grid.add_row(Text(broken, style="red"), Text(stage.name, style="bold"), _time(stage))
        elif stage.seconds is None:
            grid.add_row(Text(to_come, style="dim"), Text(stage.name, style="dim"))
        else:
            how_far = _bar(now, stage, width - 18) if counted else _time(stage)
            grid.add_row(Text(under_way, style="cyan"), Text(stage.name, style="bold"), how_far)
    return grid


def _time(stage: Stage) -> Text:
    return Text(duration(stage.seconds or 0), style="dim")


def _bar(now: Snapshot, stage: Stage, width: int) -> Table:
    """Done and total, the time so far and the time left, and a bar, as far as there is room."""
    counted, spent = f"{now.done}/{now.total}", duration(stage.seconds or 0)
    times = [spent]
    if now.seconds_left is not None:
        left = f"{duration(now.seconds_left)} left"
        times = [f"{spent}, {left}", left]
    wordings = [
        f"{counted}  {_percent(now)}  {times[0]}",
        *(f"{counted}  {each}" for each in times),
    ]
    said = next((each for each in wordings if len(each) <= width), counted)
    bar = Table.grid(padding=(0, 1))
    room = min(32, width - len(said) - 2)
    if room >= 8:
        bar.add_row(ProgressBar(total=now.total, completed=now.done, width=room), Text(said))
    else:
        bar.add_row(Text(said))
    return bar


def _comparison(now: Snapshot) -> Text:
    of = f"{len(now.standings)} of {now.candidates} candidates"
    folds = f"{now.folds_compared} of {now.folds} folds"
    return Text(f"best so far: mean {now.metric} on {folds}, {of}", style="dim")


def _best(standings: tuple[Standing, ...], metric: str, width: int) -> Table:
    """The first standings: a column a parameter where they fit, else one line each or two."""
    names, shown = varying(standings), standings[:SHOWN]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(metric, justify="right", no_wrap=True)
    values = [[cell(each, name) for name in names] for each in shown]
    places = score_decimals(shown[0].mean)
    if columns_fit(names, values, width - 10):
        for name in names:
            table.add_column(Text(name), no_wrap=True, justify="right")
        cells = values
    else:
        table.add_column("parameters")
        ordered = apart_first(names, shown)
        cells = [[label(each, ordered, 2 * (width - 14))] for each in shown]
    for number, (each, row) in enumerate(zip(shown, cells, strict=True)):
        cells_as_text = map(Text, row)  # a value in brackets is no markup
        table.add_row(
            fixed(each.mean, places), *cells_as_text, style="green" if number == 0 else ""
        )
    return table


def columns_fit(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether a column for each of `names`, which the cells of `rows` stand in, fits in `width`."""
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    return sum(widths) + 2 * len(widths) <= width


def apart_first(names: Sequence[str], those: Sequence[Parametrized]) -> list[str]:
    """`names`, first those that set `those` apart: what comes last may be cut."""
    apart = varying(those)
    return sorted(names, key=lambda name: name not in apart)


def label(each: Parametrized, names: Sequence[str], room: int | None = None) -> str:
    """What `each` says of the hyperparameters `names`, within so many characters."""
    said = label_of({name: cell(each, name) for name in names if name in each.parameters})
    return said if room is None else cut(said, room)


def cell(each: Parametrized, name: str) -> str:
    """What `each` says of one hyperparameter, if it says anything."""
    return cut(str(each.parameters[name])) if name in each.parameters else ""


def cut(text: str, length: int = LONGEST_VALUE) -> str:
    """`text`, its end left out where it is longer than `length`."""
    return text if len(text) <= length else text[: length - 3] + "..."


def _percent(now: Snapshot) -> str:
    return f"{100 * now.done // max(now.total, 1)} %"


def duration(seconds: float) -> str:
    """Seconds as people say them: `12 s`, `3 min 05 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
