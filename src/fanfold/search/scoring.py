"""Cross-validation: units over folds become tidy rows, several fits side by side.

The loop knows nothing of what kind of feature block or estimator it scores.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from fanfold.arrays import Floats
from fanfold.errors import FanfoldError
from fanfold.estimators.base import Estimator
from fanfold.features.corpus import Corpus
from fanfold.resources import (
    calm,
    fits_at_once,
    is_out_of_memory,
    memory_as_exception,
    peak_memory,
    usable_cpus,
    usable_memory,
)
from fanfold.search.fold_data import FoldData, SharedFoldData, data_key
from fanfold.search.grid import Candidate, Unit
from fanfold.tasks.regression import HIGHER_IS_BETTER, regression_metrics
from fanfold.tasks.target_scale import learn_scale

logger = logging.getLogger(__name__)

SCORING_VERSION = 5
"""Raised when a change of fanfold's own changes scores: ledgers then remember none from before."""

BASELINE = "baseline"
"""Name under which predicting the training mean stands among the candidates."""


@dataclass(frozen=True)
class FoldScore:
    """One metric of one candidate on one fold; a row of the tidy table.

    Attributes:
        candidate: its id, or `baseline`.
        fold: the label of the fold that was held out.
        metric: `rmse`, `mae` or `rsq`.
        value: of the metric; NaN where it is undefined or the fit failed.
        fit_seconds: wall time of the fit and its scores; of a shared fit the part that is
            this candidate's, so that candidates add up to what was spent.
        cpu_seconds: processor time of the same.
        peak_memory_bytes: largest resident size of the process up to then.
        ok: whether the candidate could be fitted.
        error: why not, else empty.
        remembered: whether it was found in a ledger, and the cost is what it was back then.
    """

    candidate: str
    fold: str
    metric: str
    value: float
    fit_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    ok: bool = True
    error: str = ""
    remembered: bool = False


DIVERGED = "its predictions are not finite: the fit diverged"

OnScores = Callable[[Sequence[FoldScore]], None]


@dataclass(frozen=True)
class _Job:
    """One fit: a unit with one fold held out, on some threads."""

    unit: Unit
    fold: int
    threads: int = 1

    @property
    def fitted(self) -> Candidate:
        return self.unit.candidates[-1]


