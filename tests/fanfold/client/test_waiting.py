"""Waiting for a run: every state, a server that goes and comes back, a run that stands still."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fanfold.client import Kfp, NotAnswering, NotMoving, Run, RunFailed, get_run, submit, wait
from fanfold.client.waiting import AWAY, STILL
from tests.kfp_server.backend import Moment
from tests.kfp_server.graph import ALL, Step
from tests.kfp_server.server import KfpServer

TRACE = "Traceback (most recent call last):\nfanfold.errors.UserError: no column 'text'\n"


class Clock:
    """Time that passes only while one sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.then: dict[float, Callable[[], object]] = {}

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in [each for each in self.then if each <= self.now]:
            self.then.pop(moment)()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def waited(
    kfp: Kfp, server: KfpServer, clock: Clock, *course: Moment, **limits: float
) -> tuple[Run | Exception, list[tuple[str, str]]]:
    """How waiting for a run of this course ends, and what was told meanwhile."""
    server.backend.course = course
    told: list[tuple[str, str]] = []
    run = submit(kfp, {})

    def on_look(run: Run, note: str) -> None:
        told.append((run.state, note))

    try:
        ended = wait(
            kfp, run, on_look=on_look, clock=lambda: clock.now, sleep=clock.sleep, **limits
        )
    except (RunFailed, NotMoving, NotAnswering) as error:
        return error, told
    return ended, told


def test_a_run_is_followed_through_its_states_to_its_end(
    kfp: Kfp, kfp_server: KfpServer, clock: Clock
) -> None:
    states = ["PENDING", "RUNTIME_STATE_UNSPECIFIED", "RUNNING", "PAUSED", "RUNNING", "SUCCEEDED"]
    course = [Moment(tuple(states[: n + 1]), ALL if n > 3 else ()) for n in range(len(states))]
    run, told = waited(kfp, kfp_server, clock, *course)
    assert isinstance(run, Run)
    assert run.succeeded
    assert [state for state, _ in told] == [
        "PENDING", "RUNNING", "RUNNING", "PAUSED", "RUNNING", "SUCCEEDED"
    ]  # fmt: skip
    assert [task.step for task in run.tasks if task.step] == [
        "expand_grid",
        "preprocess",
        "cross_validate",
        "cross_validate",
        "select_best",
        "train_final",
    ]


