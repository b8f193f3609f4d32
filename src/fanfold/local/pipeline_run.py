"""The compiled pipeline on this machine: the YAML that a cluster runs, through kfp.local.

kfp.local works in a process of its own, see `pipeline_process`, which ends with all its tasks when
the caller wants or dies. The caller hears of its tasks by their events.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from fanfold.compiled import (
    AT_ONCE,
    artifacts,
    compiled_pipeline,
    for_this_machine,
    image_of,
    image_to_run,
)
from fanfold.errors import FanfoldError, UserError
from fanfold.local import containers
from fanfold.local.pipeline_outputs import Outputs
from fanfold.local.pipeline_process import ARGUMENTS, LOG, PIPELINE, ROOT, SCRATCH, WORKSPACE
from fanfold.progress import events
from fanfold.settings.cluster import pipeline_parameters

RUNNERS = ("subprocess", "docker")

LAST_LINES = 15
"""Lines of a failed task's output that an error shows."""

HEARD_EVERY = 0.1
"""Seconds between two looks at what the tasks tell."""

PARTS = {
    "best.json": f"{ROOT}/*/select-best/best",
    "leaderboard.csv": f"{ROOT}/*/select-best/leaderboard",
    "scores.csv": f"{ROOT}/*/select-best/all_scores",
    "rejects.csv": f"{ROOT}/*/preprocess/rejects",
    "model": f"{ROOT}/*/train-final/model",
}
"""What a search leaves that finds no room for the rest."""

EVENTS = f"{ROOT}/events.jsonl"
"""Among the artifacts, which are what containers see of the folder of a run."""


def run_pipeline(
    settings: Mapping[str, Any],
    *,
    output: str | Path,
    overwrite: bool = False,
    runner: str = "subprocess",
    image: str | None = None,
    on_event: events.OnEvent = events.ignore,
) -> None:
    """Run the compiled pipeline here, task by task, and keep its results and its model.

    The grid is packed into as many tasks as run at once, unless `max_tasks` is given: more
    would only cost their starts.

    Args:
        settings: parameters of the pipeline by name; what is left out has its default.
        output: folder or `gs://` or `s3://` prefix for the files of the search and the model.
        overwrite: replace `output` where it exists.
        runner: how tasks run: `subprocess`, in this Python; `docker`, each in a container.
        image: what containers are made of; None: what `FANFOLD_IMAGE` says.
        on_event: told what happens, see `fanfold.progress.events`; of each stage once.

    Raises:
        UserError: a setting or an input is wrong; where it can be seen at once, no task starts.
        FanfoldError: a task failed, and the message ends with the last lines that it wrote; or a
            bucket does not take the output, and the message says where it is kept.
    """
    from fanfold.local.checks import checked, with_absolute_paths
    from fanfold.search.plan import LOOP_BYTES, Plan
    from fanfold.storage import parts_kept, publish, s3_endpoint, scratch_folder

    _check_runner(runner, image)
    chosen, cluster = pipeline_parameters({"max_tasks": AT_ONCE, **settings})
    chosen, replaceable = checked(chosen, output, overwrite)
    chosen = with_absolute_paths(chosen)
    compiled = compiled_pipeline(image_to_run(image) if runner == "docker" else None)
    if runner == "docker":
        compiled = compiled_pipeline(containers.usable_image(image_of(compiled)))
    with scratch_folder() as run:
        tasks = len(Plan.of(chosen).shares(LOOP_BYTES))
        here = for_this_machine(compiled, tasks, this_python=runner == "subprocess")
        (run / PIPELINE).write_text(here, encoding="utf-8")
        arguments = {**chosen.as_dict(), **cluster.as_arguments()}
        (run / ARGUMENTS).write_text(json.dumps(arguments), encoding="utf-8")
        with parts_kept(run, PARTS, output):
            _run(run, runner, Outputs(run / ROOT, artifacts(compiled), tasks), on_event)
        (made,) = (run / ROOT).glob("*/train-final")
        shutil.move(made / "model", made / "results" / "model")
        with s3_endpoint(chosen.s3_endpoint):
            publish(made / "results", output, replaceable)


