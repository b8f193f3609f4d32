"""The check refuses what it is there to refuse, each time for the right reason."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipelines.yaml_check import faults

ROOT = Path(__file__).parents[2]
GOOD = list(yaml.safe_load_all((ROOT / "pipelines" / "tune.yaml").read_text(encoding="utf-8")))
LOOP = "for-loop-1"


def loop_task(spec: dict[str, Any]) -> dict[str, Any]:
    return spec["root"]["dag"]["tasks"][LOOP]


def executor(spec: dict[str, Any]) -> dict[str, Any]:
    return spec["deploymentSpec"]["executors"]["exec-preprocess"]["container"]


def unknown_field(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    spec["root"]["dag"]["tasks"]["preprocess"]["cachingOption"] = {}


def unknown_platform_field(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    executors["exec-preprocess"]["securityContexts"] = {}


def undeclared_input(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    declared = spec["components"]["comp-for-loop-1"]["inputDefinitions"]["parameters"]
    del declared["pipelinechannel--cross_validate_memory"]


def upstream_parameter(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    output = {"outputParameterKey": "Output", "producerTask": "expand-grid"}
    loop_task(spec)["inputs"]["parameters"]["all"] = {"taskOutputParameter": output}


def named_output(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    source = loop_task(spec)["inputs"]["parameters"]["pipelinechannel--expand-grid-Output"]
    source["taskOutputParameter"]["outputParameterKey"] = "items"


def nested_loop(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    inner = spec["components"]["comp-for-loop-1"]["dag"]["tasks"]["cross-validate"]
    inner["parameterIterator"] = {"items": {"raw": "[1, 2]"}, "itemInput": "share"}


def artifact_loop(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    task = loop_task(spec)
    del task["parameterIterator"]
    task["artifactIterator"] = {"items": {"inputArtifact": "pipelinechannel--preprocess-corpus"}}


def missing_component(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    del spec["components"]["comp-preprocess"]


def no_image(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    executor(spec)["image"] = ""


def long_argument(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    executor(spec)["command"].append("é" * 60_000)


def no_user(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    del platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train-final"]


def root_user(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    executors["exec-train-final"]["securityContext"]["runAsUser"] = "0"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (unknown_field, "not the schema.*cachingOption"),
        (unknown_platform_field, "not the schema.*securityContexts"),
        (undeclared_input, "cross-validate: its parent has no input .*cross_validate_memory"),
        (upstream_parameter, "'all' is another task's parameter"),
        (named_output, "loops over a named output"),
        (nested_loop, "a loop within a loop"),
        (artifact_loop, "loops over artifacts"),
        (missing_component, "root/preprocess: no component"),
        (no_image, "exec-preprocess: no image"),
        (long_argument, "exec-preprocess: an argument of 120,000 bytes"),
        (no_user, "exec-train-final: may run as root"),
        (root_user, "exec-train-final: may run as root"),
    ],
)
def test_a_pipeline_that_would_fail_somewhere_is_refused(
    damage: Callable[[dict[str, Any], dict[str, Any]], None], said: str
) -> None:
    documents = copy.deepcopy(GOOD)
    damage(*documents)
    found = "\n".join(faults(yaml.safe_dump_all(documents)))
    assert re.search(said, found), found


def test_a_pipeline_without_its_platform_document_is_refused() -> None:
    assert any("may run as root" in each for each in faults(yaml.safe_dump(GOOD[0])))
