"""The ledger: what is finished is not fitted again, and only what is as written is trusted."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fanfold.errors import FanfoldError
from fanfold.estimators.base import get_estimator
from fanfold.features.corpus import Corpus, load_corpus
from fanfold.ledger import Ground, Ledger
from fanfold.ledger.records import fold_key
from fanfold.search.fold_scores import DIVERGED
from fanfold.search.grid import make_candidate
from fanfold.storage import AccessDenied, NotFound
from fanfold.storage.local import LocalStorage
from tests.fanfold.ledger.searching import (
    FOLDS,
    GRID,
    FailingXGBoost,
    Searched,
    make_corpus,
    make_search,
    records,
    run,
    set_aside,
)
from tests.kfp_server.fixtures import until


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def without(corpus: Corpus) -> Searched:
    """The search without a ledger: what every other must give."""
    return run(corpus, "")


@pytest.fixture(scope="module")
def kept(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that holds the whole search; copied by tests that change it."""
    folder = tmp_path_factory.mktemp("kept") / "ledger"
    run(corpus, folder)
    return folder


@pytest.fixture
def ledger(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "ledger"))


def test_without_a_ledger_nothing_is_remembered(corpus: Corpus, without: Searched) -> None:
    assert without.remembered == 0
    assert len(without.fits) == 2 * FOLDS


def test_a_search_that_is_run_again_fits_nothing_and_finds_the_same_to_the_bit(
    corpus: Corpus, without: Searched, ledger: Path
) -> None:
    before = records(ledger)
    assert len(before) == 4 * FOLDS
    again = run(corpus, ledger)
    assert again.fits == []
    assert again.remembered == 4 * FOLDS
    assert again.values == without.values
    assert records(ledger) == before


def test_the_cost_that_is_remembered_is_that_of_the_fit(corpus: Corpus, tmp_path: Path) -> None:
    first, again = (
        [(row.fit_seconds, row.cpu_seconds) for row in run(corpus, tmp_path).rows] for _ in range(2)
    )
    assert first == again
    assert min(seconds for pair in first for seconds in pair) > 0


def test_only_what_is_missing_is_fitted(corpus: Corpus, without: Searched, ledger: Path) -> None:
    gone = list(records(ledger))[::5]
    for key in gone:
        (ledger / key).unlink()
    again = run(corpus, ledger)
    assert again.remembered == 4 * FOLDS - len(gone)
    assert len(again.fits) <= len(gone)
    assert again.values == without.values
    assert set(records(ledger)) >= set(gone)


def test_a_grid_that_grows_fits_only_its_new_candidates(corpus: Corpus, ledger: Path) -> None:
    wider = run(corpus, ledger, {"max_depth": [2, 3, 4], "n_estimators": [3, 5]})
    assert wider.fits == [{"max_depth": 4, "n_estimators": 5}] * FOLDS
    assert wider.values == run(corpus, "", {"max_depth": [2, 3, 4], "n_estimators": [3, 5]}).values


def test_a_larger_number_of_rounds_costs_one_fit_a_fold(corpus: Corpus, ledger: Path) -> None:
    longer = run(corpus, ledger, {"max_depth": [2], "n_estimators": [3, 5, 9]})
    assert longer.fits == [{"max_depth": 2, "n_estimators": 9}] * FOLDS
    assert longer.values == run(corpus, "", {"max_depth": [2], "n_estimators": [3, 5, 9]}).values


def test_what_one_unit_lacks_of_few_rounds_is_fitted_with_few(
    corpus: Corpus, without: Searched, ledger: Path
) -> None:
    few = {each.id for each in make_search("").candidates if each.parameters["n_estimators"] == 3}
    for key, content in records(ledger).items():
        if json.loads(content)["determined_by"]["parameters"]["n_estimators"] == 3:
            (ledger / key).unlink()
    again = run(corpus, ledger)
    assert {fit["n_estimators"] for fit in again.fits} == {3}
    assert {row.candidate for row in again.rows if not row.remembered} == few
    assert again.values == without.values


@pytest.mark.parametrize("share_fits", [True, False])
def test_shared_and_unshared_fits_remember_each_other(
    share_fits: bool, corpus: Corpus, tmp_path: Path
) -> None:
    run(corpus, tmp_path, share_fits=share_fits)
    assert run(corpus, tmp_path, share_fits=not share_fits).fits == []


def test_a_default_and_the_same_value_in_the_grid_are_one_candidate(
    corpus: Corpus, tmp_path: Path
) -> None:
    run(corpus, tmp_path, {"max_depth": [2]}, text__max_tokens=30)
    assert run(corpus, tmp_path, {"max_depth": [2], "text__max_tokens": [30]}).fits == []


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"test_fraction": 0.3}, {"target": "up_votes"}], ids=str
)
def test_another_seed_split_or_target_remembers_nothing(
    other: dict[str, Any], ledger: Path, tmp_path: Path
) -> None:
    assert run(make_corpus(tmp_path / "other", **other), ledger).remembered == 0


