from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from fanfold.progress.progress import STAGES, Progress
from fanfold.progress.view import PlainLines, duration, following, live_view

FEW = ("max_depth", "subsample")
MANY = tuple(f"a_parameter_with_a_long_name_{number}" for number in range(12))


def searched(names: tuple[str, ...], folds: int = 2, until: int = 1000) -> Progress:
    """A search of 20 candidates that has scored the first `until` candidates x folds."""
    progress = Progress("rmse")
    for stage in STAGES[:3]:
        progress.tell({"event": "stage", "stage": stage})
    progress.tell({"event": "search", "candidates": 20, "folds": folds})
    places = [(fold, number) for fold in range(folds) for number in range(20)]
    for fold, number in places[:until]:
        event = {"event": "score", "candidate": f"{number}", "fold": f"{fold}", "ok": True}
        about = {"error": "", "parameters": dict.fromkeys(names, f"[bold]{number}")}
        progress.tell({**event, **about, "remembered": False, "values": {"rmse": number}})
    return progress


def drawn(progress: Progress, width: int, encoding: str = "utf-8") -> list[str]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    view = live_view(progress.snapshot(), width, ascii_only=console.options.ascii_only)
    console.print(view)
    file.flush()
    return file.buffer.getvalue().decode(encoding).splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 300])
@pytest.mark.parametrize("names", [(), FEW, MANY], ids=["none", "few", "many"])
def test_no_line_of_the_live_view_is_wider_than_the_terminal(
    width: int, names: tuple[str, ...]
) -> None:
    lines = drawn(searched(names), width)
    assert max(map(len, lines)) <= width
    assert len(lines) < 24


def test_the_live_view_has_a_column_a_parameter_where_they_fit() -> None:
    lines = drawn(searched(FEW), 60)
    assert any(re.fullmatch(r" *rmse +max_depth +subsample *", line) for line in lines)
    assert any(re.fullmatch(r" *0\.0000 +\[bold\]0 +\[bold\]0 *", line) for line in lines)


def test_the_live_view_names_parameters_in_each_row_where_columns_do_not_fit() -> None:
    lines = drawn(searched(MANY), 60)
    assert sum(f"{MANY[0]}=[bold]" in line for line in lines) == 5


def test_the_live_view_counts_and_shows_the_first_five() -> None:
    lines = drawn(searched(FEW, until=25), 120)
    assert any("25/40  62 %" in line for line in lines)
    assert any("mean rmse on 1 of 2 folds, 20 of 20 candidates" in line for line in lines)
    assert sum("[bold]" in line for line in lines) == 5


def test_the_live_view_says_how_many_candidates_failed_and_why_the_last_one_did() -> None:
    progress = searched(FEW)
    event = {"event": "score", "candidate": "19", "fold": "0", "parameters": {}, "values": {}}
    event |= {"remembered": False, "ok": False, "error": "out of memory: " + 100 * "x"}
    progress.tell(event)
    (line,) = [each for each in drawn(progress, 60) if "failed" in each]
    assert line.startswith("1 of 20 candidates failed, the last: out of memory: ")
    assert len(line) <= 60


def test_a_file_gets_lines_and_no_live_view_though_colours_are_asked_for() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, color_system=None)
    with following("rmse", console) as tell:
        tell({"event": "stage", "stage": STAGES[0]})
    assert file.getvalue() == f"{STAGES[0]}\n"


@pytest.mark.parametrize("hours", [0, 1, 100])
@pytest.mark.parametrize("width", [50, 60, 72])
def test_the_live_view_leaves_words_out_before_it_breaks_a_line(width: int, hours: int) -> None:
    now = 0.0
    progress = Progress("rmse", lambda: now)
    progress.tell({"event": "stage", "stage": "cross_validate"})
    progress.tell({"event": "search", "candidates": 1000, "folds": 10})
    now = hours * 3600.0
    score = {"event": "score", "fold": "1", "parameters": {}, "ok": True, "error": ""}
    score["remembered"] = False
    for candidate in range(250):
        progress.tell({**score, "candidate": f"{candidate}", "values": {"rmse": 1}})
    (line,) = [each for each in drawn(progress, width) if "cross_validate" in each]
    assert "250/10000" in line
    assert line.rstrip().endswith("left")


def test_the_live_view_of_a_search_that_has_told_nothing_says_that_it_starts() -> None:
    assert "starting" in drawn(Progress("rmse"), 60)[0]


def test_the_live_view_keeps_to_ascii_where_a_terminal_knows_no_more() -> None:
    assert len(drawn(searched(FEW, until=30), 60, encoding="ascii")) > 5


def plain(names: tuple[str, ...], seconds_a_score: float, folds: int) -> list[str]:
    lines: list[str] = []
    now = 0.0
    plain_lines = PlainLines(Progress("rmse", lambda: now), lines.append, lambda: now)
    for stage in STAGES[:3]:
        plain_lines.tell({"event": "stage", "stage": stage})
    plain_lines.tell({"event": "search", "candidates": 20, "folds": folds})
    for fold in range(folds):
        for number in range(20):
            now += seconds_a_score
            event = {"event": "score", "candidate": f"{number}", "fold": f"{fold}", "ok": True}
            about = {"error": "", "remembered": False, "parameters": dict.fromkeys(names, number)}
            plain_lines.tell({**event, **about, "values": {"rmse": number}})
    return lines


def test_plain_lines_are_one_a_stage_and_one_every_tenth() -> None:
    lines = plain(FEW, seconds_a_score=1, folds=5)
    assert lines[:3] == list(STAGES[:3])
    assert len(lines) == 3 + 10
    assert lines[3].startswith(
        "cross_validate: 10/100 (10 %), 1 min 30 s left, best rmse 0 on 1 of"
    )
    assert lines[-1] == (
        "cross_validate: 100/100 (100 %), best rmse 0 on 5 of 5 folds: max_depth=0 subsample=0"
    )


def test_remembered_scores_come_all_at_once_and_are_one_line() -> None:
    lines: list[str] = []
    plain_lines = PlainLines(Progress("rmse"), lines.append)
    plain_lines.tell({"event": "stage", "stage": "cross_validate"})
    plain_lines.tell({"event": "search", "candidates": 1, "folds": 40})
    event = {"event": "score", "candidate": "a", "parameters": {}, "ok": True, "error": ""}
    for fold in range(40):
        remembered = {"fold": f"{fold}", "values": {"rmse": 1.0}, "remembered": fold < 36}
        plain_lines.tell({**event, **remembered})
    assert lines[0] == "cross_validate"
    assert lines[1].startswith("cross_validate: 37/40 (92 %), 36 remembered, ")
    assert lines[-1].startswith("cross_validate: 40/40 (100 %), 36 remembered, best rmse 1.000 on")
    assert len(lines) == 3


def test_plain_lines_come_every_30_seconds_where_a_tenth_takes_longer() -> None:
    lines = plain(FEW, seconds_a_score=10, folds=25)
    assert 3 + 500 / 3 <= len(lines) <= 3 + 500 / 3 + 10


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7800, "2 h 10 min"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said
