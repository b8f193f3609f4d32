"""How the command line ends: one clear line an error, an exit code, and tidy when it is stopped.

0 success, 2 the user's mistake, 1 anything else, 128 + the signal when stopped (Ctrl-C: 130).
"""

from __future__ import annotations

import os
import signal
import sys
import time

# The rest is imported where it is needed: a signal that comes before these five modules are there
# ends Python with a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 3.0
"""After a signal, how long further ones are ignored: the tidying must not be broken off."""


class Stopped(BaseException):
    """A signal asked the process to stop; unwinds it so that temporary files are removed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def leave_when_stopped() -> None:
    """From here on a signal ends the process at once: there is nothing to unwind."""

    def leave(number: int, frame: object) -> None:
        try:
            os.write(2, b"stopped\n")
        finally:  # also where nobody reads
            os._exit(128 + number)

    _handle_signals(leave)


def run_and_leave(command: Callable[[], Any]) -> None:
    """Run `command`; where it fails or is stopped, say why in one line and leave the process."""
    from fanfold.errors import FanfoldError
    from fanfold.storage.room import room_told

    _unwind_when_stopped()
    # None where the caller closed it, as >&- does. First of all: no other file may get its place.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):  # a text that a terminal cannot show is no error
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        with room_told():
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
    finally:
        leave_when_stopped()  # Python's own end must not be broken off by an exception


def _unwind_when_stopped() -> None:
    """From here on a signal raises `Stopped` in the main thread."""
    last = -GRACE_SECONDS

    def stop(number: int, frame: object) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= GRACE_SECONDS:
            last = now
            raise Stopped(number)

    def again(ignored: sys.UnraisableHookArgs) -> None:
        """Python drops an exception that `__del__` or a callback raises: raise it once more."""
        nonlocal last
        stopped = ignored.exc_value
        if not isinstance(stopped, Stopped):
            sys.__unraisablehook__(ignored)
            return
        last = -GRACE_SECONDS
        signal.signal(signal.SIGALRM, lambda *_: stop(stopped.number, None))
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    _handle_signals(stop)
    sys.unraisablehook = again


def _handle_signals(handler: Callable[[int, Any], None]) -> None:
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means it
            signal.signal(number, handler)


def _leave(code: int, message: str, error: BaseException | None = None) -> NoReturn:
    """Write the message (and where the error arose, if that was asked for), and end at once.

    Threads may still be in the middle of long fits, for which the interpreter would wait.
    """
    import logging
    import traceback

    from fanfold.errors import FanfoldError

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
