"""What is wrong with a compiled pipeline: the schema, the wiring, and what KFP gets wrong itself.

A local run and a cluster each accept pipelines that the other one does not, or runs with wrong
values; `faults` names what one of them would trip over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

LONGEST_ARGUMENT = 100_000
"""Bytes; Linux takes 128 KiB in one argument, and a component's source is one."""

Fields = dict[str, Any]


def faults(text: str) -> list[str]:
    """One line for each fault of the pipeline, none where it is right."""
    spec, platform = [*yaml.safe_load_all(text), {}][:2]
    try:
        json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
        json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
        for config in _kubernetes(platform).values():
            json_format.ParseDict(config, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
    except json_format.ParseError as error:
        return [f"not the schema: {error}"]
    return [*_wiring("root", spec["root"], spec), *_containers(spec, platform)]


def _kubernetes(platform: Fields) -> Fields:
    deployment = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
    return dict(deployment.get("executors", {}))


def _wiring(name: str, dag_component: Fields, spec: Fields) -> Iterator[str]:
    """Faults between the tasks of a DAG, and of those inside it."""
    declared = dag_component.get("inputDefinitions", {})
    for task_name, task in dag_component["dag"]["tasks"].items():
        where = f"{name}/{task_name}"
        for kind, key in (("parameters", "Parameter"), ("artifacts", "Artifact")):
            for given in task.get("inputs", {}).get(kind, {}).values():
                outer = given.get(f"componentInput{key}")
                if outer is not None and outer not in declared.get(kind, {}):
                    yield f"{where}: its parent has no input {outer!r}"
        child = spec["components"].get(task["componentRef"]["name"])
        if child is None:
            yield f"{where}: no component {task['componentRef']['name']!r}"
        elif "dag" in child:
            yield from _loop(where, task, child)
            yield from _wiring(where, child, spec)


def _loop(where: str, task: Fields, child: Fields) -> Iterator[str]:
    """What kfp.local or the backend gets wrong in a loop."""
    if "artifactIterator" in task:
        yield f"{where}: loops over artifacts, which the backend cannot run"
    if "parameterIterator" not in task:
        return
    source = task["parameterIterator"]["items"].get("inputParameter")
    for name, given in task.get("inputs", {}).get("parameters", {}).items():
        output = given.get("taskOutputParameter")
        if output and name != source:
            yield f"{where}: {name!r} is another task's parameter, replaced by the item locally"
        if output and name == source and output["outputParameterKey"] != "Output":
            yield f"{where}: loops over a named output, which crashes locally"
    if any({"parameterIterator", "artifactIterator"} & inner.keys() for inner in
           child["dag"]["tasks"].values()):  # fmt: skip
        yield f"{where}: a loop within a loop, whose items are mixed up locally"


def _containers(spec: Fields, platform: Fields) -> Iterator[str]:
    """Faults of what is run: image, arguments, and the user that it runs as."""
    for name, executor in spec["deploymentSpec"]["executors"].items():
        container = executor["container"]
        if not container.get("image"):
            yield f"{name}: no image"
        arguments = [*container.get("command", []), *container.get("args", [])]
        longest = max(len(each.encode()) for each in arguments)
        if longest > LONGEST_ARGUMENT:
            yield f"{name}: an argument of {longest:,} bytes"
        user = _kubernetes(platform).get(name, {}).get("securityContext", {})
        if not user.get("runAsNonRoot") or int(user.get("runAsUser", 0)) == 0:
            yield f"{name}: may run as root, which Pod Security `restricted` refuses"