ENDS = {
    "failed": (("RUNNING", "FAILED"), "failed; there is no log of it"),
    "canceled": (("RUNNING", "CANCELING", "FAILED"), "was canceled"),
    "canceled, as KFP may say one day": (("RUNNING", "CANCELING", "CANCELED"), "was canceled"),
    "canceled, and tried again": (
        ("RUNNING", "CANCELING", "FAILED", "RUNNING", "FAILED"),
        "failed",
    ),
    "skipped": (("SKIPPED",), "was skipped"),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_run_without_a_result_ends_with_how_it_ended_and_how_to_go_on(
    case: str, kfp: Kfp, kfp_server: KfpServer, clock: Clock
) -> None:
    states, said = ENDS[case]
    error, _ = waited(kfp, kfp_server, clock, Moment(("RUNNING",)), Moment(states))
    assert isinstance(error, RunFailed)
    (run,) = kfp_server.backend.runs
    assert str(error).startswith(f"the run {run.run_id} {said}")
    assert (f"fanfold submit --retry {run.run_id}" in str(error)) == ("canceled" not in said)


def test_canceling_is_not_the_end_yet(kfp: Kfp, kfp_server: KfpServer, clock: Clock) -> None:
    canceling = Moment(("RUNNING", "CANCELING"))
    over = Moment(("RUNNING", "CANCELING", "FAILED"))
    error, told = waited(kfp, kfp_server, clock, canceling, canceling, over)
    assert "was canceled" in str(error)
    assert [state for state, _ in told] == ["CANCELING", "CANCELING", "FAILED"]


def test_a_failure_names_the_task_and_ends_with_the_last_lines_of_its_last_try(
    kfp: Kfp, kfp_server: KfpServer, clock: Clock
) -> None:
    lines = "".join(f"line {number}\n" for number in range(30))
    failed = Step("preprocess", "FAILED", tries=3, log=lines + TRACE)
    error, _ = waited(kfp, kfp_server, clock, Moment(("RUNNING", "FAILED"), (*ALL[:1], failed)))
    said = str(error)
    assert "failed in preprocess; " in said
    assert "UserError: no column 'text'\nI0101" in said
    assert "line 29\n" in said
    assert "line 10\n" not in said


def test_a_failure_of_kfps_own_pod_is_named_too(
    kfp: Kfp, kfp_server: KfpServer, clock: Clock
) -> None:
    step = Step("cross-validate", driver="FAILED")
    moment = Moment(("RUNNING", "FAILED"), (*ALL[:2], step), error="the driver failed")
    error, _ = waited(kfp, kfp_server, clock, moment)
    assert "failed in cross-validate-driver: the driver failed; " in str(error)
    assert str(error).endswith("I0101 driver")


def test_a_run_that_was_deleted_is_lost(kfp: Kfp, kfp_server: KfpServer, clock: Clock) -> None:
    clock.then[20.0] = kfp_server.backend.runs.clear
    error, _ = waited(kfp, kfp_server, clock, Moment(("RUNNING",)))
    assert "is lost" in str(error)


def test_a_server_that_vanishes_and_comes_back_is_waited_for(
    kfp: Kfp, kfp_server: KfpServer, clock: Clock, at_once: None
) -> None:
    clock.then = {20.0: kfp_server.stop, 200.0: kfp_server.start}
    course = [Moment(("RUNNING",))] * 5 + [Moment(("RUNNING", "SUCCEEDED"))]
    run, told = waited(kfp, kfp_server, clock, *course, patience=100)
    assert isinstance(run, Run), run
    notes = [note for _, note in told if note]
    assert "KFP has not answered for 1 min 00 s; asking again" in notes
    assert told[-1] == ("SUCCEEDED", "")


def test_a_server_that_does_not_come_back_is_given_up(
    kfp: Kfp, kfp_server: KfpServer, clock: Clock, at_once: None
) -> None:
    clock.then[20.0] = kfp_server.stop
    error, _ = waited(kfp, kfp_server, clock, Moment(("RUNNING",)), every=60.0)
    assert isinstance(error, NotAnswering)
    assert AWAY < clock.now < 2 * AWAY


def test_a_run_that_stands_still_is_said_so_and_given_up(
    kfp: Kfp, kfp_server: KfpServer, clock: Clock
) -> None:
    stuck = Moment(("RUNNING",), (Step("preprocess", "PENDING", log=None),))
    error, told = waited(kfp, kfp_server, clock, stuck, patience=3600, every=60.0)
    assert isinstance(error, NotMoving)
    assert "is RUNNING and has not moved for 1 h 01 min at preprocess" in str(error)
    notes = [note for _, note in told]
    assert not any(notes[: int(STILL // 60)])
    assert "for want of its image" in notes[-1]
    assert get_run(kfp, kfp_server.backend.runs[0].run_id).state == "RUNNING"


@pytest.mark.parametrize("what", ["a task", "the ledger"])
def test_a_run_of_which_something_moves_is_waited_for(
    what: str, kfp: Kfp, kfp_server: KfpServer, clock: Clock
) -> None:
    """Longer than the patience, in steps that are shorter."""
    steps = [ALL[: n + 1] if what == "a task" else () for n in range(6)]
    moments = [Moment(("RUNNING",), each) for each in steps for _ in range(9)]
    kfp_server.backend.course = (*moments, Moment(("RUNNING", "SUCCEEDED")))
    run = wait(
        kfp,
        submit(kfp, {}),
        patience=600,
        every=60.0,
        also=lambda: clock.now // 500 if what == "the ledger" else 0,
        clock=lambda: clock.now,
        sleep=clock.sleep,
    )
    assert run.succeeded
    assert clock.now > 3000
