"""Where the command line writes: progress and log lines to one console, results to another."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


PIPED_WIDTH = 200
"""Columns of a table that goes to a file or a pipe."""


class _ToConsole(logging.Handler):
    """Log lines, above a live table where there is one."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        self.console.print(self.format(record), soft_wrap=True)


def log(verbose: bool) -> Console:
    """Warnings (and, if `verbose`, what happens) go to the console that is returned."""
    console = _console(stderr=True)
    handler = _ToConsole(console)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("fanfold").setLevel(logging.INFO if verbose else logging.WARNING)
    logging.captureWarnings(True)
    return console


def stdout() -> Console:
    """Standard output; where it is no terminal, wide enough that no line is broken."""
    console = _console()  # by FORCE_COLOR rich would take a file for a terminal
    return console if console.file.isatty() else _console(width=PIPED_WIDTH)


def _console(**how: Any) -> Console:
    """One that shows a text as it is: `[a]` is no markup and `:key:` no picture."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, **how)
