"""Runs and their tasks, as KFP's API tells of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fanfold.client.connection import Kfp
from fanfold.client.errors import Gone
from fanfold.errors import UserError
from fanfold.progress.progress import STAGES

PIPELINE = "fanfold-tune"
"""What the pipeline calls itself, in its YAML and on the backend."""

OVER = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
EXECUTOR = "executor"
"""The name of each task that runs a component's code; those beside it are KFP's own."""

PAGE = 50


@dataclass(frozen=True)
class Task:
    """A node of a run's graph: a step, the pod that carries it out, or one of KFP's own.

    Attributes:
        name: as KFP has it: `cross-validate`, `executor`, `select-best-driver`.
        state: PENDING, RUNNING, SUCCEEDED, SKIPPED, FAILED, or empty.
        started: when, ISO 8601 in UTC.
        node: the name under which the log of its latest try is found; empty where there is none.
    """

    name: str
    state: str
    started: str
    node: str

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Task:
        """From an entry of `task_details`; its own log, KFP names only by that of its child."""
        children = [each.get("pod_name") or "" for each in told.get("child_tasks") or []]
        return cls(
            name=told.get("display_name") or "",
            state=told.get("state") or "",
            started=told.get("start_time") or "",
            node=children[-1] if children else "",
        )

    @property
    def step(self) -> str:
        """The step of the search that the task stands for, or empty."""
        name = self.name.replace("-", "_")
        return name if name in STAGES else ""

    @property
    def has_log(self) -> bool:
        """Whether it stands for a pod, or for the tries of one."""
        return bool(self.node) and (self.name == EXECUTOR or self.name.endswith("-driver"))


@dataclass(frozen=True)
class Run:
    """A run at one moment.

    Attributes:
        id: its own.
        name: for people.
        state: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELING...; RUNNING too where KFP has none.
        history: its states so far, the earliest first.
        created: when, ISO 8601 in UTC.
        error: what KFP says of a failure, often nothing.
        parameters: the settings that it was given.
        tasks: the nodes of its graph that were begun, the earliest first.
    """

    id: str
    name: str
    state: str
    history: tuple[str, ...]
    created: str
    error: str
    parameters: Mapping[str, Any]
    tasks: tuple[Task, ...]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Run:
        """From what KFP answers."""
        details = (told.get("run_details") or {}).get("task_details") or []
        tasks = sorted(map(Task.of, details), key=lambda task: (task.started, task.name))
        state = told.get("state") or ""
        return cls(
            id=told["run_id"],
            name=told.get("display_name") or "",
            state="RUNNING" if state in ("", "RUNTIME_STATE_UNSPECIFIED") else state,
            history=tuple(each.get("state") or "" for each in told.get("state_history") or []),
            created=told.get("created_at") or "",
            error=(told.get("error") or {}).get("message") or "",
            parameters=(told.get("runtime_config") or {}).get("parameters") or {},
            tasks=tuple(tasks),
        )

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    @property
    def succeeded(self) -> bool:
        """Whether there is a result."""
        return self.state == "SUCCEEDED"

    @property
    def canceled(self) -> bool:
        """Whether somebody ended it: to KFP it is FAILED then, after it was CANCELING."""
        before = [state for state in self.history if state != "FAILED"]
        stopped = self.state == "FAILED" and before[-1:] == ["CANCELING"]
        return self.state == "CANCELED" or stopped

    def of_step(self, step: str) -> list[Task]:
        """The tasks of one step: of cross_validate one for each share of the grid."""
        return [task for task in self.tasks if task.step == step]


def get_run(kfp: Kfp, run_id: str) -> Run:
    """The run of this id, as it is now; `UserError` where there is none."""
    try:
        return Run.of(kfp.get(f"/runs/{run_id}"))
    except Gone:
        raise Gone(f"KFP at {kfp.host} has no run {run_id!r}") from None


def latest_run(kfp: Kfp) -> Run:
    """The latest run of this pipeline that succeeded, whoever started it and wherever.

    Raises:
        UserError: there is none.
    """
    versions: dict[str, bool] = {}
    # Of what KFP can filter by, the pipeline is not one.
    query = {"filter": equals("state", "SUCCEEDED"), "namespace": kfp.namespace}
    for found in pages(kfp, "/runs", "runs", **query):
        if _is_ours(kfp, found, versions):
            return get_run(kfp, found["run_id"])
    raise UserError(f"KFP at {kfp.host} has no run of {PIPELINE} that succeeded")


def _is_ours(kfp: Kfp, run: Mapping[str, Any], versions: dict[str, bool]) -> bool:
    """Whether this pipeline was run; `versions` remembers those that were looked at."""
    reference = run.get("pipeline_version_reference") or {}
    if "pipeline_version_id" not in reference:
        return _names_us(run)
    version, pipeline = reference["pipeline_version_id"], reference.get("pipeline_id", "")
    if version not in versions:
        try:
            versions[version] = _names_us(kfp.get(f"/pipelines/{pipeline}/versions/{version}"))
        except Gone:  # the run outlives it
            versions[version] = False
    return versions[version]


def _names_us(holder: Mapping[str, Any]) -> bool:
    spec = holder.get("pipeline_spec") or {}
    spec = spec.get("pipeline_spec", spec)  # beside a platform_spec, where there is one
    return bool((spec.get("pipelineInfo") or {}).get("name") == PIPELINE)


def equals(key: str, value: str) -> str:
    """KFP's filter of what has this value."""
    predicate = {"operation": "EQUALS", "key": key, "stringValue": value}
    return json.dumps({"predicates": [predicate]})


def pages(kfp: Kfp, path: str, what: str, **query: Any) -> Iterator[dict[str, Any]]:
    """All that a list holds, the latest first."""
    token = ""
    while True:
        order = {"sort_by": "created_at desc", "page_size": PAGE, "page_token": token}
        page = kfp.get(path, **query, **order)
        yield from page.get(what) or []
        token = page.get("next_page_token") or ""
        if not token:
            return
