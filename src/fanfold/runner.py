"""The compiled pipeline on this machine: the YAML that a cluster runs, through kfp.local.

kfp.local writes to standard output, keeps global state and cannot be interrupted, so it works
in a process of its own (`python -m fanfold.runner FOLDER`), which ends with all its tasks when
the caller wants or dies. The caller hears of its tasks by their events.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

from fanfold import events
from fanfold.errors import DamagedError, FanfoldError, UserError
from fanfold.settings import Settings, pipeline_parameters

RUNNERS = ("subprocess",)

AT_ONCE = 2
"""Iterations of a loop that kfp.local runs side by side, whatever the pipeline says."""

LAST_LINES = 15
"""Lines of a failed task's output that an error shows."""

HEARD_EVERY = 0.1
"""Seconds between two looks at what the tasks tell."""

PIPELINE, ARGUMENTS, EVENTS, LOG, ROOT, SCRATCH = (
    "pipeline.yaml", "arguments.json", "events.jsonl", "log.txt", "artifacts", "tmp",
)  # fmt: skip
"""What lies in the folder of a run."""


def compiled_pipeline(image: str | None = None, parallelism: int | None = None) -> str:
    """The pipeline's YAML, as it is uploaded to a cluster.

    Args:
        image: what every task runs in; None keeps the one that the YAML names.
        parallelism: tasks of the loop that run at once; None keeps the YAML's.

    Raises:
        UserError: `image` cannot be the name of one.
    """
    text = _compiled()
    if image is not None:
        if not re.fullmatch(r"[A-Za-z0-9][\w.\-/:@]*[A-Za-z0-9]", image):
            raise UserError(
                f"{image!r} is no image's name: write it as in registry.example/python-fanfold:1"
            )
        text = re.sub(r"(?m)^( +image: ).+$", rf"\g<1>{image}", text)
    if parallelism is not None:
        if parallelism < 1:
            raise UserError(f"parallelism must be at least 1 but is {parallelism}")
        text = re.sub(r"(?m)^( +parallelismLimit: ).+$", rf"\g<1>{parallelism}", text)
    return text


def _compiled() -> str:
    """The committed YAML: of the checkout that this file is in, or of the installed package."""
    package = Path(__file__).parent
    checkout = package.parents[1] / "pipelines" / "tune.yaml"
    if package.parent.name == "src" and checkout.is_file():
        return checkout.read_text(encoding="utf-8")
    return resources.files("fanfold").joinpath("tune.yaml").read_text(encoding="utf-8")


def run_pipeline(
    settings: Mapping[str, Any],
    *,
    output: str | Path,
    overwrite: bool = False,
    runner: str = "subprocess",
    on_event: events.OnEvent = events.ignore,
) -> None:
    """Run the compiled pipeline here, task by task, and keep its results and its model.

    The grid is packed into as many tasks as run at once, unless `max_tasks` is given: more
    would only cost their starts.

    Args:
        settings: parameters of the pipeline by name; what is left out has its default.
        output: folder or `gs://` or `s3://` prefix for the files of the search and the model.
        overwrite: replace `output` where it exists.
        runner: how tasks run: `subprocess`, in this Python.
        on_event: told what happens, see `fanfold.events`; of each stage once.

    Raises:
        UserError: a setting or an input is wrong; where it can be seen at once, no task starts.
        FanfoldError: a task failed; the message ends with the last lines that it wrote.
    """
    from fanfold import steps
    from fanfold.search import check_places
    from fanfold.storage import published, s3_endpoint

    _check_runner(runner)
    chosen, cluster = pipeline_parameters({"max_tasks": AT_ONCE, **settings})
    with s3_endpoint(chosen.s3_endpoint):
        chosen = _checked(chosen)
        check_places(chosen, output, overwrite)
    with tempfile.TemporaryDirectory(prefix="fanfold-", ignore_cleanup_errors=True) as folder:
        run = Path(folder)
        tasks = len(steps.expand_grid(chosen, candidates=str(run / "candidates.json")))
        (run / PIPELINE).write_text(_for_this_machine(_compiled(), tasks), encoding="utf-8")
        arguments = {**chosen.as_dict(), **cluster.as_arguments()}
        (run / ARGUMENTS).write_text(json.dumps(arguments), encoding="utf-8")
        _run(run, on_event)
        (made,) = (run / ROOT).glob("*/train-final")
        with s3_endpoint(chosen.s3_endpoint), published(output) as beside:
            shutil.move(made / "results", beside)
            shutil.move(made / "model", beside / "model")


def _check_runner(runner: str) -> None:
    if runner not in RUNNERS:
        raise UserError(f"no runner is named {runner!r}: there is {', '.join(RUNNERS)}")
    if importlib.util.find_spec("kfp") is None:
        raise UserError('the pipeline needs kfp: install it with pip install "fanfold[kfp]"')


