"""How the command line ends: one clear line an error, an exit code, and tidy when it is stopped.

0 success, 2 the user's mistake, 1 anything else, 128 + the signal when stopped (Ctrl-C: 130).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from fanfold.errors import FanfoldError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 3.0
"""After a signal, how long further ones are ignored: the tidying must not be broken off."""


class Stopped(BaseException):
    """A signal asked the process to stop; unwinds it so that temporary files are removed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_and_leave(command: Callable[[], Any]) -> None:
    """Run `command`; where it fails or is stopped, say why in one line and leave the process."""
    _catch_signals()
    # None where the caller closed it, as >&- does. First of all: no other file may get its place.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):  # a text that a terminal cannot show is no error
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        command()
    except Stopped as stopped:
        _leave(128 + stopped.number, "stopped")
    except FanfoldError as error:
        _leave(error.exit_code, f"error: {error}", error)
    except OSError as error:
        named = f": {error.filename}" if error.filename else ""
        _leave(1, f"error: {error.strerror or error}{named}", error)
    except Exception as error:
        _leave(1, f"error: {type(error).__name__}: {' '.join(str(error).split())}", error)


def _catch_signals() -> None:
    last = -GRACE_SECONDS

    def stop(number: int, frame: object) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= GRACE_SECONDS:
            last = now
            raise Stopped(number)

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means it
            signal.signal(number, stop)


def _leave(code: int, message: str, error: BaseException | None = None) -> NoReturn:
    """Write the message (and where the error arose, if that was asked for), and end at once.

    Threads may still be in the middle of long fits, for which the interpreter would wait.
    """
    if error is not None and logging.getLogger("fanfold").isEnabledFor(logging.INFO):
        traceback.print_exception(error)
    elif error is not None and not isinstance(error, FanfoldError | OSError):
        message += " (this is a defect of fanfold; --verbose shows where)"
    for handler in logging.getLogger().handlers:
        handler.acquire()  # never released: nothing that such a thread logs may follow
    try:
        sys.stdout.flush()
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
    except OSError:
        pass  # nobody reads any more
    os._exit(code)
