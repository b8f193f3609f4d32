"""Which versions of what ran: stamped on every artifact."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

LIBRARIES = ("fanfold", "numpy", "scipy", "pandas", "polars", "scikit-learn", "xgboost")


def versions() -> dict[str, str]:
    """Version of Python and of each library that a number can depend on."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        for distribution in (library, f"{library}-cpu"):
            try:
                found[library] = metadata.version(distribution)
                break
            except metadata.PackageNotFoundError:
                continue
    return found


def git_revision() -> str:
    """The source's git revision: `FANFOLD_REVISION` (set in images), or of the checkout, or ``."""
    told = os.environ.get("FANFOLD_REVISION", "")
    here = Path(__file__).parent
    if told or not (here.parents[1] / ".git").exists():
        return told
    command = ["git", "-C", str(here), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
