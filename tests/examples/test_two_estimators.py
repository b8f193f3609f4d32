"""A pipeline of somebody's own, made of the compiled components, compiles and runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fanfold
from tests.pipelines.yaml_check import faults

ROOT = Path(__file__).parents[2]
COMPILED = ROOT / "examples" / "two_estimators.yaml"
TREES = '{"max_depth": [2], "n_estimators": [5, 10]}'
LINES = '{"alpha": [0.1, 1.0]}'

RUN = """
import sys
from kfp import components, local

path, data, trees, lines = sys.argv[1:]
local.init(local.SubprocessRunner(use_venv=False), pipeline_root="artifacts")
task = components.load_component_from_file(path)(data=data, trees=trees, lines=lines)
print("THE OUTPUT:", task.output)
"""


def test_the_compiled_example_is_right_by_the_schema_and_for_kfp() -> None:
    found = faults(COMPILED.read_text(encoding="utf-8"))
    # Which user it runs as is its author's affair.
    assert [each for each in found if "may run as root" not in each] == []


@pytest.mark.slow
def test_it_runs_here_and_finds_what_two_searches_alone_find(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", RUN, COMPILED, "sample:300", TREES, LINES],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-2000:]
    (said,) = re.findall(r"THE OUTPUT: (.+)", ran.stdout)

    alone = [
        fanfold.tune("sample:300", grid=grid, estimator=estimator).best
        for estimator, grid in (("xgboost", TREES), ("sklearn.linear_model.Ridge", LINES))
    ]
    best = min(alone, key=lambda each: each["mean"])
    assert said == f"rmse {best['mean']:.4f} with {best['parameters']}"
