"""The command line: its commands, those of other files among them, and what runs one."""

from __future__ import annotations

import textwrap
from dataclasses import Field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from fanfold.cli import cluster, ledger, search
from fanfold.cli.exits import run_and_leave
from fanfold.cli.help import Command, Group, show_help, usage_of
from fanfold.cli.log import log, stdout
from fanfold.cli.options import File, Overwrite, Verbose, allowed_values
from fanfold.errors import UserError
from fanfold.estimators import xgboost_library
from fanfold.settings.cluster import cluster_fields
from fanfold.settings.paths import check_apart, check_file
from fanfold.settings.search import fields

if TYPE_CHECKING:
    from rich.text import Text

    from fanfold.models.model import Model

WIDEST = 100
"""Columns at most of help and of settings: longer lines are hard to read."""

HELP = r"""Cross-validate every combination of a hyperparameter grid over text; keep the best.

fanfold tune posts.csv --text-column post \
    --target 'log1p(up_votes + down_votes)' --output found
"""

app = typer.Typer(
    cls=Group,
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
)

command = partial(app.command, cls=Command)

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
        if context and said.startswith(("Missing", "Got unexpected")):
            said += f": the command is {usage_of(context)}"
        raise UserError(f"{said}; see {where} --help") from None
    raise SystemExit(code)  # of an interrupt, which a library may raise; a command gives None


@app.callback(invoke_without_command=True)
def _fanfold(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        from fanfold.versions import versions

        typer.echo(f"fanfold {versions().get('fanfold', '(not installed)')}")
        raise typer.Exit


for each in (search.tune, search.run, search.estimate):
    command()(each)


@command()
def predict(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Folder of a search's results, or its model.")
    ],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Table that has the text column.")],
    output: File,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    """Predict every row of a table.

    FILE ends in .csv or .parquet and gets `row` and `prediction`. `row` counts the table's rows
    from 1; a row that cannot be read has an empty prediction. All may lie in a bucket.

    fanfold predict found new.csv --output predictions.csv
    """
    console = log(verbose)
    from fanfold.models.predict_table import check_ending, predict_table

    check_ending(output)
    check_apart(data, output)
    replaceable = check_file(output, overwrite)
    loaded = _model(model, data)
    rows, unread = predict_table(loaded, data, output, replaceable)
    if unread:
        console.print(f"{unread:,} of {rows:,} rows could not be read: their prediction is empty")
    typer.echo(f"{rows:,} rows: {output}")
    typer.echo(f"prediction: {loaded.manifest['settings']['target']}")


def _model(model: str, data: str) -> Model:
    """The model at `model`; `UserError` that says so where the two were named in turned order."""
    from fanfold.models.model import holds_model, load_model

    try:
        return load_model(model)
    except UserError:
        if not holds_model(data):
            raise
        raise UserError(
            f"the model comes first, then the table: fanfold predict {data} {model} --output FILE"
        ) from None


@command()
def sample(
    rows: Annotated[int, typer.Option(metavar="N", help="Rows to generate.")],
    output: File,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Another seed, another table.")
    ] = None,
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


@command("compile")
def compile_(
    image: Annotated[str, typer.Option(metavar="IMAGE", help="Image that each task runs in.")],
    output: File,
    parallelism: Annotated[
        int | None, typer.Option(metavar="N", help="Tasks of cross_validate that run at once.")
    ] = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    r"""Write the pipeline as YAML for your image.

    Where Docker here knows the digest that the registry gave the image, when it was pushed or
    pulled, the pipeline names that: a tag may mean another image tomorrow.

    fanfold compile --image registry.example/fanfold:1 \
        --output tune.yaml
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
command()(ledger.watch)
for each in (cluster.submit, cluster.results, cluster.logs):
    command()(each)


@command()
def settings() -> None:
    """Show every setting and its default.

    `--set NAME=VALUE` takes each. tune, run, estimate and submit also have an option for those
    of a search, such as --text-column.
    """
    width, console = min(log(verbose=False).width, WIDEST), stdout()
    groups = {"Of a search:": fields(), "Of the pods, for run and submit alone:": cluster_fields()}
    for title, those in groups.items():
        console.print(f"{title}\n")
        for each in those:
            console.print(_setting(each, width), soft_wrap=True)


def _setting(field: Field[Any], width: int) -> Text:
    """A setting as `name=default`, and below it what it does and what is allowed."""
    from rich.text import Text

    def wrapped(text: str, first: str = "    ") -> str:
        return textwrap.fill(
            text, width, initial_indent=first, subsequent_indent="    ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip

    said = Text(wrapped(f"{field.name}={field.default}", first=""))
    said.stylize("bold", 0, len(field.name))
    said.append(f"\n{wrapped(field.metadata['description'])}\n")
    if allowed := allowed_values(field):
        said.append(f"{wrapped(allowed)}\n", "dim")
    return said


command("help")(show_help)
