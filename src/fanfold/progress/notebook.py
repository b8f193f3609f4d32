"""What a notebook shows of a search under way: one output that is drawn again, no widgets."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from fanfold.progress.events import OnEvent, ignore

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

SECONDS_BETWEEN = 0.5
"""How often the output is drawn again."""

WIDTH = 96  # columns

_COLOURS = [(0, 0, 0), (214, 69, 61), (38, 148, 84), (176, 120, 16), (58, 120, 210)]
_COLOURS += [(160, 90, 190), (24, 146, 166), (128, 128, 128)]
"""Those of a terminal from black to white, as they can be read on a light and a dark page."""

_PRE = (
    '<pre style="margin:0;line-height:1.35;white-space:pre;overflow-x:auto;'
    "font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\">{code}</pre>"
)


def showing(metric: str, wanted: bool | None) -> AbstractContextManager[OnEvent]:
    """Within the block the yielded listener shows the search whose events it is told.

    Args:
        metric: that the search goes by.
        wanted: None shows it only in a notebook and in IPython.
    """
    shell = _shell()
    if wanted is False or (wanted is None and shell is None):
        return nullcontext(ignore)
    if getattr(shell, "kernel", None) is not None:
        return _in_notebook(metric)
    from rich.console import Console

    from fanfold.progress.view import following

    return following(metric, Console(stderr=True))


def _shell() -> Any:
    """The IPython that runs this code; None where none does."""
    find = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return find() if find else None


@contextmanager
def _in_notebook(metric: str) -> Iterator[OnEvent]:
    from IPython.display import display

    from fanfold.progress.progress import Progress

    progress, over = Progress(metric), threading.Event()
    output = display(_drawn(progress), raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def draw_again() -> None:
        while not over.wait(SECONDS_BETWEEN):
            output.update(_drawn(progress), raw=True)

    # Copied, so that the output belongs to the cell that runs now.
    thread = threading.Thread(target=copy_context().run, args=(draw_again,), daemon=True)
    thread.start()
    broken = True
    try:
        yield progress.tell
        broken = False
    finally:
        over.set()
        thread.join()
        progress.end(broken=broken)
        output.update(_drawn(progress), raw=True)


def _drawn(progress: Any) -> dict[str, str]:
    """How the search stands, by MIME type."""
    from rich.console import Console
    from rich.terminal_theme import TerminalTheme

    from fanfold.progress.view import live_view

    console = Console(
        file=io.StringIO(), record=True, width=WIDTH, force_jupyter=False, force_terminal=True
    )
    console.print(live_view(progress.snapshot(), WIDTH))
    theme = TerminalTheme((255, 255, 255), (0, 0, 0), _COLOURS)
    html = console.export_html(theme=theme, code_format=_PRE, inline_styles=True, clear=False)
    return {"text/plain": console.export_text().rstrip(), "text/html": html}
