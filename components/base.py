"""What the components share: the image that they run in, and where descriptions come from."""

import inspect
import os
from collections.abc import Callable
from typing import Any, TypeVar

from fanfold.settings.search import describe, fields

DEFAULT_IMAGE = "your-registry.invalid/fanfold-python:0.1.0"
"""Nobody publishes an image yet, and nobody can under this name: `.invalid` leads nowhere.

Its name holds `python`: without that kfp.local warns at each task.
"""

IMAGE = os.environ.get("FANFOLD_IMAGE") or DEFAULT_IMAGE
"""The image of every component, chosen when they are compiled."""

Function = TypeVar("Function", bound=Callable[..., Any])


def described(function: Function) -> Function:
    """Completes the `Args` of the docstring by the settings that the function takes.

    KFP reads the descriptions of inputs there, and those of outputs under `Returns`, which
    must come last.
    """
    settings = {each.name for each in fields()}
    text, returns, outputs = inspect.cleandoc(function.__doc__ or "").partition("\nReturns:\n")
    lines = [text.rstrip()] if "\nArgs:\n" in text else [text, "Args:"]
    for name in inspect.signature(function).parameters:
        if name in settings:
            lines.append(f"    {name}: {describe(name)}.")
    function.__doc__ = "\n".join([*lines, f"{returns}{outputs}"])
    return function
