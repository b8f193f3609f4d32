"""The commands that look into a ledger: `ledger ls`, `ledger show`, `watch`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli.log import log, stdout
from fanfold.cli.options import check_every
from fanfold.errors import UserError, did_you_mean
from fanfold.settings.search import METRICS

if TYPE_CHECKING:
    from fanfold.ledger import Ledger, SearchRecord

app = typer.Typer(help="Look into a ledger of finished folds.", no_args_is_help=True)

Uri = Annotated[
    str, typer.Argument(metavar="LEDGER", help="Folder, or gs:// or s3:// address, of a ledger.")
]
Metric = Annotated[
    str, typer.Option(metavar="|".join(METRICS), help="Metric that candidates are compared by.")
]
Search = Annotated[
    str, typer.Argument(metavar="[SEARCH]", help="Id of a search; by default the one begun last.")
]


@app.command("ls")
def list_searches(uri: Uri, metric: Metric = METRICS[0]) -> None:
    """List the searches of a ledger: progress, and the best so far.

    fanfold ledger ls s3://results/ledger
    """
    console = log(verbose=False)
    from fanfold.ledger.standing import Follower
    from fanfold.ledger.view import searches_table

    ledger, searches = _searches(uri, metric)
    if not searches:
        console.print(f"no search was begun in {uri!r} yet")
        return
    table = searches_table([Follower(ledger, each, metric).look() for each in searches])
    stdout().print(table)


@app.command("show")
def show_search(uri: Uri, search: Search = "", metric: Metric = METRICS[0]) -> None:
    """Show one search: a line a candidate, the best first.

    fanfold ledger show s3://results/ledger 3f21c026ce8b
    """
    log(verbose=False)
    from fanfold.ledger.standing import Follower
    from fanfold.ledger.view import search_table

    ledger, searches = _searches(uri, metric)
    standing = Follower(ledger, _chosen(searches, search, uri), metric).look()
    console = stdout()
    console.print(search_table(standing, console.width))


def watch(
    uri: Uri,
    search: Search = "",
    metric: Metric = METRICS[0],
    every: Annotated[float, typer.Option(metavar="SECONDS", help="Time between two looks.")] = 2.0,
) -> None:
    """Follow a search by its ledger alone, whoever computes it, wherever; ends when it does.

    fanfold watch s3://results/ledger
    """
    console = log(verbose=False)
    from rich.live import Live

    from fanfold.ledger.standing import Follower
    from fanfold.ledger.view import line, live_search
    from fanfold.progress.view import is_live

    check_every(every)
    ledger, searches = _searches(uri, metric)
    while not searches:
        console.print(f"waiting for a search to begin in {uri!r}")
        time.sleep(max(every, 2))
        searches = ledger.searches()
    follower = Follower(ledger, _chosen(searches, search, uri), metric)
    standing = follower.look()
    if not is_live(console):
        console.print(line(standing), soft_wrap=True)
        while not standing.over:
            time.sleep(every)
            before, standing = standing, follower.look()
            if (standing.done, standing.failed) != (before.done, before.failed):
                console.print(line(standing), soft_wrap=True)
        return

    def view() -> object:
        return live_search(standing, time.time(), console.width)

    with Live(get_renderable=view, console=console, refresh_per_second=2):  # type: ignore[arg-type]
        while not standing.over:
            time.sleep(every)
            standing = follower.look()


def _searches(uri: str, metric: str) -> tuple[Ledger, list[SearchRecord]]:
    from fanfold.ledger import Ledger

    if metric not in METRICS:
        raise UserError(
            f"metric must be one of {', '.join(METRICS)} but is {metric!r}"
            f"{did_you_mean(metric, METRICS)}"
        )
    ledger = Ledger(uri)
    return ledger, ledger.searches()


def _chosen(searches: list[SearchRecord], search: str, uri: str) -> SearchRecord:
    """The search of this id, or one that begins so; without an id the latest."""
    found = [each for each in searches if each.id.startswith(search)]
    if not search and found:
        return found[-1]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(each.id for each in searches) or "none"
    what = "several searches begin with" if found else "no search is"
    raise UserError(f"{what} {search!r} in {uri!r}, which has {ids}")