def test_another_seed_of_the_fits_alone_remembers_nothing(corpus: Corpus, ledger: Path) -> None:
    other = replace(corpus, settings={**corpus.settings, "seed": 1})
    assert run(other, ledger).remembered == 0


def test_the_same_rows_elsewhere_are_remembered(ledger: Path, tmp_path: Path) -> None:
    elsewhere = make_corpus(tmp_path / "elsewhere", max_bad_rows=0.5)
    assert run(elsewhere, ledger).fits == []


def test_scikit_learn_is_remembered_too_and_apart(corpus: Corpus, ledger: Path) -> None:
    ridge = get_estimator("sklearn.linear_model.Ridge")
    grid = {"alpha": [0.1, 1.0]}
    first = run(corpus, ledger, grid, estimator=ridge)
    again = run(corpus, ledger, grid, estimator=ridge)
    assert (first.remembered, again.remembered) == (0, 2 * FOLDS)
    assert first.values == again.values


def test_a_fit_that_failed_is_not_remembered(
    corpus: Corpus, without: Searched, tmp_path: Path
) -> None:
    failed = run(corpus, tmp_path, estimator=FailingXGBoost())
    assert sum(not row.ok for row in failed.rows) == 2 * FOLDS * 3
    noted = [path.read_text() for path in (tmp_path / "failures").rglob("*.json")]
    assert len(noted) == 2 * FOLDS and all("too deep" in note for note in noted)
    again = run(corpus, tmp_path)
    assert (again.remembered, len(again.fits)) == (2 * FOLDS, FOLDS)
    assert again.values == without.values
    assert not list((tmp_path / "failures").rglob("*.json")), "what is tried again has not failed"


def spoiled(content: bytes, how: str, place: int) -> bytes:
    if how == "cut":
        return content[:place]
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


@given(st.sampled_from(["changed", "cut"]), st.integers(0, 10**6), st.integers(0, 4 * FOLDS - 1))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_record_with_one_byte_changed_or_cut_short_is_set_aside_and_computed_again(
    corpus: Corpus, without: Searched, kept: Path, tmp_path: Path, how: str, byte: int, record: int
) -> None:
    ledger = tmp_path / "ledger"
    shutil.rmtree(ledger, ignore_errors=True)
    shutil.copytree(kept, ledger)
    key, content = list(records(ledger).items())[record]
    damaged = spoiled(content, how, byte % len(content))
    (ledger / key).write_bytes(damaged)
    again = run(corpus, ledger)
    if again.fits or json.loads(content) != _parsed(damaged):
        assert len(again.fits) == 1
        assert set_aside(ledger) == [damaged]
        assert records(ledger)[key] != damaged
    assert again.values == without.values
    assert run(corpus, ledger).fits == []


def _parsed(content: bytes) -> Any:
    """The JSON, or None; a blank that became another, say, changes nothing."""
    try:
        return json.loads(content)
    except ValueError:
        return None


