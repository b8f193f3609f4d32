"""How a search stands, from the ledger alone: what is done, what is best, when it will be over."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest

from fanfold.ledger import Ledger
from fanfold.ledger.records import SearchRecord, fold_key
from fanfold.ledger.standing import Follower, seconds_left
from fanfold.search.baseline import baseline_scores
from fanfold.search.fold_scores import DIVERGED, FoldScore, scores_frame
from fanfold.search.selection import select
from tests.fanfold.ledger.searching import (
    FOLDS,
    FailingXGBoost,
    make_corpus,
    make_search,
    records,
    run,
)


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture
def ledger(corpus_folder: Path, tmp_path: Path) -> Path:
    run(make_corpus(corpus_folder), tmp_path / "ledger")
    return tmp_path / "ledger"


def test_a_finished_search_has_all_its_rows_the_best_first(
    ledger: Path, corpus_folder: Path
) -> None:
    (search,) = Ledger(str(ledger)).searches()
    standing = Follower(Ledger(str(ledger)), search).look()
    assert (standing.done, standing.total, standing.seconds_left) == (12, 12, 0)
    scores = run(make_corpus(corpus_folder), "").rows
    for row in standing.rows:
        own = [s.value for s in scores if (s.candidate, s.metric) == (row.candidate, "rmse")]
        assert row.mean == pytest.approx(statistics.fmean(own))
        assert row.std_err == pytest.approx(statistics.stdev(own) / math.sqrt(FOLDS))
    assert [row.mean for row in standing.rows] == sorted(row.mean for row in standing.rows)
    assert standing.best == standing.rows[0]


@pytest.mark.parametrize("metric", ["mae", "rsq"])
def test_another_metric_ranks_by_it(metric: str, ledger: Path) -> None:
    (search,) = Ledger(str(ledger)).searches()
    means = [row.mean for row in Follower(Ledger(str(ledger)), search, metric).look().rows]
    assert means == sorted(means, reverse=metric == "rsq")


def test_a_mean_of_fewer_folds_stands_where_the_leaderboard_has_it(
    corpus_folder: Path, tmp_path: Path
) -> None:
    corpus, search = make_corpus(corpus_folder), make_search(tmp_path)
    record = SearchRecord.of(corpus, search.candidates, search.estimator)
    rsq = [[0.19, 0.29, 0.39], [0.41, math.nan, math.nan], [0.2, 0.3, 0.4], [math.nan] * 3]
    rows = [
        FoldScore(candidate.id, fold, metric, value if metric == "rsq" else 1.0)
        for candidate, values in zip(search.candidates, rsq, strict=True)
        for fold, value in zip(corpus.fold_labels, values, strict=True)
        for metric in ("rmse", "mae", "rsq")
    ]
    ledger = Ledger(str(tmp_path))
    ledger.begin(record)
    with ledger.writing(record.ground, search.candidates) as remember:
        remember(rows)
    tidy = scores_frame([*rows, *baseline_scores(corpus)])
    board = select(tidy, search.candidates, search.estimator, metric="rsq").leaderboard
    standing = Follower(ledger, record, "rsq").look()
    assert [row.candidate for row in standing.rows] == board["candidate"].tolist()[:4]
    assert standing.rows[0].mean == pytest.approx(0.3)


def test_a_candidate_that_diverged_has_failed_there(corpus_folder: Path, tmp_path: Path) -> None:
    corpus, search = make_corpus(corpus_folder), make_search(tmp_path, {"max_depth": [2, 3]})
    record = SearchRecord.of(corpus, search.candidates, search.estimator)
    broken, good = search.candidates
    rows = [
        FoldScore(each.id, fold, metric, math.nan if bad else 1.0, 3.0, 2.0, ok=not bad, error=bad)
        for each in (broken, good)
        for number, fold in enumerate(corpus.fold_labels)
        for bad in [DIVERGED if each == broken and number == 1 else ""]
        for metric in ("rmse", "mae", "rsq")
        if each == broken or number != 2
    ]
    ledger = Ledger(str(tmp_path))
    ledger.begin(record)
    with ledger.writing(record.ground, search.candidates) as remember:
        remember(rows)
    standing = Follower(ledger, record).look()
    assert (standing.done, standing.failed, standing.total) == (4, 1, 6)
    assert not standing.over and standing.best is None
    assert {row.candidate: (row.folds, row.failed, row.cpu_seconds) for row in standing.rows} == {
        broken.id: (2, 1, 6.0), good.id: (2, 0, 4.0),
    }  # fmt: skip


def test_an_unfinished_candidate_is_never_the_best(ledger: Path) -> None:
    (search,) = Ledger(str(ledger)).searches()
    best = Follower(Ledger(str(ledger)), search).look().rows[0].candidate
    ground = search.ground
    candidate = next(each for each in search.candidates if each.id == best)
    (ledger / fold_key(ground.of_fold(candidate, search.folds[0]))).unlink()
    standing = Follower(Ledger(str(ledger)), search).look()
    assert standing.done == 11
    assert standing.best is not None
    assert standing.best.candidate != best
    assert standing.rows[-1].candidate == best
    assert standing.rows[-1].folds == FOLDS - 1


def test_a_follower_sees_what_is_written_later_and_reads_nothing_twice(
    ledger: Path, tmp_path: Path
) -> None:
    (search,) = Ledger(str(ledger)).searches()
    kept = records(ledger)
    half = list(kept)[:6]
    for key in kept:
        (ledger / key).unlink()
    follower = Follower(Ledger(str(ledger)), search)
    assert follower.look().done == 0
    assert follower.look().best is None
    for key in half:
        (ledger / key).write_bytes(kept[key])
    assert follower.look().done == 6
    for key in half:
        (ledger / key).write_bytes(b"")  # would be damaged, if it was read again
    for key in list(kept)[6:]:
        (ledger / key).write_bytes(kept[key])
    assert follower.look().done == 12


def test_a_search_is_over_when_the_rest_has_failed(corpus_folder: Path, tmp_path: Path) -> None:
    corpus = make_corpus(corpus_folder)
    run(corpus, tmp_path, estimator=FailingXGBoost())
    (search,) = Ledger(str(tmp_path)).searches()
    follower = Follower(Ledger(str(tmp_path)), search)
    standing = follower.look()
    assert (standing.done, standing.failed, standing.total) == (6, 6, 12)
    assert standing.over and standing.seconds_left == 0
    assert [(row.folds, row.failed) for row in standing.rows] == [(3, 0)] * 2 + [(0, 3)] * 2
    run(corpus, tmp_path)
    standing = follower.look()
    assert (standing.done, standing.failed, standing.over) == (12, 0, True)


def test_looking_sets_nothing_aside_and_counts_no_damaged_record(ledger: Path) -> None:
    (search,) = Ledger(str(ledger)).searches()
    key = next(iter(records(ledger)))
    (ledger / key).write_bytes(b"{}")
    assert Follower(Ledger(str(ledger)), search).look().done == 11
    assert not (ledger / "set-aside").exists()


def test_a_search_that_cannot_be_read_is_left_out_with_a_warning(
    ledger: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (ledger / "searches" / "0.json").write_text("{}")
    assert len(Ledger(str(ledger)).searches()) == 1
    assert "search_not_read key='searches/0.json'" in caplog.text


def test_searches_are_listed_by_when_they_began(ledger: Path, corpus_folder: Path) -> None:
    run(make_corpus(corpus_folder), ledger, {"max_depth": [1]})
    run(make_corpus(corpus_folder), ledger, {"max_depth": [2]})
    begun = [each.begun for each in Ledger(str(ledger)).searches()]
    assert len(begun) == 3
    assert begun == sorted(begun)


def test_an_empty_ledger_has_no_search(tmp_path: Path) -> None:
    assert Ledger(str(tmp_path / "nowhere")).searches() == []


@pytest.mark.parametrize(
    ("times", "left", "now", "expected"),
    [
        ([], 5, 100.0, None),
        ([50.0], 5, 100.0, None),
        ([50.0, 50.0], 5, 100.0, None),
        ([50.0, 60.0], 0, 100.0, 0.0),
        ([50.0, 60.0], 5, 60.0, 50.0),
        ([50.0, 60.0], 5, 70.0, 40.0),
        ([50.0, 60.0], 5, 1000.0, None),  # it should have been over long ago
        ([0.0, *range(1000, 1024)], 10, 1023.0, 10.0),  # the pause before them does not count
    ],
)
def test_the_time_left_follows_the_pace_of_the_latest_records(
    times: list[float], left: int, now: float, expected: float | None
) -> None:
    assert seconds_left(times, left, now) == expected
