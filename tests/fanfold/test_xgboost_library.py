"""xgboost comes without scikit-learn where a process is fanfold's own, and only there."""

from __future__ import annotations

import os
import subprocess
import sys

SEARCH = 'found = fanfold.tune("sample:200", grid={"n_estimators": [2]}, folds=2)'


def in_a_process(program: str, **environment: str) -> str:
    """What `program` prints."""
    variables = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_task_searches_without_importing_scikit_learn() -> None:
    program = f"""
import sys, fanfold
{SEARCH}
print("xgboost" in sys.modules, "sklearn" in sys.modules, found.metrics["rmse"])
import sklearn.linear_model
"""
    alone = in_a_process(program, _KFP_RUNTIME="true").split()
    anywhere = in_a_process(program).split()
    assert alone[:2] == ["True", "False"]
    assert anywhere[:2] == ["True", "True"]
    assert alone[2] == anywhere[2]


def test_xgboosts_own_regressor_still_works_after_a_search_in_somebody_elses_process() -> None:
    program = f"""
import fanfold
{SEARCH}
import xgboost
print(type(xgboost.XGBRegressor(n_estimators=2).fit([[1], [2]], [1, 2])).__mro__)
"""
    assert "sklearn.base.BaseEstimator" in in_a_process(program)