def _check_runner(runner: str, image: str | None) -> None:
    if runner not in RUNNERS:
        raise UserError(f"no runner is named {runner!r}: there is {' and '.join(RUNNERS)}")
    if image is not None and runner != "docker":
        raise UserError(f"the runner {runner} uses no image: leave {image!r} out, or choose docker")
    if importlib.util.find_spec("kfp") is None:
        raise UserError('the pipeline needs kfp: install it with pip install "fanfold[kfp]"')


def _run(run: Path, runner: str, outputs: Outputs, on_event: events.OnEvent) -> None:
    """Run the pipeline that lies in `run`, and pass on what its tasks tell."""
    known: set[str] = set()
    since = time.time()

    def hear(event: Mapping[str, Any]) -> None:
        if event["event"] == "error":
            raise _error(event)
        if event["event"] != "stage" or event["stage"] not in known:
            known.add(event.get("stage", ""))
            on_event(event)
        if event["event"] == "stage":
            _check_outputs(outputs, event["stage"], run)

    for folder in (ROOT, WORKSPACE, SCRATCH):
        (run / folder).mkdir()
    (run / EVENTS).touch()
    with _worker(run, runner) as worker, (run / EVENTS).open("rb") as told:
        while True:
            ended = worker.poll() is not None  # asked first, so that no last word is missed
            for line in _whole_lines(told):
                hear(json.loads(line))
            if ended:
                break
            time.sleep(HEARD_EVERY)
    if worker.returncode == 0:
        _check_outputs(outputs, "", run)
    else:
        raise _silent_end(run, runner, outputs, since)


def _silent_end(run: Path, runner: str, outputs: Outputs, since: float) -> FanfoldError:
    """The exception for a task that ended without telling why."""
    if runner == "docker" and containers.outgrew_memory(run.name, since):
        what = (
            "a container was killed since its task outgrew the memory that it had, the most that"
            " the settings *_memory give: raise one, such as --set cross_validate_memory=8Gi"
        )
    elif runner == "docker" and (missing := outputs.missing()):
        what = _left_out(missing)
    else:
        what = (
            "a task of the pipeline ended without a word, as one does that is killed for want of"
            " memory"
        )
    return FanfoldError(f"{what}; {_last_lines(run)}")


def _check_outputs(outputs: Outputs, before: str, run: Path) -> None:
    if missing := outputs.missing(before):
        raise FanfoldError(f"{_left_out(missing)}; {_last_lines(run)}")


def _left_out(missing: str) -> str:
    return (
        f"a task ended without having written what it should ({missing}): if it was not killed,"
        " see whether its image has this version of fanfold"
    )


@contextmanager
def _worker(run: Path, runner: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process in which kfp.local works; it and its tasks are gone when the block ends."""
    environment = {
        **os.environ,
        events.EVENTS_FILE: str(run / EVENTS),
        "TMPDIR": str(run / SCRATCH),
        # A file of the caller's folder must not stand in for a module of the same name.
        "PYTHONSAFEPATH": "1",
    }
    with (run / LOG).open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "fanfold.local.pipeline_process", str(run), runner],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        yield worker
    finally:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.communicate()
        if runner == "docker":
            with suppress(UserError):  # the daemon has gone, and said so elsewhere
                containers.remove(run.name)


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines that were appended since the last time; one that is still being written waits."""
    for line in file:
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line


def _error(event: Mapping[str, Any]) -> FanfoldError:
    """The exception of a task, from the event that tells of it."""
    for kind in events.KINDS:
        if event["kind"] == kind.__name__:
            return kind(event["message"])
    last = "\n".join(event["message"].strip().splitlines()[-LAST_LINES:])
    return FanfoldError(f"the step {event['stage']} failed, which is a defect:\n{last}")


def _last_lines(run: Path) -> str:
    """The last of what was written up to the failure; tasks that do not wait for it go on."""
    text = (run / LOG).read_text(encoding="utf-8", errors="replace")
    before, failure, _ = re.sub(r"\x1b\[[0-9;]*m", "", text).partition("with status FAILURE")
    lines = [line.rstrip() for line in (before + failure).splitlines() if line.strip(" -")]
    return "\n".join(["the last lines that were written:", *lines[-LAST_LINES:]])
