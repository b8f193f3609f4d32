"""How long a server that fails is waited for, with growing pauses."""

from __future__ import annotations

import logging
import math
import os
import random
import time

from fanfold.errors import UserError

logger = logging.getLogger(__name__)

PATIENCE_VARIABLE = "FANFOLD_STORAGE_PATIENCE"
PATIENCE_SECONDS = 75.0
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0
LONGEST_ANSWER_SECONDS = 60.0
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


def patience_seconds() -> float:
    """How long failures in a row are borne: what the environment says, or 75 seconds.

    Raises:
        UserError: the variable holds something other than a number of seconds.
    """
    text = os.environ.get(PATIENCE_VARIABLE, "")
    try:
        seconds = float(text) if text else PATIENCE_SECONDS
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UserError(f"{PATIENCE_VARIABLE} must be a number of seconds, but is {text!r}")
    return seconds


def answer_seconds() -> float:
    """How long a server may take over an answer, or over the next piece of one: 60 s at most."""
    return max(1.0, min(LONGEST_ANSWER_SECONDS, patience_seconds()))


class Patience:
    """Bears failures in a row for a limited time, over as many requests as it takes.

    Requests that share one do not each wait anew for a server that is gone: once it is used up,
    each gets a single try, until one succeeds or it was used up as long ago.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = patience_seconds() if seconds is None else seconds
        self._failures = 0
        self._first = 0.0
        self._used_up: float | None = None

    def wait(self, what: str, reason: str) -> bool:
        """Pause after a failure, and say whether to try again.

        Args:
            what: that which failed, for the log.
            reason: why, in a few words, without a secret.
        """
        now = time.monotonic()
        if self._used_up is not None and now - self._used_up > self.seconds:
            self.succeeded()
        if self._failures == 0:
            self._first = now
        left = self._first + self.seconds - now
        if left <= 0:
            self._used_up = self._used_up or now
            return False
        self._failures += 1
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**self._failures)
        pause = min(left, random.uniform(longest / 2, longest))  # not all clients at once
        logger.warning(
            "storage_retry what=%r reason=%r attempt=%d pause_seconds=%.1f left_seconds=%.0f",
            what,
            reason,
            self._failures,
            pause,
            left,
        )
        time.sleep(pause)
        return True

    def succeeded(self) -> None:
        """Forget the failures before."""
        self._failures = 0
        self._used_up = None


def reason(error: BaseException) -> str:
    """Why a connection failed, in a few words: what the system said, or the error's kind.

    The message of the error itself is not used: an HTTP client's may hold a whole URL, and a
    URL a token.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        inner = next((part for part in seen.args if isinstance(part, BaseException)), None)
        seen = seen.__cause__ or inner or seen.__context__
    return type(error).__name__
