"""Waiting for a run to end: through a server that is away for a while, and not without end."""

from __future__ import annotations

import time
from collections.abc import Callable

from fanfold.client.connection import Kfp
from fanfold.client.errors import Gone, NotAnswering, NotMoving, RunFailed
from fanfold.client.logs import failed_log
from fanfold.client.runs import Run, get_run
from fanfold.progress.view import duration

EVERY = 5.0
"""Seconds between two looks at a run."""

PATIENCE = 24 * 3600.0
"""Seconds for which a run may stand still: none of its tasks is given longer than a day."""

AWAY = 15 * 60.0
"""Seconds for which the server may be away."""

STILL = 10 * 60.0
"""Seconds after which one is told that a run stands still: images are pulled sooner."""

OnLook = Callable[[Run, str], object]
"""Is told of the run at each look, and what else there is to say, or an empty text."""


def wait(
    kfp: Kfp,
    run: Run,
    *,
    patience: float = PATIENCE,
    every: float = EVERY,
    on_look: OnLook = lambda run, note: None,
    also: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Run:
    """The run when it has ended; with a result, or else an error is raised.

    Args:
        kfp: the backend.
        run: whose end to wait for.
        patience: seconds for which nothing of it may change.
        every: seconds between two looks.
        on_look: is told of each.
        also: what counts as a change of the run too, such as the scores in its ledger.
        clock: seconds since some moment.
        sleep: waits so many seconds.

    Raises:
        RunFailed: it failed, was canceled, or is no longer there.
        NotMoving: nothing changed for too long.
        NotAnswering: the server was away for too long.
    """
    seen: object = None
    changed = answered = clock()
    while not run.over:
        stand = (run.state, run.tasks, also())
        if stand != seen:
            seen, changed = stand, answered
        still, away = answered - changed, clock() - answered
        if still > patience:
            raise NotMoving(_unmoved(run, still))
        if away > every:
            on_look(run, f"KFP has not answered for {duration(away)}; asking again")
        else:
            on_look(run, _unmoved(run, still) if still > STILL else "")
        before = clock()
        sleep(every)
        try:
            run = get_run(kfp, run.id)
            answered = clock()
        except Gone:
            raise RunFailed(f"the run {run.id} is lost: KFP no longer has it") from None
        except NotAnswering:
            changed += clock() - before  # of that time nobody knows whether the run moved
            if clock() - answered > AWAY:
                raise
    on_look(run, "")
    if not run.succeeded:
        raise failure(kfp, run)
    return run


def failure(kfp: Kfp, run: Run) -> RunFailed:
    """Why a run ended without a result: which task failed, and the last that it wrote."""
    if run.canceled:
        return RunFailed(f"the run {run.id} was canceled")
    again = f"go on with what failed: fanfold submit --retry {run.id}"
    try:
        log = failed_log(kfp, run)
    except NotAnswering:
        log = None
    failed = [task.step for task in run.tasks if task.step and task.state == "FAILED"]
    step = log.step if log else next(iter(failed), "")
    what = f"the run {run.id} {'failed' if run.state == 'FAILED' else 'was ' + run.state.lower()}"
    where = f" in {step}" if step else ""
    said = f": {run.error}" if run.error else ""
    if log is None:
        return RunFailed(f"{what}{where}{said}; there is no log of it; {again}")
    return RunFailed(f"{what}{where}{said}; {again}\nThe log of {step} ends:\n{log.last_lines()}")


def _unmoved(run: Run, seconds: float) -> str:
    """That a run stands still, and what it may lack."""
    open_tasks = [task for task in run.tasks if task.state in ("PENDING", "RUNNING")]
    waiting = {task.step for task in open_tasks if task.step}
    at = f" at {', '.join(sorted(waiting))}" if waiting else ""
    return (
        f"the run {run.id} is {run.state} and has not moved for {duration(seconds)}{at}: that is a"
        " long fit, or a pod that cannot start, for want of its image, or of a node with that much"
        " cpu and memory"
    )
