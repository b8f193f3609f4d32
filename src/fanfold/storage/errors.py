"""What can go wrong with a file or an object; no message holds a key id, a secret or a token."""

from __future__ import annotations

from fanfold.errors import FanfoldError, UserError

CHANGED = "has changed since it was first looked at: run again"


class NotFound(UserError):
    """There is no such file, object or bucket: the message names it."""


class AccessDenied(UserError):
    """The credentials are missing, wrong, expired or not enough: the message says which."""


class Unreachable(FanfoldError):
    """The server did not answer, or answered only that it cannot, for as long as one waits."""


class Changed(FanfoldError):
    """The file or object is no longer the one that was asked for, or that reading began with."""


class NoRoom(FanfoldError):
    """A disk is full: the message names the folder, how much is free, and what to do."""
