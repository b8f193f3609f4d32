"""What a search will cost: the arithmetic, and what it rests on; never how long a test took."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from fanfold.cli_options import with_assignments
from fanfold.errors import UserError
from fanfold.estimate import Estimate, _one_fold, _Trial, estimate, linear, makespan
from fanfold.outcome import show_estimate
from fanfold.settings import Settings, from_mapping
from tests.fanfold.command import fanfold
from tests.fanfold.ledger.searching import make_corpus

SMALL = Settings(
    data="sample:400",
    folds=4,
    grid='{"max_depth": [1, 3], "n_estimators": [5, 10], "subsample": [0.5, 0.8, 1]}',
)


@pytest.fixture(scope="module")
def found() -> Estimate:
    return estimate(SMALL, parallelism=2, cpus=1)


def test_it_counts_what_the_search_has(found: Estimate) -> None:
    assert (found.candidates, found.units, found.folds, found.tasks) == (12, 6, 4, 6)
    assert 300 < found.rows < 330


def test_it_says_what_to_ask_for_and_what_it_will_cost(found: Estimate) -> None:
    assert found.cpu_seconds > 0
    # Six tasks two at a time, and three other steps: each costs a cluster half a minute.
    assert found.seconds > 6 * 30
    assert found.memory_bytes % (256 << 20) == 0


def test_shares_that_are_packed_are_fewer_tasks() -> None:
    packed = estimate(Settings(**{**SMALL.as_dict(), "max_tasks": 2}), parallelism=2)
    assert (packed.units, packed.tasks) == (6, 2)


def test_one_fold_of_some_rows_is_what_the_whole_corpus_has_of_them(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path)
    some = _one_fold(corpus, 100)
    everything = list(range(len(corpus.text.vocabulary)))
    assert (some.text.select(everything) != corpus.text.select(everything)[:100]).nnz == 0
    assert list(some.target) == list(corpus.target[:100])
    held_out = [each == corpus.fold[0] for each in corpus.fold[:100]]
    assert [each == 0 for each in some.fold] == held_out
    assert len(some.fold_labels) == 1


def test_cost_lies_on_the_line_through_two_trials() -> None:
    small, large = _Trial(100, 3.0, 0), _Trial(200, 5.0, 0)
    assert linear(small, large, 1000) == pytest.approx(1.0 + 0.02 * 1000)
    assert linear(large, large, 1000) == pytest.approx(25.0)


def test_noise_cannot_make_more_rows_cheaper() -> None:
    assert linear(_Trial(100, 9.0, 0), _Trial(200, 4.0, 0), 1000) == pytest.approx(4 + 0.01 * 800)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=7), st.integers(1, 4))
def test_the_last_task_ends_when_a_clock_that_ticks_says_so(seconds: list[int], slots: int) -> None:
    waiting, running = list(seconds), []
    for now in itertools.count():
        running = [end for end in running if end > now]
        while waiting and len(running) < slots:
            running.append(now + waiting.pop(0))
        if not running:
            break
    assert makespan(seconds, slots) == now


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"parallelism": 0}, "parallelism must be at least 1 but is 0"),
        ({"cpus": 0}, "cpus must be at least 1 but is 0"),
    ],
)
def test_a_number_out_of_its_range_is_refused(how: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        estimate(SMALL, **how)


def test_a_fit_that_fails_is_told() -> None:
    failing = Settings(**{**SMALL.as_dict(), "text__min_times": 0.9})
    with pytest.raises(UserError, match="the trial fit of .* failed: no token's share"):
        estimate(failing)


def test_the_command_says_it_in_a_few_lines(tmp_path: Path) -> None:
    grid = ("--grid", SMALL.grid, "--folds", "4")
    ended = fanfold("estimate", "sample:400", *grid, "--cpu-hour-price", "0.1", cwd=tmp_path)
    assert ended.code == 0, ended.err
    lines = dict(line.split("  ", 1) for line in ended.out.splitlines())
    assert "12 candidates x 4 folds, 6 fits a fold" in lines["search"]
    assert set(map(str.strip, lines)) == {
        "search", "tasks", "processor time", "wall time", "memory", "price", "to compare"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.034056, "0.0341"), (2.0, "2"), (2.3456, "2.35"), (123.4, "123"), (1234.5, "1234")],
)
def test_hours_are_said_with_three_digits_and_as_the_setting_takes_them(
    hours: float, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    estimated = Estimate(1000, 4, 2, 5, 2, hours * 3600, 60.0, 1 << 30)
    show_estimate(estimated, 0.05, Console(highlight=False, width=200))
    compared = capsys.readouterr().out.splitlines()[-1]
    given = with_assignments({}, re.findall(r"--set (\S+)", compared))
    assert given == {"estimated_cpu_hours": said, "cpu_hour_price": "0.05"}
    assert from_mapping(given).estimated_cpu_hours == pytest.approx(hours, rel=0.01)


def test_without_a_price_nothing_is_said_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    show_estimate(Estimate(1000, 4, 2, 5, 2, 60.0, 60.0, 1 << 30), 0, Console(highlight=False))
    assert "price" not in capsys.readouterr().out
