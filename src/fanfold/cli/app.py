"""The command line: tune, run, estimate, predict, sample, compile, and those of other files."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from fanfold.cli import cluster, ledger
from fanfold.cli.exits import run_and_leave
from fanfold.cli.log import log, stdout
from fanfold.cli.options import (
    Assignments,
    Given,
    Overwrite,
    ParamsFile,
    Verbose,
    allowed_values,
    read_settings,
    takes_settings,
)
from fanfold.errors import UserError
from fanfold.estimators import xgboost_library
from fanfold.settings.cluster import cluster_fields, pipeline_parameters
from fanfold.settings.paths import check_apart, check_file
from fanfold.settings.search import describe, fields, from_mapping

app = typer.Typer(
    help="Cross-validate every combination of a hyperparameter grid over text; keep the best.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


UsageError = cast("type[Exception]", typer.BadParameter.__base__)
"""typer's, wherever it keeps it: arguments that no command takes, or too few of them."""


def main() -> None:
    """Run the command that the arguments say; the process ends with its exit code."""
    xgboost_library.only_fanfold = True
    run_and_leave(_command)


def _command() -> None:
    """The command, which says what its arguments get wrong as it says any other mistake."""
    try:
        code = app(standalone_mode=False)
    except typer.Abort as error:  # what typer makes of an EOFError, which says more
        raise (error.__cause__ or error) from None
    except UsageError as error:
        usage: Any = error
        said, context = usage.format_message(), usage.ctx
        if context and said == context.get_help():  # there were none at all
            typer.echo(said, err=True)
            raise SystemExit(2) from None
        said = " ".join(said.split()).rstrip(".")
        where = context.command_path if context else "fanfold"  # the parser tells none
        raise UserError(f"{said}; see {where} --help") from None
    raise SystemExit(code)  # of an interrupt, which a library may raise; a command gives None


Folder = Annotated[
    str, typer.Option("--output", metavar="DIR", help="Folder to write, here or in a bucket.")
]
File = Annotated[
    str, typer.Option("--output", metavar="FILE", help="File to write, here or in a bucket.")
]


