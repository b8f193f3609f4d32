"""The logs of a run's tasks, found though KFP does not say whose each is."""

from __future__ import annotations

import pytest

from fanfold.client import Kfp, logs, submit
from fanfold.errors import UserError
from tests.kfp_server.backend import Moment
from tests.kfp_server.graph import Step
from tests.kfp_server.server import KfpServer

STEPS = (
    Step("expand-grid", log="the grid\n"),
    Step("preprocess", log="the table\n"),
    Step("cross-validate", log="the first share\n", tries=2),
    Step("cross-validate", log="the second share\n", state="FAILED"),
    Step("cross-validate", log=None, state="RUNNING"),
    Step("select-best", state="SKIPPED", driver="FAILED"),
)


def told(kfp: Kfp, kfp_server: KfpServer, step: str = "") -> list[tuple[str, str, str]]:
    kfp_server.backend.course = (Moment(("RUNNING",), STEPS),)
    found = logs(kfp, submit(kfp, {}), step)
    return [(each.step, each.state, each.text.splitlines()[:2][-1]) for each in found]


def test_all_logs_come_in_the_order_in_which_their_tasks_began(
    kfp: Kfp, kfp_server: KfpServer
) -> None:
    assert told(kfp, kfp_server) == [
        ("expand_grid", "SUCCEEDED", "the grid"),
        ("preprocess", "SUCCEEDED", "the table"),
        ("cross_validate", "SUCCEEDED", "the first share"),
        ("cross_validate", "FAILED", "the second share"),
        ("select-best-driver", "FAILED", "I0101 driver"),
    ]


@pytest.mark.parametrize("step", ["cross_validate", "cross-validate"])
def test_one_step_may_have_several(step: str, kfp: Kfp, kfp_server: KfpServer) -> None:
    lines = [line for _, _, line in told(kfp, kfp_server, step)]
    assert lines == ["the first share", "the second share"]


def test_the_log_of_a_driver_that_failed_is_one_of_its_step(
    kfp: Kfp, kfp_server: KfpServer
) -> None:
    assert told(kfp, kfp_server, "select_best") == [
        ("select-best-driver", "FAILED", "I0101 driver")
    ]


def test_a_step_that_does_not_exist_is_said_so(kfp: Kfp, kfp_server: KfpServer) -> None:
    with pytest.raises(UserError, match="no task is named 'preproces'; did you mean 'preprocess'?"):
        told(kfp, kfp_server, "preproces")
