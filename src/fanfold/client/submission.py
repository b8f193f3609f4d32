"""Starting a run: what it is given is checked, the pipeline uploaded once, and the run begun."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from fanfold.client.connection import Kfp
from fanfold.client.runs import PIPELINE, Run, equals, get_run, pages
from fanfold.errors import FanfoldError, UserError
from fanfold.settings.cluster import pipeline_parameters

MOST_BYTES = 100_000
"""What all parameters may take as JSON: KFP passes them in one argument, of at most 128 KiB."""


def check_parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a run, from those that were given, checked as far as it can be from here.

    Raises:
        UserError: one is unknown or not allowed, they are too large, the grid or the target is
            wrong, or one names a file of this machine.
    """
    from fanfold.search.plan import Plan
    from fanfold.storage import is_remote
    from fanfold.tables.table import SAMPLE
    from fanfold.tables.target import parse_target

    chosen, cluster = pipeline_parameters(settings)
    parse_target(chosen.target)
    Plan.of(chosen)
    seen_by_pods = chosen.data.startswith(SAMPLE) or is_remote(chosen.data)
    for name, fine in (("data", seen_by_pods), ("ledger", is_remote(chosen.ledger or "gs://"))):
        if not fine:
            raise UserError(
                f"no pod can see the {name} {getattr(chosen, name)!r} of this machine: put it in a"
                " bucket and give its gs:// or s3:// address"
            )
    parameters = {**chosen.as_dict(), **cluster.as_arguments()}
    sizes = {name: len(json.dumps({name: each}).encode()) for name, each in parameters.items()}
    if sum(sizes.values()) > MOST_BYTES:
        largest = max(sizes, key=sizes.__getitem__)
        raise UserError(
            f"the parameters take {sum(sizes.values()):,} bytes, and KFP passes on at most"
            f" {MOST_BYTES:,}: make {largest} ({sizes[largest]:,} bytes) smaller"
        )
    return parameters


def submit(
    kfp: Kfp,
    settings: Mapping[str, Any],
    *,
    name: str = "",
    experiment: str = "",
    image: str | None = None,
    parallelism: int | None = None,
    pipeline_root: str = "",
    service_account: str = "",
) -> Run:
    """A new run of the pipeline; its version is uploaded if the backend does not have it.

    Args:
        kfp: the backend.
        settings: parameters of the pipeline by name; what is left out has its default.
        name: of the run, for people.
        experiment: to put it in; by default what `KF_PIPELINES_DEFAULT_EXPERIMENT_NAME` says,
            or `Default`. `KF_PIPELINES_OVERRIDE_EXPERIMENT_NAME` overrides both.
        image: what every task runs in; by default what `FANFOLD_IMAGE` says.
        parallelism: tasks of cross_validate that run at once.
        pipeline_root: where artifacts go, such as s3://bucket/prefix; by default KFP's own.
        service_account: of the pods; by default KFP's own.

    Raises:
        UserError: a setting is wrong, or no image is named; nothing is uploaded then. Or KFP
            refuses something.
    """
    from fanfold.compiled import compiled_pipeline, image_to_run

    parameters = check_parameters(settings)
    compiled = compiled_pipeline(image_to_run(image), parallelism)
    body = {
        "display_name": name or f"{PIPELINE} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "experiment_id": _experiment(kfp, experiment),
        "pipeline_version_reference": _version(kfp, compiled),
        "runtime_config": _given(parameters=parameters, pipeline_root=pipeline_root),
        **_given(service_account=service_account),
    }
    return Run.of(kfp.post("/runs", body))


def retry(kfp: Kfp, run_id: str) -> Run:
    """The run, which goes on with what failed; what succeeded is kept.

    Raises:
        UserError: there is no such run, or it did not fail.
    """
    run = get_run(kfp, run_id)
    if run.state != "FAILED":
        raise UserError(f"the run {run_id} is {run.state}: only one that FAILED can go on")
    kfp.post(f"/runs/{run_id}:retry")
    return get_run(kfp, run_id)


def version_name(compiled: str) -> str:
    """The name of a version of the pipeline: a hash of its YAML, so that one is uploaded once."""
    return hashlib.sha256(compiled.encode()).hexdigest()[:12]


def _version(kfp: Kfp, compiled: str) -> dict[str, str]:
    """The reference of the version that is this YAML."""
    name = version_name(compiled)
    pipeline = _ensured(
        lambda: _named(kfp, "/pipelines", "pipelines", PIPELINE),
        lambda: kfp.post("/pipelines", _given(display_name=PIPELINE, namespace=kfp.namespace)),
    )

    def known() -> Iterator[dict[str, Any]]:
        return pages(kfp, f"/pipelines/{pipeline['pipeline_id']}/versions", "pipeline_versions")

    version = _ensured(
        lambda: next((each for each in known() if _is_called(each, name)), None),
        lambda: kfp.upload(
            "/pipelines/upload_version", compiled, name=name, pipelineid=pipeline["pipeline_id"]
        ),
    )
    return {name: version[name] for name in ("pipeline_id", "pipeline_version_id")}


def _experiment(kfp: Kfp, name: str) -> str:
    """The id of the experiment of this name, which is made if there is none."""
    default = os.environ.get("KF_PIPELINES_DEFAULT_EXPERIMENT_NAME") or "Default"
    chosen = os.environ.get("KF_PIPELINES_OVERRIDE_EXPERIMENT_NAME") or name or default
    found = _ensured(
        lambda: _named(kfp, "/experiments", "experiments", chosen),
        lambda: kfp.post("/experiments", _given(display_name=chosen, namespace=kfp.namespace)),
    )
    return str(found["experiment_id"])


def _ensured(
    find: Callable[[], dict[str, Any] | None], make: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What `find` finds, or else what `make` makes, or somebody else made at the same time."""
    found = find()
    if found is not None:
        return found
    try:
        return make()
    except FanfoldError:
        found = find()
        if found is None:
            raise
        return found


def _named(kfp: Kfp, path: str, what: str, name: str) -> dict[str, Any] | None:
    query = {"filter": equals("display_name", name), "namespace": kfp.namespace}
    return next((each for each in pages(kfp, path, what, **query) if _is_called(each, name)), None)


def _is_called(told: Mapping[str, Any], name: str) -> bool:
    return name in (told.get("display_name"), told.get("name"))


def _given(**values: Any) -> dict[str, Any]:
    """Those that are not empty."""
    return {name: value for name, value in values.items() if value}
