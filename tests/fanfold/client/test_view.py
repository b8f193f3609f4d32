"""What a terminal shows of a run."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console, RenderableType

from fanfold.client import Kfp, Run, submit
from fanfold.client.ledger_watch import LedgerWatch
from fanfold.client.view import PlainLines, following, in_words, leaderboard, run_view
from tests.fanfold.command import json_of, rows_of
from tests.kfp_server.backend import Moment
from tests.kfp_server.graph import Step
from tests.kfp_server.server import KfpServer

STEPS = (
    Step("expand-grid"),
    Step("preprocess"),
    Step("cross-validate"),
    Step("cross-validate", state="FAILED"),
    Step("cross-validate", state="RUNNING"),
    Step("cross-validate", state="RUNNING"),
)


def a_run(kfp: Kfp, kfp_server: KfpServer, *steps: Step) -> Run:
    kfp_server.backend.course = (Moment(("RUNNING",), steps),)
    return submit(kfp, {}, name="words")


def shown(what: RenderableType) -> list[str]:
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(what)
    return [re.sub(" +", " ", line).strip() for line in captured.get().splitlines()]


def test_the_view_says_how_far_each_step_is(kfp: Kfp, kfp_server: KfpServer) -> None:
    run = a_run(kfp, kfp_server, *STEPS)
    lines = shown(run_view(run, "it stands still", LedgerWatch(), 80))
    assert re.fullmatch(r"words RUNNING \d+ s", lines[0])
    assert lines[1:] == [
        "✓ expand_grid done",
        "✓ preprocess done",
        "✗ cross_validate 1 of 4 done, 2 running, 1 failed",
        "· select_best",
        "· train_final",
        "it stands still",
    ]
    assert (
        "x cross_validate 1 of 4" in shown(run_view(run, "", LedgerWatch(), 80, ascii_only=True))[3]
    )


def test_a_line_says_the_same(kfp: Kfp, kfp_server: KfpServer) -> None:
    begun, further = a_run(kfp, kfp_server), a_run(kfp, kfp_server, *STEPS)
    assert in_words(begun, LedgerWatch()) == "RUNNING"
    assert in_words(further, LedgerWatch()) == (
        "RUNNING: expand_grid done, preprocess done,"
        " cross_validate 1 of 4 done, 2 running, 1 failed"
    )


def test_a_line_is_written_only_when_there_is_something_new(
    kfp: Kfp, kfp_server: KfpServer
) -> None:
    written: list[str] = []
    lines = PlainLines(written.append)
    begun, further = a_run(kfp, kfp_server), a_run(kfp, kfp_server, *STEPS[:1])
    for run, note in [
        (begun, ""),
        (begun, ""),
        (begun, "away for 10 s"),
        (begun, "away for 20 s"),
        (further, ""),
        (further, "away for 5 s"),
    ]:
        lines.tell(run, note, LedgerWatch())
    assert written == ["RUNNING", "away for 10 s", "RUNNING: expand_grid done", "away for 5 s"]


def test_a_file_gets_lines_and_no_live_table_though_colours_are_asked_for(
    kfp: Kfp, kfp_server: KfpServer
) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, color_system=None)
    with following(console, LedgerWatch()) as tell:
        tell(a_run(kfp, kfp_server), "")
    assert file.getvalue() == "RUNNING\n"


def test_the_leaderboard_has_the_best_candidates_in_order(searched: Path) -> None:
    lines = shown(leaderboard(searched / "leaderboard.csv", "rmse", 80))
    rows = rows_of(searched / "leaderboard.csv")
    assert lines[0] == "rank rmse std_err max_depth n_estimators"
    best = json_of(searched / "best.json")
    first = " ".join(str(value) for value in best["parameters"].values())
    assert lines[1] == f"1 {best['mean']:.4f} {best['std_err']:.4f} {first}"
    assert [line.split()[0] for line in lines[1:]] == [
        row["rank"] or row["candidate"] for row in rows
    ]


@pytest.mark.parametrize("width", [50, 80, 120, 200])
def test_the_leaderboard_keeps_its_numbers_however_many_parameters_there_are(
    width: int, tmp_path: Path
) -> None:
    names = [f"a_parameter_{number}" for number in range(9)]
    row = {"rank": "1", "candidate": "c", **dict.fromkeys(names, "[b]12")}
    means = {"rmse_mean": "1.23456", "rmse_std_err": "0.01234"}
    last = {"rank": "", "candidate": "baseline", **dict.fromkeys(names, "")}
    frame = pd.DataFrame([{**row, **means}, {**last, **means}])
    frame.to_csv(tmp_path / "leaderboard.csv", index=False)
    board = leaderboard(tmp_path / "leaderboard.csv", "rmse", width)
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(board)
    text = captured.get()
    assert max(map(len, text.splitlines())) <= width
    assert text.count("1.2346") == text.count("0.0123") == 2
    assert "".join(text.split()).count("[b]12") == 9
    assert "baseline" in text
