"""xgboost, imported when it is first needed, and without scikit-learn where that hurts nobody.

xgboost imports scikit-learn, if there is one, for estimator classes that fanfold does not use.
That is two thirds of its start, 2 seconds in each task. A process that runs nothing but fanfold
does without them; in anybody else's `xgboost.XGBRegressor` must go on to work.
"""

from __future__ import annotations

import os
import sys
from typing import Any

only_fanfold = os.environ.get("_KFP_RUNTIME") == "true"
"""Whether this process runs nothing else. KFP sets the variable for the process of a task; the
command line sets this."""


def load_xgboost() -> Any:
    """The module xgboost."""
    if only_fanfold and "sklearn" not in sys.modules:
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # importing it fails
        try:
            import xgboost
        finally:
            sys.modules.pop("sklearn", None)
    import xgboost

    return xgboost
