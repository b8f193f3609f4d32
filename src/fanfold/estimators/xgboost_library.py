"""xgboost, imported when it is first needed, and without scikit-learn where that hurts nobody.

xgboost imports scikit-learn, if there is one, for estimator classes that fanfold does not use.
That is two thirds of its start, 2 seconds in each task. A process that runs nothing but fanfold
does without them; in anybody else's, such as a KFP task that only loads a model,
`xgboost.XGBRegressor` must go on to work.
"""

from __future__ import annotations

import os
import sys
from typing import Any

only_fanfold = False
"""Whether this process runs nothing else; the command line sets this."""


def _alone() -> bool:
    # KFP sets the variable for each task; the steps are what fanfold's own run.
    step = os.environ.get("_KFP_RUNTIME") == "true" and "fanfold.steps" in sys.modules
    return only_fanfold or step


def load_xgboost() -> Any:
    """The module xgboost."""
    if _alone() and "sklearn" not in sys.modules:
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # importing it fails
        try:
            import xgboost
        finally:
            sys.modules.pop("sklearn", None)
    import xgboost

    return xgboost
