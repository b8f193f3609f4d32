"""The pipeline's text for a cluster and for this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fanfold.compiled import (
    artifacts,
    compiled_pipeline,
    for_this_machine,
    image_of,
    image_to_run,
)
from fanfold.errors import UserError

COMPONENTS = Path(__file__).parents[2] / "components"


@pytest.mark.parametrize(
    ("cpus", "tasks", "at_once", "threads"),
    [(1, 2, 1, 1), (2, 1, 1, 2), (2, 2, 2, 1), (3, 8, 2, 1), (8, 8, 2, 4), (8, 1, 1, 8)],
)
def test_tasks_that_run_at_once_share_the_processors(
    cpus: int, tasks: int, at_once: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.resources.usable_cpus", lambda: cpus)
    spec = next(yaml.safe_load_all(for_this_machine(compiled_pipeline(), tasks, this_python=True)))
    loop = spec["root"]["dag"]["tasks"]["for-loop-1"]
    executors = spec["deploymentSpec"]["executors"]
    assert loop["iteratorPolicy"]["parallelismLimit"] == at_once
    told = {name: each["container"].get("env", []) for name, each in executors.items()}
    assert told.pop("exec-cross-validate") == [{"name": "FANFOLD_THREADS", "value": str(threads)}]
    assert not any(told.values())


def test_an_image_of_ones_own_stands_in_every_task_and_nothing_else_changes() -> None:
    text = compiled_pipeline("registry.example:5000/me/python-fanfold:1")
    images = [
        executor["container"].pop("image")
        for executor in next(yaml.safe_load_all(text))["deploymentSpec"]["executors"].values()
    ]
    assert images == ["registry.example:5000/me/python-fanfold:1"] * 5
    assert len(text.splitlines()) == len(compiled_pipeline().splitlines())


@pytest.mark.parametrize("image", ["", "two words", "line\nbreak", "a: b", "-x", '"quoted"'])
def test_what_cannot_be_an_image_is_refused(image: str) -> None:
    with pytest.raises(UserError, match="no image's name"):
        compiled_pipeline(image)


def test_a_parallelism_below_one_is_refused() -> None:
    with pytest.raises(UserError, match="parallelism must be at least 1 but is 0"):
        compiled_pipeline(parallelism=0)


def test_in_containers_tasks_run_in_the_python_of_the_image() -> None:
    here, there = (
        next(yaml.safe_load_all(for_this_machine(compiled_pipeline(), 2, this_python=each)))
        for each in (True, False)
    )
    committed = next(yaml.safe_load_all(compiled_pipeline()))
    for name, executor in committed["deploymentSpec"]["executors"].items():
        command = executor["container"]["command"]
        assert there["deploymentSpec"]["executors"][name]["container"]["command"] == command
        assert here["deploymentSpec"]["executors"][name]["container"]["command"] != command


def test_the_image_of_a_pipeline_is_that_of_its_tasks() -> None:
    assert image_of(compiled_pipeline("registry.example/python:1")) == "registry.example/python:1"


def test_the_image_to_run_is_the_one_given_or_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FANFOLD_IMAGE", raising=False)
    assert image_to_run("registry.example/python:1") == "registry.example/python:1"
    with pytest.raises(UserError, match="which image.* name it by --image or FANFOLD_IMAGE"):
        image_to_run(None)
    monkeypatch.setenv("FANFOLD_IMAGE", "registry.example/python:2")
    assert image_to_run(None) == "registry.example/python:2"
    assert image_to_run("registry.example/python:1") == "registry.example/python:1"


def test_the_artifacts_of_the_pipeline_are_those_of_its_components() -> None:
    found = {}
    for path in COMPONENTS.glob("*/component.yaml"):
        (component,) = next(yaml.safe_load_all(path.read_text()))["components"].values()
        found[path.parent.name] = sorted(component["outputDefinitions"]["artifacts"])
    assert len(found) == 5
    assert artifacts(compiled_pipeline()) == found