def _checked(settings: Settings) -> Settings:
    """`settings` with what needs no task to be found wrong looked at, and absolute paths."""
    from fanfold.storage import is_remote, open_reader
    from fanfold.table import SAMPLE
    from fanfold.target import parse_target

    parse_target(settings.target)
    if settings.ledger and not is_remote(settings.ledger):
        settings = replace(settings, ledger=str(Path(settings.ledger).absolute()))
    if settings.data.startswith(SAMPLE):
        return settings
    open_reader(settings.data).close()
    if is_remote(settings.data):
        return settings
    return replace(settings, data=str(Path(settings.data).absolute()))


def _for_this_machine(compiled: str, tasks: int) -> str:
    """The pipeline, adapted to what kfp.local does otherwise than a cluster.

    Retries go, since no node vanishes here and a failed task would only be waited for. Tasks of
    the loop, of which kfp.local runs two at once, share the processors. Tasks run in this very
    Python, whose path kfp.local would not quote.
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
    for executor in executors.values():
        container = executor["container"]
        python = f"{shlex.quote(sys.executable)} -m"
        container["command"] = [
            part.replace("python3 -m", python) if "ephemeral_component.py" in part else part
            for part in container["command"]
        ]
    threads = {"name": "FANFOLD_THREADS", "value": str(max(1, usable_cpus() // at_once))}
    executors["exec-cross-validate"]["container"]["env"] = [threads]
    return yaml.safe_dump_all(documents)


def _run(run: Path, on_event: events.OnEvent) -> None:
    """Run the pipeline that lies in `run`, and pass on what its tasks tell."""
    known: set[str] = set()

    def hear(event: Mapping[str, Any]) -> None:
        if event["event"] == "error":
            raise _error(event)
        if event["event"] != "stage" or event["stage"] not in known:
            known.add(event.get("stage", ""))
            on_event(event)

    (run / EVENTS).touch()
    with _worker(run) as worker, (run / EVENTS).open("rb") as told:
        while True:
            ended = worker.poll() is not None  # asked first, so that no last word is missed
            for line in _whole_lines(told):
                hear(json.loads(line))
            if ended:
                break
            time.sleep(HEARD_EVERY)
    if worker.returncode != 0:
        raise FanfoldError(
            "a task of the pipeline ended without a word, as one does that is killed for want of"
            f" memory; the last lines that were written:\n{_last_lines(run / LOG)}"
        )


@contextmanager
def _worker(run: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process in which kfp.local works; it and its tasks are gone when the block ends."""
    (run / SCRATCH).mkdir()
    environment = {
        **os.environ,
        events.EVENTS_FILE: str(run / EVENTS),
        "TMPDIR": str(run / SCRATCH),
        # A file of the caller's folder must not stand in for a module of the same name.
        "PYTHONSAFEPATH": "1",
    }
    with (run / LOG).open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "fanfold.runner", str(run)],
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


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines that were appended since the last time; one that is still being written waits."""
    for line in file:
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line


def _error(event: Mapping[str, Any]) -> FanfoldError:
    """The exception of a task, from the event that tells of it."""
    for kind in (UserError, DamagedError, FanfoldError):
        if event["kind"] == kind.__name__:
            return kind(event["message"])
    last = "\n".join(event["message"].strip().splitlines()[-LAST_LINES:])
    return FanfoldError(f"the step {event['stage']} failed, which is a defect:\n{last}")


def _last_lines(log: Path) -> str:
    """The last of what was written up to the failure; tasks that do not wait for it go on."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8", errors="replace"))
    before, failure, _ = text.partition("finished with status FAILURE")
    lines = [line.rstrip() for line in (before + failure).splitlines() if line.strip(" -")]
    return "\n".join(lines[-LAST_LINES:])


def _work(run: Path) -> None:
    """In the process of its own: run the pipeline that lies in `run`."""
    threading.Thread(target=_end_with_caller, daemon=True).start()
    from kfp import components, local

    # kfp.local writes this in place of `python3` wherever an argument has that text, a path or
    # a grid too; this way nothing changes. Which Python it is the commands say themselves.
    sys.executable = "python3"
    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=str(run / ROOT),
        workspace_root=str(run / "workspace"),
        raise_on_error=True,
    )
    pipeline = components.load_component_from_file(str(run / PIPELINE))
    try:
        pipeline(**json.loads((run / ARGUMENTS).read_text(encoding="utf-8")))
    except RuntimeError as error:
        sys.exit(str(error))


def _end_with_caller() -> None:
    """The caller holds the other end of standard input, and lets go of it when it dies."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
