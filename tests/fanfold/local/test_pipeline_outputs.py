"""Which artifact of a run is missing, from folders as kfp.local lays them out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fanfold.local.pipeline_outputs import Outputs
from fanfold.progress.progress import STAGES

ARTIFACTS = {step: ["one", "two"] for step in STAGES}
LOOP = ["for-loop-1-iteration-0/cross-validate", "for-loop-1-iteration-1/cross-validate"]
FOLDERS = ["expand-grid", "preprocess", *LOOP, "select-best", "train-final"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two iterations that has written everything, beside the file of its events."""
    (tmp_path / "events.jsonl").touch()
    for folder in FOLDERS:
        for name in ("one", "two"):
            (tmp_path / "fanfold-tune-now" / folder / name).mkdir(parents=True)
    return tmp_path / "fanfold-tune-now"


@pytest.mark.parametrize("before", ["", *STAGES])
def test_where_everything_is_nothing_is_missing(before: str, run: Path) -> None:
    assert Outputs(run.parent, ARTIFACTS, tasks=2).missing(before) is None


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_artifact_that_is_not_there_is_missed_once_a_later_step_begins(
    folder: str, run: Path
) -> None:
    shutil.rmtree(run / folder / "two")
    step = folder.rpartition("/")[2].replace("-", "_")
    outputs = Outputs(run.parent, ARTIFACTS, tasks=2)
    assert outputs.missing() == f"{step}: two"
    later = STAGES[max(2, STAGES.index(step) + 1) :]  # the first two do not wait for each other
    assert {each for each in STAGES if outputs.missing(each)} == set(later)


def test_an_iteration_that_left_nothing_is_missed(run: Path) -> None:
    assert Outputs(run.parent, ARTIFACTS, tasks=3).missing("select_best") == "cross_validate: one"


def test_before_anything_has_been_written_everything_is_missing(tmp_path: Path) -> None:
    assert Outputs(tmp_path, ARTIFACTS, tasks=2).missing() == "expand_grid: one"
