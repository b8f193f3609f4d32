"""What a KFP backend knows and does, in memory, in the words of its OpenAPI models."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import kfp_server_api as api
import yaml

from tests.kfp_server.graph import Step, logs, task_details

CLIENT = api.ApiClient(api.Configuration())
KINDS = {
    "STRING": str,
    "NUMBER_INTEGER": int,
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
}


class ApiError(Exception):
    """A refusal: an HTTP status, and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Moment:
    """How a run stands when it is looked at."""

    states: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    error: str = ""


def parsed(body: Any, model: str) -> Any:
    """The model that a request holds; a field that it does not have is refused, as KFP does."""
    known = set(getattr(api, model).attribute_map.values())
    unknown = set(body) - known
    if unknown:
        raise ApiError(400, f"unknown field {sorted(unknown)} of {model}")
    try:
        return CLIENT.deserialize(SimpleNamespace(data=json.dumps(body)), model)
    except ValueError as error:
        raise ApiError(400, str(error)) from None


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class Backend:
    """Pipelines, experiments and runs. What the next run goes through stands in `course`."""

    course: Sequence[Moment] = (Moment(("PENDING",)),)
    pipelines: list[Any] = field(default_factory=list)
    versions: list[Any] = field(default_factory=list)
    experiments: list[Any] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)
    artifacts: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    retried: list[str] = field(default_factory=list)
    _courses: dict[str, list[Moment]] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.RLock)

    def create_pipeline(self, body: Any) -> Any:
        made = parsed(body, "V2beta1Pipeline")
        with self._lock:
            if any(each.display_name == made.display_name for each in self.pipelines):
                raise ApiError(409, f"The pipeline {made.display_name} already exists")
            made.pipeline_id = new_id()
            self.pipelines.append(made)
        return made

    def upload_version(self, name: str, pipeline_id: str, content: str) -> Any:
        spec, platform = yaml.safe_load_all(content)
        with self._lock:
            if any(each.display_name == name for each in self.versions):
                raise ApiError(500, f"The version {name} already exists")  # as KFP's upload says
            made = api.V2beta1PipelineVersion(
                pipeline_id=pipeline_id,
                pipeline_version_id=new_id(),
                display_name=name,
                created_at=datetime.now(UTC),
                pipeline_spec={"pipeline_spec": spec, "platform_spec": platform},
            )
            self.versions.append(made)
        return made

    def create_experiment(self, body: Any) -> Any:
        made = parsed(body, "V2beta1Experiment")
        made.experiment_id = new_id()
        self.experiments.append(made)
        return made

    def create_run(self, body: Any) -> Any:
        made = parsed(body, "V2beta1Run")
        spec = made.pipeline_spec
        if spec is None:
            wanted = made.pipeline_version_reference.pipeline_version_id
            version = [each for each in self.versions if each.pipeline_version_id == wanted]
            spec = version[0].pipeline_spec
        self._check_parameters(spec["pipeline_spec"], made.runtime_config.parameters)
        return self.add_run(made)

    def add_run(self, made: Any, *course: Moment) -> Any:
        made.run_id, made.created_at = new_id(), datetime.now(UTC)
        self._courses[made.run_id] = list(course or self.course)
        self.runs.append(made)
        return self._stand(made)

    def _check_parameters(self, spec: dict[str, Any], given: dict[str, Any]) -> None:
        declared = spec["root"]["inputDefinitions"]["parameters"]
        for name, value in given.items():
            if name not in declared:
                raise ApiError(400, f"parameter {name} is not defined in the pipeline")
            if not isinstance(value, KINDS[declared[name]["parameterType"]]):
                raise ApiError(400, f"input parameter {name} requires another type: {value!r}")

    def get_run(self, run_id: str) -> Any:
        found = self._run(run_id)
        course = self._courses[run_id]
        if len(course) > 1:
            course.pop(0)
        return self._stand(found)

    def retry_run(self, run_id: str) -> None:
        if self._run(run_id).state != "FAILED":
            raise ApiError(400, "Workflow must be Failed/Error to retry")
        self.retried.append(run_id)
        self._courses[run_id] = [Moment(("RUNNING",)), *self.course]

    def _run(self, run_id: str) -> Any:
        for each in self.runs:
            if each.run_id == run_id:
                return each
        raise ApiError(404, f"Run {run_id} not found")

    def _stand(self, run: Any) -> Any:
        moment = self._courses[run.run_id][0]
        run.state = moment.states[-1]
        run.state_history = [api.V2beta1RuntimeStatus(state=each) for each in moment.states]
        run.error = api.GoogleRpcStatus(message=moment.error) if moment.error else None
        run.run_details = api.V2beta1RunDetails(task_details=task_details(moment.steps))
        return run

    def log(self, run_id: str, name: str) -> dict[str, str]:
        self._run(run_id)
        found = logs(self._courses[run_id][0].steps)
        if name not in found:
            raise ApiError(404, "ResourceNotFoundError: artifact main-logs not found")
        return {"data": base64.b64encode(found[name].encode()).decode()}
