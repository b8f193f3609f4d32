"""The containers of a run: what they may do and see, and how they end.

`python -m fanfold.local.containers.running RUN` removes those of a run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fanfold.local.containers.daemon import client
from fanfold.progress.events import EVENTS_FILE
from fanfold.storage import is_remote

LABEL = "fanfold.run"
"""The label of a container whose value is the run that it belongs to."""

HOME = Path("/tmp")
"""Of a container: there is nothing else that it can write to."""

OF_STORAGE = (
    *("AWS_", "S3_", "CLOUDSDK_", "GCLOUD_", "GOOGLE_", "STORAGE_EMULATOR_HOST"),
    *("FANFOLD_STORAGE_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)
"""How the variables begin, in any case, that lead to an object store and open it."""

OF_FILES = ("_FILE", "_DIR", "_BUNDLE", "_CREDENTIALS", "_CONFIG")
"""How those of them end whose value is a file or a folder."""

CREDENTIALS = (Path(".aws"), Path(".config/gcloud/application_default_credentials.json"))
"""Where the clouds' own tools keep credentials below a home."""

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12} | {
    f"{letter}i": 1024**power for power, letter in enumerate("KMGT", 1)
}


def run_arguments(run: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What kfp's DockerRunner passes on to `docker run` for each task.

    A task runs as the user that calls, may change nothing but its outputs, a local ledger and
    its own /tmp, and has no network unless the table or the ledger lies in a bucket. Then it
    has the host's, so that an endpoint such as http://localhost:9000 means the same, and what
    this process has to open buckets with.

    Args:
        run: value of the label.
        parameters: those of the pipeline; local paths are absolute.
    """
    remote = any(is_remote(parameters[name]) for name in ("data", "ledger"))
    environment = {"HOME": str(HOME), EVENTS_FILE: os.environ[EVENTS_FILE]}
    limit = memory_limit(parameters)
    return {
        "labels": {LABEL: run},
        "user": f"{os.getuid()}:{os.getgid()}",
        "group_add": [str(group) for group in os.getgroups()],
        "read_only": True,
        "tmpfs": {str(HOME): ""},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mem_limit": limit,
        "memswap_limit": limit,
        "network_mode": "host" if remote else "none",
        "environment": {**environment, **(_storage_variables() if remote else {})},
        "mounts": [
            *_mounts(_inputs(parameters), read_only=True),
            *_mounts({path: path for path in _ledger(parameters)}, read_only=False),
            *(_mounts(_credential_files(), read_only=True) if remote else ()),
        ],
    }


def memory_limit(parameters: Mapping[str, Any]) -> int:
    """Bytes that each container may use: the most that the parameters give any step.

    DockerRunner treats all tasks alike.
    """
    return max(_bytes(value) for name, value in parameters.items() if name.endswith("_memory"))


def _bytes(quantity: str) -> int:
    number = quantity.rstrip("kKMGTi")
    return int(float(number) * UNITS[quantity[len(number) :]])


def _storage_variables() -> dict[str, str]:
    return {
        name: _in_full(value) if name.upper().endswith(OF_FILES) else value
        for name, value in os.environ.items()
        if name.upper().startswith(OF_STORAGE)
    }


def _in_full(path: str) -> str:
    """The path from the root on, where it exists: a container works in another folder."""
    found = os.path.expanduser(path)
    return os.path.abspath(found) if os.path.exists(found) else path


def _inputs(parameters: Mapping[str, Any]) -> dict[Path, Path]:
    """The table, where it is a local file. In a container it lies where it lies here."""
    path = Path(parameters["data"])
    return {path: path} if path.is_absolute() else {}


def _ledger(parameters: Mapping[str, Any]) -> Iterator[Path]:
    """The folder of a local ledger, which must be there before it can be mounted."""
    if parameters["ledger"] and not is_remote(parameters["ledger"]):
        path = Path(parameters["ledger"])
        path.mkdir(parents=True, exist_ok=True)
        yield path


def _credential_files() -> dict[Path, Path]:
    """Files that open buckets -> where they belong in a container."""
    found = {Path.home() / each: HOME / each for each in CREDENTIALS}
    named = {Path(value) for value in _storage_variables().values() if value.startswith("/")}
    found |= {path: path for path in named}
    return {path: to for path, to in found.items() if path.exists()}


def _mounts(paths: Mapping[Path, Path], *, read_only: bool) -> list[Any]:
    from docker.types import Mount

    return [
        Mount(str(to), str(path), type="bind", read_only=read_only) for path, to in paths.items()
    ]


def outgrew_memory(run: str, since: float) -> bool:
    """Whether the kernel has killed in one of the containers of this run for want of memory.

    Args:
        run: value of the label.
        since: when the run began, in seconds of the epoch.
    """
    filters = {"type": "container", "event": "oom", "label": f"{LABEL}={run}"}
    with client() as docker:
        told = docker.events(since=int(since), until=int(time.time()) + 1, filters=filters)
        return any(True for _ in told)


def remove(run: str) -> None:
    """Remove the containers of this run; those that still run are killed."""
    with client() as docker:
        from docker.errors import APIError

        filters = {"label": f"{LABEL}={run}"}
        for container in docker.containers.list(all=True, filters=filters, ignore_removed=True):
            with suppress(APIError):  # it has gone, or is going
                container.remove(force=True)


def remove_later(run: str, python: str) -> None:
    """The same in a process of its own, for one that is about to end and may not start more."""
    subprocess.Popen(
        [python, "-m", "fanfold.local.containers.running", run],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


if __name__ == "__main__":
    remove(sys.argv[1])
