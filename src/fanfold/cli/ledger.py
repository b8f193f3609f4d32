"""The commands that look into a ledger: `ledger ls`, `ledger show`, `watch`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli.help import Command, Group
from fanfold.cli.log import log, stdout
from fanfold.cli.options import check_every, check_patience
from fanfold.errors import FanfoldError, UserError
from fanfold.settings.search import METRICS
from fanfold.tasks.metric_names import metric_hint

if TYPE_CHECKING:
    from rich.console import Console

    from fanfold.ledger import Ledger, SearchRecord
    from fanfold.ledger.standing import Follower

app = typer.Typer(cls=Group, help="Look into a ledger of finished folds.", no_args_is_help=True)

Uri = Annotated[
    str, typer.Argument(metavar="LEDGER", help="Folder, or gs:// or s3:// address, of a ledger.")
]
Metric = Annotated[
    str, typer.Option(metavar="|".join(METRICS), help="Metric that candidates are compared by.")
]
Search = Annotated[
    str, typer.Argument(metavar="SEARCH", help="Id of a search; by default the one begun last.")
]


@app.command("ls", cls=Command)
def list_searches(uri: Uri, metric: Metric = METRICS[0]) -> None:
    """List the searches of a ledger.

    Of each it shows how far it is, and the best candidate so far.

    fanfold ledger ls s3://results/ledger
    """
    console = log(verbose=False)
    from fanfold.ledger.standing import Follower
    from fanfold.ledger.view import searches_table

    ledger = _ledger(uri, metric)
    searches = _searches(ledger, uri)
    if not searches:
        console.print(_none_begun(uri), soft_wrap=True)
        return
    table = searches_table([Follower(ledger, each, metric).look() for each in searches])
    stdout().print(table)


@app.command("show", cls=Command)
def show_search(uri: Uri, search: Search = "", metric: Metric = METRICS[0]) -> None:
    """Show the candidates of one search.

    Each has a line, the best first.

    fanfold ledger show s3://results/ledger 3f21c026ce8b
    """
    log(verbose=False)
    from fanfold.ledger.standing import Follower
    from fanfold.ledger.view import search_table

    ledger = _ledger(uri, metric)
    standing = Follower(ledger, _chosen(_searches(ledger, uri), search, uri), metric).look()
    console = stdout()
    console.print(search_table(standing, console.width))


def watch(
    uri: Uri,
    search: Search = "",
    metric: Metric = METRICS[0],
    patience: Annotated[
        float, typer.Option(metavar="MINUTES", help="How long to wait for a search to begin.")
    ] = 10.0,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="Time between two looks.")] = 2.0,
) -> None:
    """Follow a search by its ledger.

    It may run anywhere: here, in a pipeline or on a cluster. The command ends when the search
    does.

    fanfold watch s3://results/ledger
    """
    console = log(verbose=False)
    from fanfold.ledger.standing import Follower
    from fanfold.progress.view import is_live

    check_every(every)
    check_patience(patience)
    ledger = _ledger(uri, metric)
    searches = ledger.searches() or _awaited(ledger, uri, console, 60 * patience, every)
    follower = Follower(ledger, _chosen(searches, search, uri), metric)
    follow = _follow_live if is_live(console) else _follow_in_lines
    follow(follower, console, every)


def _follow_in_lines(follower: Follower, console: Console, every: float) -> None:
    """Print a line whenever folds were finished, until the search is over."""
    from fanfold.ledger.view import line

    standing = follower.look()
    console.print(line(standing), soft_wrap=True)
    while not standing.over:
        time.sleep(every)
        before, standing = standing, follower.look()
        if (standing.done, standing.failed) != (before.done, before.failed):
            console.print(line(standing), soft_wrap=True)


def _follow_live(follower: Follower, console: Console, every: float) -> None:
    """Show a table that moves, until the search is over."""
    from rich.live import Live

    from fanfold.ledger.view import live_search

    standing = follower.look()

    def view() -> object:
        return live_search(standing, time.time(), console.width)

    with Live(get_renderable=view, console=console, refresh_per_second=2):  # type: ignore[arg-type]
        while not standing.over:
            time.sleep(every)
            standing = follower.look()


def _awaited(
    ledger: Ledger, uri: str, console: Console, patience: float, every: float
) -> list[SearchRecord]:
    """The searches of a ledger that has none yet, looked for during `patience` seconds.

    Raises:
        FanfoldError: there is still none.
    """
    from fanfold.progress.view import duration

    deadline = time.monotonic() + patience
    with _waiting(uri, console, duration(patience), deadline):
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(every, left))
            if searches := ledger.searches():
                return searches
    raise FanfoldError(
        f"no search began in {uri!r} within {duration(patience)}: see that it is the --ledger of"
        " the search, or wait longer with --patience"
    )


@contextmanager
def _waiting(uri: str, console: Console, patience: str, deadline: float) -> Iterator[None]:
    """Shows that a search is waited for: one line, which counts down on a terminal."""
    from rich.live import Live
    from rich.text import Text

    from fanfold.progress.view import duration, is_live

    if not is_live(console):
        console.print(f"waiting up to {patience} for a search in {uri!r}", soft_wrap=True)
        yield
        return

    def view() -> Text:
        left = duration(max(0, deadline - time.monotonic()))
        return Text(f"waiting for a search in {uri!r}: {left} left")

    with Live(get_renderable=view, console=console, refresh_per_second=2, transient=True):
        yield


def _ledger(uri: str, metric: str) -> Ledger:
    """The ledger at `uri`, which may not be there yet; `UserError` where it cannot be one."""
    from fanfold.ledger import Ledger
    from fanfold.storage import is_remote, place

    if metric not in METRICS:
        raise UserError(
            f"metric must be one of {', '.join(METRICS)} but is {metric!r}"
            f"{metric_hint(metric, METRICS)}"
        )
    if not uri:
        raise UserError(
            "the ledger '' has no name: give the address that the search had as --ledger"
        )
    if not is_remote(uri) and Path(place(uri)).is_file():
        raise UserError(f"{uri!r} is a file: a ledger is a folder, so give that")
    return Ledger(uri)


def _searches(ledger: Ledger, uri: str) -> list[SearchRecord]:
    """The searches of the ledger at `uri`.

    Raises:
        UserError: nothing lies there, or files that are none of a ledger.
    """
    from fanfold.storage import exists, is_remote, place

    searches = ledger.searches()
    if searches or not ledger.is_empty():
        return searches
    give = "give the address that the search had as --ledger"
    if exists(uri):
        raise UserError(f"no ledger at {uri!r}, where other files lie: {give}")
    if is_remote(uri) or not Path(place(uri)).is_dir():
        raise UserError(f"no ledger at {uri!r}, where nothing lies: {give}")
    return searches


def _none_begun(uri: str) -> str:
    return f"no search was begun in {uri!r}"


def _chosen(searches: list[SearchRecord], search: str, uri: str) -> SearchRecord:
    """The search of this id, or one that begins so; without an id the latest."""
    if not searches:
        raise UserError(f"{_none_begun(uri)}: run one with this --ledger")
    found = [each for each in searches if each.id.startswith(search)]
    if not search:
        return found[-1]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(each.id for each in searches)
    what = "several searches have ids" if found else "no search has an id"
    raise UserError(f"{what} that begin{'' if found else 's'} with {search!r}; {uri!r} has {ids}")
