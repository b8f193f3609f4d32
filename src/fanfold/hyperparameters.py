"""The names that a grid may hold: an estimator's own parameters, and the text settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fanfold.errors import UserError, did_you_mean
from fanfold.text import TextSettings


def check_names(parameters: Mapping[str, Any], allowed: list[str], owner: str) -> None:
    """Raise `UserError` for the first of `parameters` that is not among `allowed`."""
    for name in parameters:
        if name not in allowed:
            every = [*allowed, *TextSettings.names()]
            raise UserError(
                f"{owner} has no hyperparameter {name!r}{did_you_mean(name, every)};"
                f" allowed: {', '.join(every)}"
            )
