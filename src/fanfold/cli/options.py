"""The options that several commands take, an option for each setting among them."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import Field
from typing import Annotated, Any

import typer

from fanfold.errors import UserError
from fanfold.settings.search import BOUNDS, describe, fields

PANEL = "Settings"
DAY = 86_400
"""Seconds, at most, between two looks at something."""
METAVARS = {"int": "INTEGER", "float": "NUMBER", "str": "TEXT"}
KINDS = {"int": "a whole number", "float": "a number", "str": "", "bool": "true or false"}

Given = dict[str, Any]
"""Settings that a person gave, by name; text where it was typed."""

Folder = Annotated[
    str, typer.Option("--output", metavar="DIR", help="Folder to write, here or in a bucket.")
]
File = Annotated[
    str, typer.Option("--output", metavar="FILE", help="File to write, here or in a bucket.")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any setting that fanfold settings shows; may be repeated.",
    ),
]
ParamsFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Settings, as JSON or YAML; options and --set override them."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Log what happens, and where an error arose.")
]


DATA = inspect.Parameter(
    "data",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[str | None, typer.Argument(metavar="DATA", help=describe("data"))],
)


def option_of(name: str) -> str:
    """What takes the setting `name`: `--text-max-tokens` for `text__max_tokens`, or `DATA`."""
    return "DATA" if name == "data" else "--" + name.replace("__", "_").replace("_", "-")


def takes_settings(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the argument DATA, and an option for each other setting but those named.

    The command is passed those that were given, as text, in its parameter `given`.
    """

    def with_options(command: Callable[..., None]) -> Callable[..., None]:
        settings = {each.name: each for each in fields() if each.name not in ("data", *without)}

        @functools.wraps(command)
        def wrapper(ctx: typer.Context, **values: Any) -> None:
            options = {name: values.pop(name) for name in ("data", *settings)}
            told = {n: v for n, v in options.items() if _was_typed(ctx, n)}
            command(given=told, **values)

        own = inspect.signature(command, eval_str=True).parameters.values()
        keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        parameters = [DATA, *(each for each in keywords if each.name != "given")]
        parameters += [_parameter(each) for each in settings.values()]
        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        wrapper.__signature__ = inspect.Signature([*parameters, context])  # type: ignore[attr-defined]
        return wrapper

    return with_options


def _was_typed(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _parameter(field: Field[Any]) -> inspect.Parameter:
    """A setting as a parameter that typer makes an option of; its value is checked later."""
    flag = option_of(field.name)
    is_flag = field.type == "bool"
    choices = field.metadata["choices"]
    option = typer.Option(
        f"{flag}/--no-{flag.removeprefix('--')}" if is_flag else flag,
        help=field.metadata["description"],
        metavar=None if is_flag else "|".join(choices or [METAVARS[str(field.type)]]),
        show_default=field.default != "",
        rich_help_panel=PANEL,
    )
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default if is_flag else str(field.default),
        annotation=Annotated[bool if is_flag else str, option],
    )


def check_every(every: float) -> None:
    """Raise `UserError` for an `--every` that nobody means; NaN is none either."""
    if not 0 < every <= DAY:
        raise UserError(
            f"--every must be above 0 and at most {DAY} but is {every}: give seconds between two"
            " looks"
        )


def check_patience(patience: float) -> None:
    """Raise `UserError` for a `--patience` that nobody means; NaN is none either."""
    if not 0 < patience < math.inf:
        allowed = "above 0" if patience <= 0 else "finite"
        raise UserError(f"--patience must be {allowed} but is {patience}: give minutes")


def allowed_values(field: Field[Any]) -> str:
    """What a setting may be: `a number above 0, below 1`, `rmse, mae, rsq`; text is not said."""
    about = field.metadata
    if about["choices"]:
        return ", ".join(about["choices"])
    stated = [f"{word} {about[key]}" for key, (_, word) in BOUNDS.items() if about[key] is not None]
    return f"{KINDS[str(field.type)]} {', '.join(stated)}".strip()
