"""The commands that search, or estimate a search, on this machine: `tune`, `run`, `estimate`."""

from __future__ import annotations

from typing import Annotated

import typer

from fanfold.cli.log import log, stdout
from fanfold.cli.options import (
    Assignments,
    Folder,
    Given,
    Overwrite,
    ParamsFile,
    Verbose,
    takes_settings,
)
from fanfold.cli.parameters import read_settings
from fanfold.errors import UserError
from fanfold.settings.cluster import pipeline_parameters
from fanfold.settings.search import Settings


@takes_settings("max_tasks")
def tune(
    output: Folder,
    given: Given,
    params: ParamsFile = None,
    set_: Assignments = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    r"""Search on this machine, in one process.

    Every candidate of the grid is cross-validated; the best one is trained on all training rows
    and scored once on rows held out. DIR gets the leaderboard, the model and a report.

    fanfold tune posts.csv --text-column post \
        --target 'log1p(votes)' --output found
    """
    console = log(verbose)
    settings = _settings_of_a_table("tune", given, set_, params)
    from fanfold.local.tune import tune as search
    from fanfold.progress.view import following

    with following(settings.metric, console) as on_event:
        search(**settings.as_dict(), output=output, overwrite=overwrite, on_event=on_event)
    _show(output, settings.s3_endpoint)


@takes_settings()
def run(
    output: Folder,
    given: Given,
    runner: Annotated[
        str,
        typer.Option(
            metavar="subprocess|docker", help="How tasks run; by docker each in a container."
        ),
    ] = "subprocess",
    image: Annotated[
        str | None,
        typer.Option(metavar="IMAGE", help="Image of the containers, in place of the pipeline's."),
    ] = None,
    params: ParamsFile = None,
    set_: Assignments = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    r"""Run the compiled pipeline on this machine.

    The tasks run one by one, as on a cluster. DIR gets the same files as from tune. Without DATA
    the table is a generated one.

    fanfold run posts.csv --text-column post \
        --target 'log1p(votes)' --output found
    """
    console = log(verbose)
    settings = read_settings(given, set_, params)
    checked, _ = pipeline_parameters(settings)
    from fanfold.local.pipeline_run import run_pipeline
    from fanfold.progress.view import following

    with following(checked.metric, console) as on_event:
        run_pipeline(
            settings,
            output=output,
            overwrite=overwrite,
            runner=runner,
            image=image,
            on_event=on_event,
        )
    _show(output, checked.s3_endpoint)


@takes_settings("estimated_cpu_hours")
def estimate(
    given: Given,
    parallelism: Annotated[
        int, typer.Option(metavar="N", help="Tasks of cross_validate that run at once.")
    ] = 8,
    cpus: Annotated[int, typer.Option(metavar="N", help="Processors of each task.")] = 1,
    params: ParamsFile = None,
    set_: Assignments = None,
    verbose: Verbose = False,
) -> None:
    r"""Estimate what a search costs on a cluster.

    Reads the table, and tries the cheapest and the dearest fit on one fold of some rows.

    fanfold estimate posts.csv --text-column post \
        --target 'log1p(votes)' --cpu-hour-price 0.05
    """
    log(verbose)
    settings = _settings_of_a_table("estimate", given, set_, params)
    from fanfold.cli.closing_words import show_estimate
    from fanfold.search.estimate import estimate as of_search
    from fanfold.storage import s3_endpoint

    with s3_endpoint(settings.s3_endpoint):
        found = of_search(settings, parallelism=parallelism, cpus=cpus)
    show_estimate(found, settings.cpu_hour_price, stdout())


def _settings_of_a_table(
    command: str, given: Given, assignments: list[str] | None, params: str | None
) -> Settings:
    """The settings of a search of a table that is named; those of pods have no effect on it."""
    named = read_settings(given, assignments, params)
    if "data" not in named:
        raise UserError(
            "Missing argument 'DATA': name the table, such as posts.csv or sample:20000;"
            f" see fanfold {command} --help"
        )
    settings, _ = pipeline_parameters(named)
    return settings


def _show(output: str, endpoint: str) -> None:
    from fanfold.cli.closing_words import show_outcome
    from fanfold.storage import fetched, join, s3_endpoint

    with s3_endpoint(endpoint), fetched(output) as folder:
        show_outcome(folder, stdout(), report=join(output, "report.html"))
