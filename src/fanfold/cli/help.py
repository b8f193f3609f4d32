"""What `--help` shows: a usage line that can be typed, and examples as they are written."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from fanfold.errors import UserError, did_you_mean

NARROW = 70
"""Columns below which names get less room, so that no word of their descriptions is cut."""


class Command(TyperCommand):
    """A command; paragraphs of its docstring that begin with `fanfold` are never wrapped anew."""

    def __init__(self, *positional: Any, help: str | None = None, **named: Any) -> None:
        super().__init__(*positional, help=with_examples(help or ""), **named)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Arguments, the options that are required, and `[OPTIONS]` for the others."""
        arguments, options = [], []
        parameters: list[Any] = self.get_params(ctx)
        for each in parameters:
            if each.param_type_name == "argument":
                more = "" if each.nargs == 1 else "..."
                arguments.append((each.metavar if each.required else f"[{each.metavar}]") + more)
            elif each.required:
                options.append(f"{each.opts[0]} {each.metavar}")
        return [*arguments, *options, "[OPTIONS]"]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """A section each for the arguments, the options, and the panels of options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        parameters: list[Any] = self.get_params(ctx)
        for each in parameters:
            record = each.get_help_record(ctx)
            if record is None:
                continue
            if each.param_type_name == "argument":
                sections.setdefault("Arguments", []).append((each.metavar, record[1]))
            else:
                panel = getattr(each, "rich_help_panel", None)  # --help itself has none
                sections.setdefault(panel or "Options", []).append(record)
        for name, rows in sections.items():
            with formatter.section(name):
                formatter.write_dl(rows, col_max=30 if formatter.width >= NARROW else 20)


class Group(TyperGroup):
    """A command of commands, whose docstring may hold examples too."""

    def __init__(self, *positional: Any, help: str | None = None, **named: Any) -> None:
        super().__init__(*positional, help=with_examples(help or ""), **named)


def with_examples(text: str) -> str:
    """`text`, in which paragraphs that begin with `fanfold` are marked to stay as they are."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(f"\b\n{p}" if p.startswith("fanfold ") else p for p in paragraphs)


def usage_of(ctx: Any) -> str:
    """The usage line of a context's command: `fanfold tune [DATA] --output DIR [OPTIONS]`."""
    return " ".join([ctx.command_path, *ctx.command.collect_usage_pieces(ctx)])


def show_help(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="By default all commands.")
    ] = None,
) -> None:
    """Show this list, or the help of a command.

    fanfold help tune
    """
    shown: Any = ctx.parent
    for word in words or []:
        commands = getattr(shown.command, "commands", {})
        if word not in commands:
            raise UserError(
                f"no command is named {word!r}{did_you_mean(word, commands)};"
                f" see {shown.command_path} --help"
            )
        shown = commands[word].make_context(word, [], parent=shown, resilient_parsing=True)
    typer.echo(shown.get_help())
