"""A run's `task_details`, as KFP 2.17 tells them: a node of Argo's graph each.

    root-driver, preprocess-driver ...   KFP's own pods, behind a node that holds their tries
    preprocess, cross-validate ...       the tasks, which hold an `executor`
    executor                             the tries of the pod that runs the component
    executor(0), executor(1)             these tries

No node says its own name: of a pod's, under which its log lies, its parent's `child_tasks` tell.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import kfp_server_api as api

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """One task of a run: its name as KFP has it, its state, the tries of its pod, its log.

    `driver` is the state of KFP's own pod before it; a task without a log has not ended.
    """

    name: str
    state: str = "SUCCEEDED"
    tries: int = 1
    log: str | None = "done\n"
    driver: str = "SUCCEEDED"


ALL = tuple(
    Step(name)
    for name in (
        "expand-grid",
        "preprocess",
        "cross-validate",
        "cross-validate",
        "select-best",
        "train-final",
    )
)


def node(place: str) -> str:
    """The name of a node, as Argo makes it of its place in the graph."""
    return f"fanfold-tune-x7k2p-{zlib.crc32(place.encode())}"


def executor_log(component: str, said: str) -> str:
    """What the pod of a component writes: kfp's lines around the component's own."""
    return (
        "[KFP Executor 2026-01-01 00:00:00,000 INFO]: Looking for component"
        f" `{component.replace('-', '_')}` in --component_module_path `/tmp/a/ephemeral.py`\n"
        f"{said}"
        "I0101 00:00:01.000000      20 launcher_v2.go:1: ExecutorOutput: {}\n"
    )


def task_details(steps: tuple[Step, ...]) -> list[api.V2beta1PipelineTaskDetail]:
    """The nodes of a run with these steps, in no order that means anything."""
    return sorted(_nodes(steps), key=lambda each: zlib.crc32(repr(each).encode()))


def logs(steps: tuple[Step, ...]) -> dict[str, str]:
    """The logs that can be read, by the names of their nodes."""
    found = {node("root-driver(0)"): "I0101 root driver\n"}
    for number, step in enumerate(steps):
        found[node(f"{number}-driver(0)")] = "I0101 driver\n"
        if step.log is not None and step.driver == "SUCCEEDED":
            place = f"{number}.executor({step.tries - 1})"
            found[node(place)] = executor_log(step.name, step.log)
    return found


def _nodes(steps: tuple[Step, ...]) -> Iterator[api.V2beta1PipelineTaskDetail]:
    yield from _tries("root-driver", "root-driver", "SUCCEEDED", 1, BEGUN)
    for number, step in enumerate(steps):
        began = BEGUN + timedelta(minutes=number)
        yield from _tries(f"{step.name}-driver", f"{number}-driver", step.driver, 1, began)
        if step.driver == "SUCCEEDED":
            yield _node(step.name, step.state, [f"{number}.executor"], began)
            place = f"{number}.executor"
            yield from _tries("executor", place, step.state, step.tries, began)


def _tries(
    name: str, place: str, state: str, tries: int, began: datetime
) -> Iterator[api.V2beta1PipelineTaskDetail]:
    yield _node(name, state, [f"{place}({each})" for each in range(tries)], began)
    for each in range(tries):
        yield _node(f"{name}({each})", state if each == tries - 1 else "FAILED", [], began)


def _node(
    name: str, state: str, children: list[str], began: datetime
) -> api.V2beta1PipelineTaskDetail:
    return api.V2beta1PipelineTaskDetail(
        task_id=str(zlib.crc32(f"{name}{began}{children}".encode())),
        display_name=name,
        state=state,
        start_time=began,
        child_tasks=[api.PipelineTaskDetailChildTask(pod_name=node(each)) for each in children],
    )