@app.callback(invoke_without_command=True)
def _fanfold(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        from fanfold.versions import versions

        typer.echo(f"fanfold {versions().get('fanfold', '(not installed)')}")
        raise typer.Exit


@app.command()
@takes_settings("data", "max_tasks")
def tune(
    data: Annotated[str, typer.Argument(metavar="DATA", help=describe("data"))],
    output: Folder,
    given: Given,
    set_: Assignments = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    """Search in one process, on this machine.

    Every candidate of the grid is cross-validated, the best one trained on all training rows and
    scored once on rows held out. DIR gets the leaderboard, the model and a report.

    fanfold tune posts.csv --text-column post --target "log1p(votes)" --output found
    """
    console = log(verbose)
    settings = from_mapping(read_settings({**given, "data": data}, set_))
    from fanfold.local.tune import tune as search
    from fanfold.progress.view import following

    with following(settings.metric, console) as on_event:
        search(**settings.as_dict(), output=output, overwrite=overwrite, on_event=on_event)
    _show(output, settings.s3_endpoint)


@app.command()
def run(
    output: Folder,
    runner: Annotated[
        str, typer.Option(help="How tasks run: subprocess, or docker, each in a container.")
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
    """Run the compiled pipeline on this machine.

    Task by task, as a cluster would; DIR gets the same files as from tune.

    fanfold run --set data=posts.csv --set text_column=post --set target=votes --output found
    """
    console = log(verbose)
    settings = read_settings({}, set_, params)
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


@app.command()
@takes_settings("data", "estimated_cpu_hours")
def estimate(
    data: Annotated[str, typer.Argument(metavar="DATA", help=describe("data"))],
    given: Given,
    parallelism: Annotated[
        int, typer.Option(metavar="N", help="Tasks of cross_validate that run at once.")
    ] = 8,
    cpus: Annotated[int, typer.Option(metavar="N", help="Processors of each task.")] = 1,
    set_: Assignments = None,
    verbose: Verbose = False,
) -> None:
    """Estimate what a search will cost on a cluster, before it runs.

    Reads the table, and tries the cheapest and the dearest fit on one fold of some rows.

    fanfold estimate posts.csv --text-column post --target votes --cpu-hour-price 0.05
    """
    log(verbose)
    settings = from_mapping(read_settings({**given, "data": data}, set_))
    from fanfold.cli.closing_words import show_estimate
    from fanfold.search.estimate import estimate as of_search
    from fanfold.storage import s3_endpoint

    with s3_endpoint(settings.s3_endpoint):
        found = of_search(settings, parallelism=parallelism, cpus=cpus)
    show_estimate(found, settings.cpu_hour_price, stdout())


@app.command()
def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a trained model.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Table that has the text column.")],
    output: File,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    """Predict every row of a table.

    FILE ends in .csv or .parquet and gets `row` and `prediction`. `row` counts the table's rows
    from 1; a row that cannot be read has an empty prediction. All may lie in a bucket.

    fanfold predict found/model new.csv --output predictions.csv
    """
    console = log(verbose)
    from fanfold.models.model import load_model
    from fanfold.models.predict_table import check_ending, predict_table

    check_ending(output)
    check_apart(data, output)
    replaceable = check_file(output, overwrite)
    rows, unread = predict_table(load_model(model), data, output, replaceable)
    if unread:
        console.print(f"{unread:,} of {rows:,} rows could not be read: their prediction is empty")
    typer.echo(f"{rows:,} rows: {output}")


@app.command()
def sample(
    rows: Annotated[int, typer.Option(metavar="N", help="Rows to generate.")],
    output: File,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, another table.")] = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    """Generate a table to try things on.

    It is a made-up slang dictionary whose text explains its votes in part. FILE ends in .csv,
    .csv.gz or .csv.zst.

    fanfold sample --rows 20000 --output words.csv
    """
    log(verbose)
    from fanfold.tables.sample import DEFAULT_SEED, parse_sample_uri, write_sample

    check_file(output, overwrite)
    write_sample(output, parse_sample_uri(f"sample:{rows}"), DEFAULT_SEED if seed is None else seed)
    typer.echo(f"{rows:,} rows: {output}")


@app.command("compile")
def compile_(
    image: Annotated[str, typer.Option(metavar="IMAGE", help="Image that each task runs in.")],
    output: File,
    parallelism: Annotated[
        int | None, typer.Option(metavar="N", help="Tasks of cross_validate that run at once.")
    ] = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    """Write the pipeline as YAML for your image.

    Where Docker here knows the digest that the registry gave the image, when it was pushed or
    pulled, the pipeline names that: a tag may mean another image tomorrow.

    fanfold compile --image registry.example/fanfold:1 --output tune.yaml
    """
    console = log(verbose)
    check_file(output, overwrite)
    from fanfold.compiled import compiled_pipeline
    from fanfold.local import containers
    from fanfold.storage import write_bytes

    compiled = compiled_pipeline(image, parallelism)  # first: whether it is a name at all
    if pinned := containers.pinned(image):
        compiled = compiled_pipeline(pinned, parallelism)
    else:
        console.print(f"no digest of {image} is known here: the pipeline names it as it is")
    write_bytes(output, compiled.encode())
    typer.echo(f"upload this in the KFP UI: {output}")


app.add_typer(ledger.app, name="ledger")
app.command()(ledger.watch)
for command in (cluster.submit, cluster.results, cluster.logs):
    app.command()(command)


@app.command()
def settings() -> None:
    """Show every setting and its default.

    `--set name=value` takes each; those from preprocess_cpu on go with run and submit alone.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 1, 0), pad_edge=False)
    for name in ("setting", "default", "what it does"):
        table.add_column(name, overflow="fold")
    for each in (*fields(), *cluster_fields()):
        about, allowed = Text(each.metadata["description"]), allowed_values(each)
        if allowed:
            about.append(f"\n{allowed}", "dim")
        table.add_row(Text(each.name, "bold"), Text(str(each.default)), about)
    stdout().print(table)


def _show(output: str, endpoint: str) -> None:
    from fanfold.cli.closing_words import show_outcome
    from fanfold.storage import fetched, join, s3_endpoint

    with s3_endpoint(endpoint), fetched(output) as folder:
        show_outcome(folder, stdout(), report=join(output, "report.html"))