def cross_validate(
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

    Args:
        corpus: its folds and feature blocks.
        units: what to fit; see `fanfold.search.grid.make_units`.
        estimator: fits it.
        seed: of every fit.
        known: scores that need no fit, by candidate and fold.
        on_scores: told of each candidate's scores on a fold as they come, known ones first.
        cpus: processors to use; None for all that this process may.

    Returns:
        Rows by candidate (in the order of `units`), fold and metric.
    """
    workers = fits_at_once(cpus or usable_cpus())
    jobs = _plan(_unknown(units, corpus.fold_labels, known), estimator, workers)
    scorer = _Scorer(corpus, estimator, seed, jobs)
    rows: list[FoldScore] = []
    starved: list[_Job] = []
    for remembered in known.values():
        on_scores(remembered)
        rows += remembered
    with calm(), memory_as_exception():
        for job, scores in _side_by_side(scorer.run, jobs, workers):
            if scores is None:
                starved.append(job)
            else:
                on_scores(scores)
                rows += scores
        for job in starved:
            scores = scorer.run(job) or _failed(job, corpus, _starved_message())
            on_scores(scores)
            rows += scores
    place = {each.id: number for number, unit in enumerate(units) for each in unit.candidates}
    fold_place = {label: number for number, label in enumerate(corpus.fold_labels)}
    return sorted(rows, key=lambda row: (place[row.candidate], row.candidate, fold_place[row.fold]))


def _unknown(
    units: Sequence[Unit],
    fold_labels: Sequence[str],
    known: Mapping[tuple[str, str], Sequence[FoldScore]],
) -> list[_Job]:
    """A fit for each fold and unit, of those of its candidates whose scores are not known."""
    jobs = []
    for fold, label in enumerate(fold_labels):
        for unit in units:
            unknown = tuple(each for each in unit.candidates if (each.id, label) not in known)
            if unknown:
                jobs.append(_Job(replace(unit, candidates=unknown), fold))
    return jobs


def _plan(jobs: Sequence[_Job], estimator: Estimator, workers: int) -> list[_Job]:
    """The fits in the order in which they start.

    Fits that share data stand together, the dearest first. Those at the end, fewer than run
    side by side, get the idle ones' threads too, where they can use them.
    """
    keys = [data_key(job.fold, job.fitted, estimator) for job in jobs]
    place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    cost = [estimator.cost(job.fitted.model_parameters) for job in jobs]
    order = sorted(range(len(jobs)), key=lambda each: (place[keys[each]], -cost[each]))
    tail = len(jobs) % workers if estimator.threaded else 0
    return [
        replace(jobs[each], threads=workers // tail if number >= len(jobs) - tail else 1)
        for number, each in enumerate(order)
    ]


def _side_by_side(
    run: Callable[[_Job], list[FoldScore] | None], jobs: Iterable[_Job], workers: int
) -> Iterator[tuple[_Job, list[FoldScore] | None]]:
    """`run` of each job, as they end; after an interrupt no further job is begun."""
    pool = ThreadPoolExecutor(workers)
    try:
        waiting: dict[Future[list[FoldScore] | None], _Job] = {
            pool.submit(run, job): job for job in jobs
        }
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result()
    finally:
        # Not waiting: a fit that is under way may take many minutes after Ctrl-C.
        pool.shutdown(wait=False, cancel_futures=True)


class _Scorer:
    """Runs jobs on one corpus, and lets them share what they can."""

    def __init__(
        self, corpus: Corpus, estimator: Estimator, seed: int, jobs: Sequence[_Job]
    ) -> None:
        self.corpus, self.estimator, self.seed = corpus, estimator, seed
        self.data = SharedFoldData(corpus, estimator, ((job.fold, job.fitted) for job in jobs))

    def run(self, job: _Job) -> list[FoldScore] | None:
        """The job's scores, failed ones included; None where memory ran out."""
        try:
            data = self.data.take(job.fold, job.fitted)
            started, cpu = time.perf_counter(), time.thread_time()
            predictions = self._fit(job, data)
            wall = time.perf_counter() - started
            # Threads of one fit are busy together, but the calling one may only wait for them.
            own = time.thread_time() - cpu if job.threads == 1 else wall
            spent = (wall, own * job.threads)
            return self._score(job, predictions, data, spent)
        except Exception as error:  # whatever a candidate dies of is a row of the table
            if is_out_of_memory(error):
                logger.warning("out_of_memory unit=%r fold=%d", job.unit.label, job.fold)
                return None
            reason = _reason(error)
            logger.warning("failed unit=%r fold=%d error=%r", job.unit.label, job.fold, reason)
            return _failed(job, self.corpus, reason)
        finally:
            self.data.give_back(job.fold, job.fitted)

    def _fit(self, job: _Job, data: FoldData) -> list[Floats]:
        """Predictions of the validation rows by each candidate, on the target's scale."""
        parameters = job.fitted.model_parameters
        model = self.estimator.fit(data.train, parameters, self.seed, job.threads)
        rounds = [self.estimator.rounds(each.model_parameters) for each in job.unit.candidates]
        return self.estimator.predict_rounds(model, data.validation, rounds)

    def _score(
        self, job: _Job, predictions: list[Floats], data: FoldData, spent: tuple[float, float]
    ) -> list[FoldScore]:
        rows: list[FoldScore] = []
        candidates = job.unit.candidates
        parts = _parts([self.estimator.rounds(each.model_parameters) for each in candidates])
        peak = peak_memory()
        for each, part, estimate in zip(candidates, parts, predictions, strict=True):
            finite = bool(np.isfinite(estimate).all())
            known = regression_metrics(data.truth, estimate, data.scale.factor) if finite else {}
            for metric in HIGHER_IS_BETTER:
                rows.append(
                    FoldScore(
                        each.id,
                        self.corpus.fold_labels[job.fold],
                        metric,
                        known.get(metric, math.nan),
                        fit_seconds=spent[0] * part,
                        cpu_seconds=spent[1] * part,
                        peak_memory_bytes=peak,
                        ok=finite,
                        error="" if finite else DIVERGED,
                    )
                )
        return rows


def _parts(rounds: Sequence[int]) -> list[float]:
    """Each candidate's part of a shared fit, in proportion to its rounds; they add up to 1."""
    total = sum(rounds)
    return [each / total if total else 1 / len(rounds) for each in rounds]


def _failed(job: _Job, corpus: Corpus, reason: str) -> list[FoldScore]:
    row = FoldScore("", corpus.fold_labels[job.fold], "", math.nan, ok=False, error=reason)
    return [
        replace(row, candidate=each.id, metric=metric, peak_memory_bytes=peak_memory())
        for each in job.unit.candidates
        for metric in HIGHER_IS_BETTER
    ]


def _reason(error: Exception) -> str:
    """The first line of what went wrong, without the clock and source line of xgboost's.

    fanfold's own errors need no type before them.
    """
    text = str(error) if isinstance(error, FanfoldError) else f"{type(error).__name__}: {error}"
    return re.sub(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ", "", text.strip().splitlines()[0])


def _starved_message() -> str:
    have = usable_memory() / 2**30
    return (
        f"out of memory: the task had {have:.2f} GiB; raise cross_validate_memory,"
        " or lower text__max_tokens or max_depth"
    )


def baseline_scores(corpus: Corpus) -> list[FoldScore]:
    """Scores of predicting, on each fold, the mean target of its training rows."""
    rows = []
    for fold, label in enumerate(corpus.fold_labels):
        held_out = corpus.fold == fold
        target = np.asarray(corpus.target)
        scale = learn_scale(target[~held_out])
        truth = scale.apply(target[held_out])
        estimate = np.full(len(truth), scale.apply(target[~held_out]).mean())
        for metric, value in regression_metrics(truth, estimate, scale.factor).items():
            rows.append(FoldScore(BASELINE, label, metric, value))
    return rows
