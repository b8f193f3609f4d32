"""The process in which kfp.local runs a pipeline.

`python -m fanfold.local.pipeline_process FOLDER RUNNER` starts it.

kfp.local writes to standard output, keeps global state and cannot be interrupted, hence a
process of its own. It ends with all its tasks when its caller lets go of its standard input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from fanfold.local import containers

PIPELINE, ARGUMENTS, LOG, ROOT, WORKSPACE, SCRATCH = (
    "pipeline.yaml", "arguments.json", "log.txt", "artifacts", "workspace", "tmp",
)  # fmt: skip
"""What lies in the folder of a run."""


def _work(run: Path, runner: str) -> None:
    in_containers = runner == "docker"
    threading.Thread(target=_end_with_caller, args=(run, in_containers), daemon=True).start()
    from kfp import components, local

    arguments = json.loads((run / ARGUMENTS).read_text(encoding="utf-8"))
    local.init(
        local.DockerRunner(**containers.run_arguments(run.name, arguments))
        if in_containers
        else local.SubprocessRunner(use_venv=False),
        pipeline_root=str(run / ROOT),
        workspace_root=str(run / WORKSPACE),
        raise_on_error=True,
    )
    # kfp.local writes this in place of `python3` wherever an argument has that text, a path or
    # a grid too; this way nothing changes. Which Python it is the commands say themselves.
    sys.executable = "python3"
    pipeline: Any = components.load_component_from_file(str(run / PIPELINE))
    try:
        pipeline(**arguments)
    except RuntimeError as error:
        sys.exit(str(error))


def _end_with_caller(run: Path, in_containers: bool) -> None:
    """The caller holds the other end of standard input, and lets go of it when it dies."""
    python = sys.executable
    sys.stdin.read()
    if in_containers:
        containers.remove_later(run.name, python)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _work(Path(sys.argv[1]), sys.argv[2])
