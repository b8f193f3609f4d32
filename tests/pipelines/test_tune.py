"""The search as a pipeline: its parameters, what KFP can take of it, and a thousand candidates."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from fanfold import steps
from fanfold.compiled import compiled_pipeline
from fanfold.errors import UserError
from fanfold.local.pipeline_run import run_pipeline
from fanfold.settings.cluster import ClusterSettings
from fanfold.settings.search import Settings
from tests.pipelines.yaml_check import faults

ROOT = Path(__file__).parents[2]
COMPILED = ROOT / "pipelines" / "tune.yaml"
SPEC, PLATFORM = yaml.safe_load_all(COMPILED.read_text(encoding="utf-8"))

JSON_KINDS = {
    "tolerations": "LIST",
    "node_selector": "STRUCT",
    "cross_validate_tolerations": "LIST",
    "cross_validate_node_selector": "STRUCT",
}
KINDS = {"str": "STRING", "int": "NUMBER_INTEGER", "float": "NUMBER_DOUBLE", "bool": "BOOLEAN"}

LIMIT = 100_000
"""Bytes, of the 128 KiB that Linux takes in one argument."""


def tasks() -> dict[str, dict[str, Any]]:
    """Every task that runs a container, by name."""
    dags = [SPEC["root"], *SPEC["components"].values()]
    every = {
        name: task
        for each in dags
        for name, task in each.get("dag", {"tasks": {}})["tasks"].items()
    }
    return {name: task for name, task in every.items() if "parameterIterator" not in task}


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("pipelines/*.yaml")) + sorted(ROOT.glob("components/*/*.yaml"))
)
def test_every_compiled_file_is_right_by_the_schema_and_for_kfp(path: Path) -> None:
    found = faults(path.read_text(encoding="utf-8"))
    if path.parent.parent.name == "components":  # the user is for a pipeline to set
        found = [each for each in found if "may run as root" not in each]
    assert found == []


def test_the_parameters_are_the_settings_with_their_types_defaults_and_descriptions() -> None:
    parameters = SPEC["root"]["inputDefinitions"]["parameters"]
    settings = {
        each.name: {
            "defaultValue": json.loads(each.default)
            if each.metadata["json_type"]
            else each.default,
            "description": f"{each.metadata['description']}.",
            "isOptional": True,
            "parameterType": JSON_KINDS[each.name] if each.name in JSON_KINDS else KINDS[each.type],
        }
        for kind in (Settings, ClusterSettings)
        for each in dataclasses.fields(kind)
    }
    assert parameters == settings


def test_the_description_which_the_form_shows_names_every_setting_of_the_search() -> None:
    description = SPEC["pipelineInfo"]["description"]
    for each in dataclasses.fields(Settings):
        assert f"\n- {each.name}: " in description


def test_the_grid_is_expanded_beside_the_reading_of_the_table() -> None:
    assert "dependentTasks" not in tasks()["expand-grid"]
    assert "dependentTasks" not in tasks()["preprocess"]


def test_what_reads_an_address_or_tells_the_results_is_not_cached_and_all_else_may_be() -> None:
    cached = {
        name: task["cachingOptions"].get("enableCache", False) for name, task in tasks().items()
    }
    assert cached == {
        "preprocess": False,
        "expand-grid": True,
        "cross-validate": True,
        "select-best": True,
        "train-final": False,
    }


def test_every_task_has_a_title_retries_and_resources_that_are_parameters() -> None:
    assert len(tasks()) == 5
    for name, task in tasks().items():
        step = name.replace("-", "_")
        assert task["taskInfo"]["name"][0].isupper()
        assert task["retryPolicy"]["maxRetryCount"] == 3
        resources = SPEC["deploymentSpec"]["executors"][f"exec-{name}"]["container"]["resources"]
        for kind in ("cpu", "memory"):
            channel = f"{{{{$.inputs.parameters['pipelinechannel--{step}_{kind}']}}}}"
            words = (f"resource{kind.title()}Limit", f"resource{kind.title()}Request")
            assert [resources[word] for word in words] == [channel, channel]
            assert f"pipelinechannel--{step}_{kind}" in task["inputs"]["parameters"]


def test_pods_go_where_the_parameters_say_and_only_the_fits_to_spot_nodes() -> None:
    executors = PLATFORM["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name, pod in executors.items():
        own = "cross_validate_" if name == "exec-cross-validate" else ""
        (toleration,) = pod["tolerations"]
        assert toleration["tolerationJson"]["componentInputParameter"].endswith(f"{own}tolerations")
        selector = pod["nodeSelector"]["nodeSelectorJson"]["componentInputParameter"]
        assert selector.endswith(f"{own}node_selector")
    preferred = executors["exec-train-final"]["nodeAffinity"]
    assert [each["weight"] for each in preferred] == [100, 100]
    assert not any("nodeAffinity" in executors[name] for name in executors if "final" not in name)


def test_the_results_that_kfp_shows_have_the_types_that_it_shows() -> None:
    shown = {
        (name.removeprefix("comp-"), output): about["artifactType"]["schemaTitle"]
        for name, each in SPEC["components"].items()
        for output, about in each.get("outputDefinitions", {}).get("artifacts", {}).items()
    }
    assert shown["select-best", "report"] == "system.HTML"
    assert shown["train-final", "report"] == "system.HTML"
    assert shown["train-final", "metrics"] == "system.Metrics"
    assert shown["train-final", "model"] == "system.Model"


def test_another_image_and_parallelism_are_what_compiling_with_them_gives() -> None:
    image = "registry.example:5000/team/python-fanfold@sha256:" + "0f" * 32
    chosen = {"FANFOLD_IMAGE": image, "FANFOLD_PARALLELISM": "3"}
    compiled = subprocess.run(
        [sys.executable, "-m", "pipelines.tune"],
        cwd=ROOT,
        env={**os.environ, **chosen},
        check=True,
        capture_output=True,
        text=True,
    )
    assert compiled.stdout == compiled_pipeline(image, parallelism=3)
    assert compiled.stdout.count(image) == 5
    assert compiled_pipeline() == COMPILED.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_thousand_candidates_run_in_few_tasks_and_stay_under_every_limit(tmp_path: Path) -> None:
    grid = {
        "learning_rate": [round(0.05 + 0.05 * n, 2) for n in range(10)],
        "subsample": [round(0.55 + 0.05 * n, 2) for n in range(10)],
        "n_estimators": list(range(1, 11)),
    }
    settings = {"data": "sample:300", "folds": 2, "grid": json.dumps(grid), "max_tasks": 3}
    asked: list[str] = []

    def note(event: Any) -> None:
        if event["event"] == "score":
            asked.append(event["candidate"])

    run_pipeline(settings, output=tmp_path / "found", on_event=note)
    board = pd.read_csv(tmp_path / "found" / "leaderboard.csv")
    assert len(board) == 1001
    assert board["error"].isna().all()
    assert len(asked) == 2000
    assert len(set(asked)) == 1000


def a_grid(count: int) -> str:
    """`count` candidates, a multiple of ten, that share no fit."""
    rates = [round(0.0001 * n, 4) for n in range(1, count // 10 + 1)]
    subsamples = [round(0.1 * n, 1) for n in range(1, 11)]
    return json.dumps({"learning_rate": rates, "subsample": subsamples})


@pytest.mark.parametrize(("count", "most"), [(1000, 32), (1000, 1000), (7000, 32)])
def test_what_a_loop_hands_out_stays_under_the_limit(count: int, most: int, tmp_path: Path) -> None:
    settings = Settings(grid=a_grid(count), max_tasks=most)
    items = steps.expand_grid(settings, steps.Artifacts.in_folder(tmp_path))
    assert len(items) == most
    assert len(json.dumps(items).encode()) <= LIMIT
    assert len({each for item in items for each in item["candidates"].split()}) == count


def test_a_grid_that_is_too_large_to_be_handed_out_is_refused_before_anything_runs(
    tmp_path: Path,
) -> None:
    settings = Settings(grid=a_grid(8000))
    with pytest.raises(UserError, match=r"8,000 candidates, .* make the grid smaller"):
        steps.expand_grid(settings, steps.Artifacts.in_folder(tmp_path))
