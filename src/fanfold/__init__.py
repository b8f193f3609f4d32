"""fanfold: cross-validated tuning of text models, on Kubeflow Pipelines or in one process."""

from __future__ import annotations

import os
from importlib import import_module

# False, which editors must not know: jedi would take what is imported below for never reached.
# (`typing` has it too, and takes longer to import than all that is here.)
TYPE_CHECKING = bool(0)
if TYPE_CHECKING:
    from typing import Any

    from fanfold.errors import DamagedError, FanfoldError, UserError
    from fanfold.local.tune import TuneResult, tune
    from fanfold.models.model import Model, load_model
    from fanfold.settings.search import Settings

    __version__: str

__all__ = [
    "DamagedError",
    "FanfoldError",
    "Model",
    "Settings",
    "TuneResult",
    "UserError",
    "__version__",
    "load_model",
    "tune",
]

_HOMES = {
    "DamagedError": "errors",
    "FanfoldError": "errors",
    "Model": "models.model",
    "Settings": "settings.search",
    "TuneResult": "local.tune",
    "UserError": "errors",
    "load_model": "models.model",
    "tune": "local.tune",
}

# A thread that waits for another one sleeps, and does not spin. On processors that others use
# too, as a container's are, spinning costs dearly: beside six busy processes on two cores a fit
# on two threads took 18 s, and 3.7 s so. Alone it takes longer for it, 0.8 s for 0.55. And its
# stack is `fanfold.resources.STACK`, also where `ulimit -s` is larger: one that finds no room ends
# the process. OpenMP reads both when it is loaded, so they stand before all that brings it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_STACKSIZE", "8M")


def __getattr__(name: str) -> Any:
    """Public names are imported when first used: a task pays only for what it needs."""
    if name == "__version__":
        from importlib.metadata import version

        return version("fanfold")
    if name not in _HOMES:
        raise AttributeError(f"module 'fanfold' has no attribute {name!r}")
    return getattr(import_module(f"fanfold.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names too that are not imported yet, for IPython to complete."""
    return sorted({*globals(), *__all__})
