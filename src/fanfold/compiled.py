"""The compiled pipeline as text: for a cluster, with an image of one's own, and for kfp.local."""

from __future__ import annotations

import os
import re
import shlex
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from fanfold.errors import UserError

AT_ONCE = 2
"""Iterations of a loop that kfp.local runs side by side, whatever the pipeline says."""

IMAGE = re.compile(r"[A-Za-z0-9][\w.\-/:@]*[A-Za-z0-9]")
IMAGE_LINE = re.compile(r"(?m)^( +image: )(.+)$")


def compiled_pipeline(image: str | None = None, parallelism: int | None = None) -> str:
    """The pipeline's YAML, as it is uploaded to a cluster.

    Args:
        image: what every task runs in; None keeps the one that the YAML names.
        parallelism: tasks of the loop that run at once; None keeps the YAML's.

    Raises:
        UserError: `image` cannot be the name of one.
    """
    text = _committed()
    if image is not None:
        if not IMAGE.fullmatch(image):
            raise UserError(
                f"{image!r} is no image's name: write it as in registry.example/python-fanfold:1"
            )
        text = IMAGE_LINE.sub(rf"\g<1>{image}", text)
    if parallelism is not None:
        if parallelism < 1:
            raise UserError(f"parallelism must be at least 1 but is {parallelism}")
        text = re.sub(r"(?m)^( +parallelismLimit: ).+$", rf"\g<1>{parallelism}", text)
    return text


def image_to_run(image: str | None) -> str:
    """The `image` if one is given, else what `FANFOLD_IMAGE` says, else the pipeline's own.

    Raises:
        UserError: none is given, and the pipeline's own has but the name of one.
    """
    chosen = image or os.environ.get("FANFOLD_IMAGE") or image_of(_committed())
    if chosen.partition("/")[0].endswith(".invalid"):
        raise UserError(
            "which image? Nobody publishes one yet: build one (make push REGISTRY=..., or make"
            " image for this machine alone) and name it by --image or FANFOLD_IMAGE"
        )
    return chosen


def image_of(compiled: str) -> str:
    """The image that the tasks of a compiled pipeline run in."""
    found = IMAGE_LINE.search(compiled)
    assert found, "a compiled pipeline names an image"
    return found[2]


def _committed() -> str:
    """The committed YAML: of the checkout that this file is in, or of the installed package."""
    package = Path(__file__).parent
    checkout = package.parents[1] / "pipelines" / "tune.yaml"
    if package.parent.name == "src" and checkout.is_file():
        return checkout.read_text(encoding="utf-8")
    return resources.files("fanfold").joinpath("tune.yaml").read_text(encoding="utf-8")


def for_this_machine(compiled: str, tasks: int, *, this_python: bool) -> str:
    """The pipeline, adapted to what kfp.local does otherwise than a cluster.

    Retries go, since no node vanishes here and a failed task would only be waited for. Tasks of
    the loop, of which kfp.local runs two at once, share the processors.

    Args:
        compiled: the pipeline's YAML.
        tasks: iterations of the loop.
        this_python: tasks run in this very Python, whose path kfp.local would not quote, and
            not in a container.
    """
    import yaml

    from fanfold.resources import usable_cpus

    at_once = min(AT_ONCE, tasks, usable_cpus())
    documents = list(yaml.safe_load_all(compiled))
    spec = documents[0]
    for component in (spec["root"], *spec["components"].values()):
        for task in component.get("dag", {}).get("tasks", {}).values():
            task.pop("retryPolicy", None)
            if "parameterIterator" in task:
                task["iteratorPolicy"] = {"parallelismLimit": at_once}
    executors = spec["deploymentSpec"]["executors"]
    for executor in executors.values() if this_python else ():
        container = executor["container"]
        python = f"{shlex.quote(sys.executable)} -m"
        container["command"] = [
            part.replace("python3 -m", python) if "ephemeral_component.py" in part else part
            for part in container["command"]
        ]
    threads = {"name": "FANFOLD_THREADS", "value": str(max(1, usable_cpus() // at_once))}
    executors["exec-cross-validate"]["container"]["env"] = [threads]
    return yaml.safe_dump_all(documents)


def artifacts(compiled: str) -> dict[str, list[str]]:
    """The artifacts of each component of a compiled pipeline, by the name of its engine step."""
    import yaml

    components: dict[str, Any] = next(yaml.safe_load_all(compiled))["components"]
    return {
        name.removeprefix("comp-").replace("-", "_"): sorted(each["outputDefinitions"]["artifacts"])
        for name, each in components.items()
        if "executorLabel" in each
    }
