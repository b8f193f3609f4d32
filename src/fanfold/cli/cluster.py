"""The commands that need a KFP backend: `submit`, `results`, `logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli.access import Reach, reaches_kfp
from fanfold.cli.exits import Stopped
from fanfold.cli.log import log, stdout
from fanfold.cli.options import (
    Assignments,
    Given,
    Overwrite,
    ParamsFile,
    Verbose,
    check_every,
    check_patience,
    takes_settings,
)
from fanfold.cli.parameters import read_settings
from fanfold.errors import UserError
from fanfold.storage import scratch_folder

if TYPE_CHECKING:
    from rich.console import Console

    from fanfold.client import Kfp, Run

Patience = Annotated[
    float,
    typer.Option(metavar="MINUTES", help="How long to wait for a run that does not move."),
]
Every = Annotated[float, typer.Option(metavar="SECONDS", help="Time between two looks.")]


@takes_settings()
@reaches_kfp
def submit(
    reach: Reach,
    given: Given,
    params: ParamsFile = None,
    set_: Assignments = None,
    experiment: Annotated[str, typer.Option(metavar="NAME", help="Where to put the run.")] = "",
    name: Annotated[str, typer.Option(metavar="TEXT", help="Name of the run.")] = "",
    image: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="Image that each task runs in.")
    ] = None,
    parallelism: Annotated[
        int | None, typer.Option(metavar="N", help="Tasks of cross_validate that run at once.")
    ] = None,
    pipeline_root: Annotated[
        str, typer.Option(metavar="URI", help="Where artifacts go, such as s3://bucket/runs.")
    ] = "",
    service_account: Annotated[
        str, typer.Option(metavar="NAME", help="Service account of the pods.")
    ] = "",
    retry: Annotated[
        str, typer.Option(metavar="RUN", help="Go on with what failed in this run.")
    ] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait, and show the results.")] = False,
    patience: Patience = 24 * 60,
    every: Every = 5.0,
    verbose: Verbose = False,
) -> None:
    r"""Run the pipeline on a cluster.

    Without DATA the table is a generated one.

    fanfold submit s3://tables/posts.csv --text-column post \
        --target 'log1p(votes)' --set s3_secret=tables \
        --host http://localhost:8080 \
        --image registry.example/fanfold-python:1 --wait
    """
    console = log(verbose)
    check_every(every)
    check_patience(patience)
    settings = read_settings(given, set_, params)
    from fanfold import client

    of_a_run = (settings, experiment, name, image, parallelism, pipeline_root, service_account)
    if retry and any(each not in (None, "", {}) for each in of_a_run):
        raise UserError("--retry goes on with a run as it was begun: give nothing else of a run")
    kfp = reach()
    if retry:
        run = client.retry(kfp, retry)
    else:
        run = client.submit(
            kfp,
            settings,
            name=name,
            experiment=experiment,
            image=image,
            parallelism=parallelism,
            pipeline_root=pipeline_root,
            service_account=service_account,
        )
    typer.echo(f"Run {run.id}: {kfp.link(run.id)}")
    if wait:
        _show(kfp, _ended(kfp, run, console, patience, every, reach))


@reaches_kfp
def results(
    reach: Reach,
    run: Annotated[
        str, typer.Option(metavar="RUN", help="Id of a run; by default the latest that succeeded.")
    ] = "",
    download: Annotated[
        str, typer.Option(metavar="DIR", help="Folder for all files, here or in a bucket.")
    ] = "",
    overwrite: Overwrite = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the run to end.")] = False,
    patience: Patience = 24 * 60,
    every: Every = 5.0,
    verbose: Verbose = False,
) -> None:
    r"""Show and download what a run found.

    It is a run on a cluster. With --download all of its files come here, the model too.

    fanfold results --host http://localhost:8080 \
        --download found
    """
    console = log(verbose)
    check_every(every)
    check_patience(patience)
    from fanfold import client
    from fanfold.settings.paths import check_folder

    if wait and not run:
        raise UserError("--wait needs a run to wait for: --run RUN")
    if download:
        replaceable = check_folder(download, overwrite)
    kfp = reach()
    found = client.get_run(kfp, run) if run else client.latest_run(kfp)
    if wait:
        found = _ended(kfp, found, console, patience, every, reach)
    _show(kfp, found)
    if download:
        client.result_of(kfp, found).download(download, replaceable=replaceable)
        typer.echo(f"Files: {download}")


@reaches_kfp
def logs(
    reach: Reach,
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="Such as preprocess; by default all.")
    ] = "",
    run: Annotated[
        str, typer.Option(metavar="RUN", help="Id of a run; by default the latest that succeeded.")
    ] = "",
    verbose: Verbose = False,
) -> None:
    r"""Print the logs of a run's tasks.

    It is a run on a cluster. A task's log is there when its pod has ended.

    fanfold logs --host http://localhost:8080 --run RUN \
        cross_validate
    """
    log(verbose)
    from fanfold import client

    kfp = reach()
    found = client.get_run(kfp, run) if run else client.latest_run(kfp)
    empty = True
    for each in client.logs(kfp, found, task):
        typer.echo(f"{'' if empty else chr(10)}== {each.step}: {each.state}")
        typer.echo(each.text.rstrip())
        empty = False
    if empty:
        of, yet = f" of {task}" if task else "", "" if found.over else " yet"
        raise UserError(f"the run {found.id} has no log{of}{yet}")


def _ended(
    kfp: Kfp, run: Run, console: Console, patience: float, every: float, reach: Reach
) -> Run:
    """The run when it has ended; one who does not wait that long is told how to come back."""
    from fanfold import client
    from fanfold.client.ledger_watch import watching
    from fanfold.client.view import following

    try:
        with watching(run, every) as watch, following(console, watch) as on_look:
            return client.wait(
                kfp, run, patience=patience * 60, every=every, on_look=on_look, also=watch.done
            )
    except (Stopped, UserError, client.NotMoving, client.NotAnswering):
        again = f"fanfold results{reach.again()} --run {run.id} --wait"
        console.print(f"the run goes on; come back to it: {again}", soft_wrap=True)
        raise


def _show(kfp: Kfp, run: Run) -> None:
    from fanfold import client
    from fanfold.cli.closing_words import show_outcome
    from fanfold.client.view import leaderboard

    result = client.result_of(kfp, run)
    console = stdout()
    with scratch_folder() as scratch:
        result.write_told(scratch)
        show_outcome(scratch, console, report=result.report)
        console.print(f"Model: {result.model}\nRun: {kfp.link(run.id)}\n", soft_wrap=True)
        board = scratch / "leaderboard.csv"
        console.print(leaderboard(board, result.best["metric"], console.width))
