"""What a search will cost: the arithmetic, and what it rests on; never how long a test took."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from fanfold.cli.closing_words import show_estimate
from fanfold.cli.parameters import with_assignments
from fanfold.errors import UserError
from fanfold.estimators.base import get_estimator
from fanfold.search.estimate import Estimate, _one_fold, _pilot, _Trial, estimate, linear, makespan
from fanfold.search.grid import Unit, expand, make_units
from fanfold.settings.search import Settings, from_mapping
from tests.fanfold.command import fanfold
from tests.fanfold.ledger.searching import make_corpus

SMALL = Settings(
    data="sample:400",
    folds=4,
    grid='{"max_depth": [1, 3], "n_estimators": [5, 10], "subsample": [0.5, 0.8, 1]}',
)


BASE = 10**8
"""Bytes that a process takes by itself."""


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
    packed = estimate(replace(SMALL, max_tasks=2), parallelism=2)
    assert (packed.units, packed.tasks) == (6, 2)


@pytest.mark.parametrize("rows", [100, 7])
def test_one_fold_of_some_rows_is_what_the_whole_corpus_has_of_them(
    rows: int, tmp_path: Path
) -> None:
    corpus = make_corpus(tmp_path)
    some = _one_fold(corpus, rows)
    chosen = [each * corpus.rows // rows for each in range(rows)]
    everything = list(range(len(corpus.text.vocabulary)))
    assert (some.text.select(everything) != corpus.text.select(everything)[chosen]).nnz == 0
    assert list(some.text.row_tokens) == list(corpus.text.row_tokens[chosen])
    assert list(some.target) == list(corpus.target[chosen])
    assert chosen[0] == 0 and chosen[-1] >= corpus.rows - corpus.rows / rows - 1
    assert np.sum(some.fold == 0) == math.ceil(rows / len(corpus.fold_labels))
    assert len(some.fold_labels) == 1


def test_a_table_sorted_by_its_folds_is_estimated_too(tmp_path: Path) -> None:
    table = tmp_path / "sorted.csv"
    lines = [f"some words of text,{row},{row // 20}" for row in range(100)]
    table.write_text("\n".join(["text,votes,part", *lines]))
    by_column = Settings(data=str(table), text_column="text", target="votes", fold_column="part")
    found = estimate(replace(by_column, grid=SMALL.grid), pilot_rows=10)
    assert (found.rows, found.folds) == (80, 5)


def test_an_estimator_that_needs_some_rows_has_them(tmp_path: Path) -> None:
    table = tmp_path / "few.csv"
    lines = [f"some words of text,{row}" for row in range(25)]
    table.write_text("\n".join(["text,votes", *lines]))
    near = "sklearn.neighbors.KNeighborsRegressor"
    few = Settings(data=str(table), text_column="text", target="votes", estimator=near, grid="{}")
    assert estimate(few).rows == 20


def test_the_fewest_rows_that_can_be_searched_are_estimated_too(tmp_path: Path) -> None:
    table = tmp_path / "three.csv"
    table.write_text("text,votes\n" + "some words,1\n" * 3)
    few = Settings(data=str(table), text_column="text", target="votes", folds=2)
    assert estimate(replace(few, grid=SMALL.grid)).rows == 2


@pytest.mark.parametrize(
    "grid",
    [
        {"max_depth": [2, 4, 8]},
        {"text__max_tokens": [1000, 100, 300]},
        {"max_depth": [2, 4, 8], "text__max_tokens": [1000, 100, 300], "n_estimators": [9, 99]},
        [{"max_depth": 8, "text__max_tokens": 100}, {"max_depth": 2, "text__max_tokens": 1000}],
    ],
    ids=str,
)
def test_every_unit_costs_what_a_law_of_rows_depth_rounds_and_tokens_says(
    grid: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where trials take what such a law says, so does what is made of them."""
    corpus, xgboost = make_corpus(tmp_path), get_estimator("xgboost")

    def law(unit: Unit, rows: int) -> float:
        last = unit.candidates[-1]
        cost = xgboost.cost(last.model_parameters)
        return (5 + 0.1 * rows) * cost**1.3 * last.text.max_tokens**0.4

    peaks = [BASE]

    def tried(corpus: Any, unit: Unit, estimator: Any, seed: int, rows: int) -> _Trial:
        peaks.append(BASE + 1000 * rows)
        return _Trial(rows, law(unit, rows), peaks[-1])

    monkeypatch.setattr("fanfold.search.estimate._try", tried)
    monkeypatch.setattr("fanfold.search.estimate.peak_memory", lambda: peaks[-1])
    monkeypatch.setattr("fanfold.search.estimate.forget_peak_memory", lambda: peaks.append(BASE))
    monkeypatch.setattr("fanfold.search.estimate.FEW_ROWS", 10)
    units = make_units(expand(grid, xgboost), xgboost)
    seconds, memory = _pilot(corpus, units, xgboost, seed=1, pilot_rows=100)
    for unit in units:
        assert seconds(unit) == pytest.approx(law(unit, corpus.rows))
    assert memory(10**7, 3) == BASE + 3 * 1000 * 10**7


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
    failing = replace(SMALL, text__min_times=0.9)
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
