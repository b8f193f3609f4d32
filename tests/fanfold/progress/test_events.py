"""What a search tells: an error travels with the kind that decides how its caller ends."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.errors import DamagedError, FanfoldError, UserError
from fanfold.progress import events
from fanfold.storage import AccessDenied, Changed, NotFound, Unreachable


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UserError, "UserError"),
        (NotFound, "UserError"),
        (AccessDenied, "UserError"),
        (DamagedError, "DamagedError"),
        (FanfoldError, "FanfoldError"),
        (Unreachable, "FanfoldError"),
        (Changed, "FanfoldError"),
        (ValueError, ""),
    ],
)
def test_an_error_of_a_stage_is_told_by_its_kind(error: type[Exception], kind: str) -> None:
    told: list[Any] = []
    with events.listening(told.append), pytest.raises(error), events.stage("preprocess"):
        raise error("what happened")
    assert told[0] == {"event": "stage", "stage": "preprocess"}
    assert told[1]["kind"] == kind
    assert "what happened" in told[1]["message"]
    codes = {each.__name__: each.exit_code for each in events.KINDS}
    assert codes.get(kind, 1) == getattr(error, "exit_code", 1)
