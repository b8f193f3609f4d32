"""The logs of a run's tasks, which KFP keeps also of those that failed, and after their pods."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fanfold.client.connection import Kfp
from fanfold.client.errors import Gone
from fanfold.client.runs import EXECUTOR, Run, Task
from fanfold.errors import UserError, did_you_mean
from fanfold.progress.progress import STAGES

LAST_LINES = 15
"""Lines of a failed task's log that an error shows."""

COMPONENT = re.compile(r"Looking for component `(\w+)`")
"""How kfp begins the log of a component; its API does not say which pod carried out which step."""


@dataclass(frozen=True)
class Log:
    """What one task wrote.

    Attributes:
        step: which step of the search it is; of KFP's own tasks their name.
        state: SUCCEEDED, FAILED...
        text: all of it.
    """

    step: str
    state: str
    text: str

    def last_lines(self) -> str:
        """The end of it, as an error shows it."""
        lines = [line.rstrip() for line in self.text.splitlines() if line.strip()]
        return "\n".join(lines[-LAST_LINES:])


def logs(kfp: Kfp, run: Run, step: str = "") -> Iterator[Log]:
    """The logs of a run's tasks that can be read yet, in the order in which the tasks began.

    A task's log is there when its pod has ended. Of KFP's own tasks those that failed are told.

    Args:
        kfp: the backend.
        run: whose.
        step: only of this one: `preprocess`, `cross_validate`...; of all by default.

    Raises:
        UserError: there is no such step.
    """
    wanted = step.replace("-", "_")
    if wanted and wanted not in STAGES:
        steps = ", ".join(STAGES)
        raise UserError(
            f"no task is named {step!r}{did_you_mean(wanted, STAGES)}; there are {steps}"
        )
    tasks = [
        task
        for task in run.tasks
        if task.has_log and (task.name == EXECUTOR or task.state == "FAILED")
    ]
    for log in read_logs(kfp, run, tasks):
        if wanted in ("", log.step.removesuffix("-driver").replace("-", "_")):
            yield log


def failed_log(kfp: Kfp, run: Run) -> Log | None:
    """The log of the first task that failed, one of KFP's own too; None where it has none."""
    tasks = [task for task in run.tasks if task.has_log and task.state == "FAILED"]
    return next(read_logs(kfp, run, tasks), None)


def read_logs(kfp: Kfp, run: Run, tasks: Iterable[Task]) -> Iterator[Log]:
    """The logs of these tasks, where they have one yet."""
    for task in tasks:
        try:
            path = f"/runs/{run.id}/nodes/{task.node}/artifacts/main-logs:read"
            data = kfp.get(path).get("data") or ""
        except Gone:
            continue
        text = base64.b64decode(data).decode("utf-8", errors="replace")
        named = COMPONENT.search(text)
        yield Log(named[1] if named else task.name, task.state, text)
