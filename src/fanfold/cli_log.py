"""Where progress and log lines of the command line go: one console, so that neither is torn."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


class _ToConsole(logging.Handler):
    """Log lines, above a live table where there is one."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        self.console.print(self.format(record), markup=False, soft_wrap=True)


def log(verbose: bool) -> Console:
    """Warnings (and, if `verbose`, what happens) go to the console that is returned."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    handler = _ToConsole(console)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("fanfold").setLevel(logging.INFO if verbose else logging.WARNING)
    logging.captureWarnings(True)
    return console
