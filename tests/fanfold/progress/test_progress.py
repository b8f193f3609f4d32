from __future__ import annotations

import itertools
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fanfold.estimators.hyperparameters import varying
from fanfold.progress.progress import STAGES, Progress

CANDIDATES = {"a": {"max_depth": 3, "eta": 0.1}, "b": {"max_depth": 6, "eta": 0.1}}


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def score(
    candidate: str,
    fold: str,
    value: float | None,
    error: str = "",
    remembered: bool = False,
) -> Mapping[str, Any]:
    return {
        "event": "score",
        "candidate": candidate,
        "fold": fold,
        "parameters": CANDIDATES.get(candidate, {"name": candidate}),
        "ok": not error,
        "error": error,
        "remembered": remembered,
        "values": {} if value is None else {"rmse": value, "rsq": -value},
    }


def told(*events: Mapping[str, Any], metric: str = "rmse") -> Progress:
    progress = Progress(metric)
    progress.tell({"event": "search", "candidates": 2, "folds": 3})
    for event in events:
        progress.tell(event)
    return progress


def test_candidates_are_compared_over_the_folds_that_all_of_them_have() -> None:
    first_fold = [score("a", "1", 2.0), score("b", "1", 1.0), score("c", "1", 3.0)]
    now = told(*first_fold, score("a", "2", 0.1)).snapshot()
    assert [each.mean for each in now.standings] == [1.0, 2.0, 3.0]
    assert [each.parameters.get("max_depth") for each in now.standings] == [6, 3, None]
    assert now.folds_compared == 1


def test_a_finished_candidate_is_not_compared_over_the_first_fold_of_the_next() -> None:
    finished = [score("a", fold, 2.0) for fold in "123"]
    now = told(*finished, score("b", "1", 1.0)).snapshot()
    assert [each.mean for each in now.standings] == [2.0]
    assert now.folds_compared == 3


def test_the_largest_value_leads_where_the_metric_is_better_the_higher() -> None:
    now = told(score("a", "1", 2.0), score("b", "1", 1.0), metric="rsq").snapshot()
    assert [each.mean for each in now.standings] == [-1.0, -2.0]


def test_a_candidate_that_failed_on_a_fold_is_counted_and_does_not_stand_among_the_best() -> None:
    events = [score("a", "1", 1.0), score("a", "2", None, "out of memory"), score("b", "1", 3.0)]
    now = told(*events).snapshot()
    assert [each.mean for each in now.standings] == [3.0]
    assert (now.failed, now.failure, now.done, now.total) == (1, "out of memory", 3, 6)


def test_a_score_that_is_told_twice_counts_once() -> None:
    assert told(score("a", "1", 1.0), score("a", "1", 1.0)).snapshot().done == 1


FEW_SCORES = st.dictionaries(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("1234")), st.integers(-99, 99)
)


@given(FEW_SCORES)
def test_the_scores_compared_are_a_block_without_gaps_and_the_largest_there_is(
    values: dict[tuple[str, str], int],
) -> None:
    now = told(*(score(*key, float(value)) for key, value in values.items())).snapshot()
    names = [
        each.parameters.get("name", each.parameters.get("max_depth")) for each in now.standings
    ]
    assert len(set(names)) == len(names)
    if not values:
        assert now.standings == ()
        return
    # Candidates that have at least so many folds each, on the folds that all of them have.
    sizes = []
    for least in range(1, 5):
        full = [n for n in "abcde" if sum(name == n for name, _ in values) >= least]
        folds = [f for f in "1234" if full and all((name, f) in values for name in full)]
        sizes.append(len(full) * len(folds))
    assert len(now.standings) * now.folds_compared == max(sizes)
    means = sorted(each.mean for each in now.standings)
    assert any(
        means == sorted(fmean(values[name, fold] for fold in folds) for name in some)
        for some in itertools.combinations("abcde", len(now.standings))
        for folds in itertools.combinations("1234", now.folds_compared)
        if all((name, fold) in values for name in some for fold in folds)
    )


def test_the_time_left_follows_the_pace_so_far_and_runs_down_between_scores() -> None:
    clock = Clock()
    progress = Progress("rmse", clock)
    progress.tell({"event": "stage", "stage": "cross_validate"})
    progress.tell({"event": "search", "candidates": 2, "folds": 3})
    assert progress.snapshot().seconds_left is None
    clock.seconds += 10
    progress.tell(score("a", "1", 1.0))
    assert progress.snapshot().seconds_left == 50
    clock.seconds += 20
    assert progress.snapshot().seconds_left == 30
    clock.seconds += 100
    assert progress.snapshot().seconds_left == 0


def test_what_was_remembered_is_done_but_says_nothing_of_the_pace() -> None:
    clock = Clock()
    progress = Progress("rmse", clock)
    progress.tell({"event": "stage", "stage": "cross_validate"})
    progress.tell({"event": "search", "candidates": 2, "folds": 3})
    for fold in "123":
        progress.tell(score("a", fold, 1.0, remembered=True))
    assert progress.snapshot().seconds_left is None
    clock.seconds += 10
    progress.tell(score("b", "1", 1.0))
    now = progress.snapshot()
    assert (now.done, now.remembered, now.seconds_left) == (4, 3, 20)


def test_a_stage_is_over_when_the_next_begins_and_the_last_when_the_search_ends() -> None:
    clock = Clock()
    progress = Progress("rmse", clock)
    # A pipeline may begin preprocess before expand_grid, which waits for nothing.
    for stage in ("preprocess", "expand_grid", "cross_validate"):
        clock.seconds += 5
        progress.tell({"event": "stage", "stage": stage})
    clock.seconds += 5
    before = {each.name: (each.seconds, each.over) for each in progress.snapshot().stages}
    assert before == {
        "expand_grid": (5, True),
        "preprocess": (5, True),
        "cross_validate": (5, False),
        "select_best": (None, False),
        "train_final": (None, False),
    }
    progress.end()
    clock.seconds += 60
    after = {each.name: (each.seconds, each.over) for each in progress.snapshot().stages}
    assert after["cross_validate"] == (5, True)


def test_the_stage_that_a_search_broke_off_in_is_marked_as_broken() -> None:
    progress = Progress("rmse", clock := Clock())
    progress.tell({"event": "stage", "stage": STAGES[0]})
    clock.seconds += 1
    progress.tell({"event": "stage", "stage": STAGES[1]})
    clock.seconds += 1
    progress.end(broken=True)
    stages = progress.snapshot().stages
    assert [each.broken for each in stages] == [False, True, False, False, False]
    assert [each.over for each in stages] == [True, False, False, False, False]


def test_an_event_of_a_kind_that_is_not_known_is_passed_over() -> None:
    assert told({"event": "news"}).snapshot().done == 0


def test_only_parameters_that_set_candidates_apart_are_named() -> None:
    both = told(score("a", "1", 1.0), score("b", "1", 2.0)).snapshot().standings
    assert varying(both) == ["max_depth"]
    assert varying(both[:1]) == ["max_depth", "eta"]
