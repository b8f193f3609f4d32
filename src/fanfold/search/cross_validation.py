"""Cross-validation: units over folds become tidy rows, several fits side by side.

The loop knows neither the kind of features nor the kind of estimator that it scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import MappingProxyType

from fanfold.estimators.base import Estimator
from fanfold.features.corpus import Corpus
from fanfold.resources import calm, fits_at_once, memory_as_exception, usable_cpus
from fanfold.search.fits import Fit, in_starting_order, unknown_fits
from fanfold.search.fold_scores import FoldScore, OnScores, starved_reason
from fanfold.search.grid import Unit
from fanfold.search.same_columns import same_columns, with_copies, without_copies
from fanfold.search.scorer import Scorer


def score_units(
    corpus: Corpus,
    units: Sequence[Unit],
    estimator: Estimator,
    *,
    seed: int,
    known: Mapping[tuple[str, str], Sequence[FoldScore]] = MappingProxyType({}),
    on_scores: OnScores = lambda scores: None,
    cpus: int | None = None,
) -> list[FoldScore]:
    """Score every candidate of `units` on every fold.

    As many fits run side by side as there are processors, each on one thread: that beats one
    fit on all threads, and no score depends on it. A fit that fails is rows with `ok` false
    and the reason. One that lacks memory is tried once more by itself, after the others.
    Candidates that turn out the same share their fits, see `same_columns`.

    Args:
        corpus: its folds and feature blocks.
        units: what to fit; see `fanfold.search.grid.make_units`.
        estimator: fits it.
        seed: of every fit.
        known: scores that need no fit, by candidate and fold.
        on_scores: called with each candidate's scores on a fold, as they arrive; known ones
            first.
        cpus: processors to use; None for all that this process may.

    Returns:
        Rows by candidate (in the order of `units`), fold and metric.
    """
    same = same_columns(corpus, [each for unit in units for each in unit.candidates], estimator)
    collected = _Collected(same, on_scores)
    collected.take_known(known)
    workers = fits_at_once(cpus or usable_cpus())
    wanted = unknown_fits(without_copies(units, same), corpus.fold_labels, known)
    fits = in_starting_order(wanted, estimator, workers)
    _run_all(Scorer(corpus, estimator, seed, fits), fits, workers, collected.take)
    place = {each.id: number for number, unit in enumerate(units) for each in unit.candidates}
    fold_place = {label: number for number, label in enumerate(corpus.fold_labels)}
    return sorted(
        collected.rows(),
        key=lambda row: (place[row.candidate], row.candidate, fold_place[row.fold]),
    )


class _Collected:
    """The scores so far: of each candidate and fold once, copies of the same ones included."""

    def __init__(self, same: Mapping[str, str], on_scores: OnScores) -> None:
        self._same, self._on_scores = same, on_scores
        self._found: dict[tuple[str, str], Sequence[FoldScore]] = {}

    def take_known(self, known: Mapping[tuple[str, str], Sequence[FoldScore]]) -> None:
        """Take all that is known, then the copies that it gives."""
        for place, scores in known.items():
            self._add(place, scores)
        for scores in known.values():
            self.take(scores)

    def take(self, scores: Sequence[FoldScore]) -> None:
        """Take the scores of a fit, and the copies that they give."""
        for own in with_copies(scores, self._same):
            if own and (own[0].candidate, own[0].fold) not in self._found:
                self._add((own[0].candidate, own[0].fold), own)

    def _add(self, place: tuple[str, str], scores: Sequence[FoldScore]) -> None:
        self._found[place] = scores
        self._on_scores(scores)

    def rows(self) -> list[FoldScore]:
        """All rows, in the order in which they arrived."""
        return [row for scores in self._found.values() for row in scores]


def _run_all(scorer: Scorer, fits: Sequence[Fit], workers: int, take: OnScores) -> None:
    """Run the fits side by side, then those that lacked memory one by one."""
    starved: list[Fit] = []
    with calm(), memory_as_exception():
        for fit, scores in _side_by_side(scorer.run, fits, workers):
            if scores is None:
                starved.append(fit)
            else:
                take(scores)
        for fit in starved:
            take(scorer.run(fit) or scorer.failed(fit, starved_reason()))


def _side_by_side(
    run: Callable[[Fit], list[FoldScore] | None], fits: Iterable[Fit], workers: int
) -> Iterator[tuple[Fit, list[FoldScore] | None]]:
    """Each fit with what `run` gives, as they end; after an interrupt no further fit begins."""
    pool = ThreadPoolExecutor(workers)
    try:
        waiting: dict[Future[list[FoldScore] | None], Fit] = {
            pool.submit(run, fit): fit for fit in fits
        }
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result()
    finally:
        # Not waiting: a fit that is under way may take many minutes after Ctrl-C.
        pool.shutdown(wait=False, cancel_futures=True)
