"""xgboost comes without scikit-learn where a process is fanfold's own, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def in_a_process(program: str, **environment: str) -> str:
    """What `program` prints."""
    variables = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_task_searches_without_scikit_learn_and_leaves_anybody_elses_xgboost_whole(
    tmp_path: Path,
) -> None:
    model = tmp_path / "model"
    program = f"""
import sys, fanfold
found = fanfold.tune("sample:200", grid={{"n_estimators": [2]}}, folds=2)
found.model.save({str(model)!r})
print("xgboost" in sys.modules, "sklearn" in sys.modules, found.metrics["rmse"])
import sklearn.linear_model
"""
    regressor = """
import xgboost
print(type(xgboost.XGBRegressor(n_estimators=2).fit([[1], [2]], [1, 2])).__mro__)
"""
    alone = in_a_process(program, _KFP_RUNTIME="true").split()
    anywhere, kinds = in_a_process(program + regressor).splitlines()
    loading = f"""
import fanfold
print(fanfold.load_model({str(model)!r}).predict(["a text"]).shape)
"""
    shape, same = in_a_process(loading + regressor, _KFP_RUNTIME="true").splitlines()
    assert (shape, same) == ("(1,)", kinds)
    assert alone[:2] == ["True", "False"]
    assert anywhere.split()[:2] == ["True", "True"]
    assert alone[2] == anywhere.split()[2]
    assert "sklearn.base.BaseEstimator" in kinds