@pytest.mark.parametrize("foreign", ["another fold", "another candidate", "no record"])
def test_a_record_of_something_else_is_set_aside_and_computed_again(
    foreign: str, corpus: Corpus, without: Searched, ledger: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = records(ledger)
    key, own = next(iter(found.items()))
    about = json.loads(own)["determined_by"]

    def differs(content: bytes, by: str) -> bool:
        other = json.loads(content)["determined_by"]
        return {name for name in about if about[name] != other[name]} == {by}

    content = {
        "another fold": lambda: next(c for c in found.values() if differs(c, "fold")),
        "another candidate": lambda: next(c for c in found.values() if differs(c, "parameters")),
        "no record": lambda: next((ledger / "searches").iterdir()).read_bytes(),
    }[foreign]()
    (ledger / key).write_bytes(content)
    again = run(corpus, ledger)
    assert len(again.fits) == 1
    assert again.values == without.values
    assert set_aside(ledger) == [content]
    assert [r.getMessage().split()[0] for r in caplog.records] == ["record_set_aside"]


def values_of(corpus: Path, ledger: Path) -> dict[tuple[str, str, str], float]:
    """What a search in a process of its own finds."""
    return run(load_corpus(corpus), ledger).values


@pytest.mark.slow
def test_searches_at_once_on_one_ledger_do_each_other_no_harm(
    without: Searched, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    corpus = make_corpus(folder)
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        at_once = list(pool.map(values_of, [folder / "corpus"] * 3, [tmp_path] * 3))
    assert at_once == [without.values] * 3
    assert set_aside(tmp_path) == []
    assert run(corpus, tmp_path).fits == []


def test_a_fit_that_diverged_is_remembered_as_one(corpus: Corpus, tmp_path: Path) -> None:
    grid = {"learning_rate": [20], "n_estimators": [2, 120], "max_depth": [3]}
    first, again = (run(corpus, tmp_path, grid) for _ in range(2))
    assert len(first.fits) == FOLDS and again.fits == []
    assert {row.error for row in again.rows if not row.ok} == {DIVERGED}
    assert [(r.candidate, r.fold, r.metric, r.ok, r.error) for r in first.rows] == [
        (r.candidate, r.fold, r.metric, r.ok, r.error) for r in again.rows
    ]
    assert sum(not row.ok for row in again.rows) == 3 * FOLDS


class FullStorage(LocalStorage):
    """Has room for some records of folds."""

    def __init__(self, root: Path, room: int) -> None:
        super().__init__(root)
        self.room = room
        self.lock = threading.Lock()

    def write(self, key: str, source: Any) -> None:
        with self.lock:
            self.room -= key.startswith("folds/")
            if self.room < 0:
                raise FanfoldError("the bucket is full")
            super().write(key, source)


def test_a_write_that_fails_ends_the_search_and_what_was_written_is_there(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "fanfold.ledger.ledger.open_storage", lambda uri: FullStorage(Path(uri), room=3)
    )
    with pytest.raises(FanfoldError, match="the bucket is full"):
        run(corpus, tmp_path)
    monkeypatch.undo()
    until(lambda: len(records(tmp_path)) == 3)  # writes that were under way go on
    assert run(corpus, tmp_path).remembered == 3


def test_scores_without_a_value_are_remembered_as_such(tmp_path: Path) -> None:
    constant = make_corpus(tmp_path / "constant", target="0 * up_votes")
    first, again = run(constant, tmp_path / "l"), run(constant, tmp_path / "l")
    rsq = [row.value for row in again.rows if row.metric == "rsq"]
    assert again.fits == []
    assert len(rsq) == 4 * FOLDS
    assert all(value != value for value in rsq)
    assert [row.value for row in first.rows if row.metric == "rmse"] == [
        row.value for row in again.rows if row.metric == "rmse"
    ]


def test_a_key_stays_what_it_was_in_every_version() -> None:
    """Whoever changes this key throws away what every ledger remembers: raise SCORING_VERSION."""
    ground = Ground("ab" * 32, "xgboost", "xgboost 3.2.0", 1, 2021)
    parameters = {"max_depth": 6, "subsample": 0.8, "text__weighting": "count"}
    candidate = make_candidate(parameters, get_estimator("xgboost"))
    key = fold_key(ground.of_fold(candidate, "1"))
    assert key == "folds/abababababababab/06a3dcf3119b45dbc575975124a3fa39f648ed23.json"


def test_the_search_is_announced_once(corpus: Corpus, tmp_path: Path) -> None:
    run(corpus, tmp_path)
    (announced,) = (tmp_path / "searches").iterdir()
    before = announced.read_bytes()
    run(corpus, tmp_path)
    assert [path.read_bytes() for path in (tmp_path / "searches").iterdir()] == [before]
    run(corpus, tmp_path, {**GRID, "max_depth": [2, 3, 4]})
    assert len(list((tmp_path / "searches").iterdir())) == 2


class Narrow(LocalStorage):
    """As S3 answers a role that may list some prefixes only: of what is absent it says nothing."""

    def stat(self, key: str) -> Any:
        try:
            return super().stat(key)
        except NotFound:
            raise AccessDenied(f"{key} may not be asked for") from None


def test_a_role_that_may_list_only_a_part_of_the_bucket_can_keep_a_ledger(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.ledger.ledger.open_storage", lambda uri: Narrow(Path(uri)))
    assert run(corpus, tmp_path).remembered == 0
    (search,) = (tmp_path / "searches").iterdir()
    before = search.read_bytes()
    assert run(corpus, tmp_path).fits == []
    assert [each.read_bytes() for each in (tmp_path / "searches").iterdir()] == [before]


def test_a_search_that_may_not_be_read_is_not_taken_for_none(
    corpus: Corpus, tmp_path: Path
) -> None:
    class ListedOnly(LocalStorage):
        def open_reader(self, key: str, version: str | None = None) -> Any:
            raise AccessDenied(f"{key} may not be read")

    run(corpus, tmp_path)
    with pytest.raises(AccessDenied, match="searches/.* may not be read"):
        Ledger("", ListedOnly(tmp_path)).searches()
