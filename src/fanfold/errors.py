"""What can go wrong, by whose doing: the user's input, a file, or fanfold itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FanfoldError(Exception):
    """Base of every error that fanfold raises on purpose; its message is one clear line."""

    exit_code = 1


class UserError(FanfoldError, ValueError):
    """The input is wrong: the message names the value, what is allowed and what to do."""

    exit_code = 2


class DamagedError(FanfoldError):
    """A file that fanfold wrote is missing, cut short or changed: the message names it."""


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """The hint `; did you mean 'x'?`, or nothing where no allowed name is near."""
    folded = {each.lower(): each for each in allowed}
    near = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""
