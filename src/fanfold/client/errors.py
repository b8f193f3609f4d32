"""What can go wrong between here and a run; no message holds a token or a cookie."""

from __future__ import annotations

from fanfold.errors import FanfoldError, UserError


class NotAnswering(FanfoldError):
    """KFP did not answer, or answered only that it cannot now: asked later it may."""


class Refused(UserError):
    """KFP did not do what was asked: the message says why, as KFP puts it."""


class Gone(UserError):
    """KFP has nothing of this name."""


class RunFailed(FanfoldError):
    """A run ended without a result; the message names the task, and ends with its last lines."""


class NotMoving(FanfoldError):
    """Nothing of a run has changed for as long as one waits; it goes on."""
