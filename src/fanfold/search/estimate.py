"""What a search will cost, from a few small fits before it: processor time, wall time, memory.

The table is read once, as the search will. The cheapest and the dearest fit of the grid are
then tried on one fold of some of its rows, at two sizes; and the dearest with the most tokens,
where the grid has several numbers of them. Cost grows linearly in rows, and between these fits
as a power of the estimator's own measure of cost, and of the number of tokens.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fanfold.errors import UserError
from fanfold.estimators.base import Estimator
from fanfold.features.corpus import Corpus, TextBlock, load_corpus
from fanfold.features.preprocess import build_corpus
from fanfold.features.text import TextSettings
from fanfold.resources import FIT_BYTES, cpu_seconds, forget_peak_memory, peak_memory
from fanfold.search.cross_validation import score_units
from fanfold.search.grid import Unit, pack
from fanfold.search.plan import Plan
from fanfold.settings.search import Settings
from fanfold.storage import scratch_folder

PILOT_ROWS = 20_000
"""Rows of the larger of the two trials. With fewer, the cost of deep trees is that of their nodes,
whose number soon ceases to grow with the rows."""

PILOT_RATIO = 4
"""The larger trial's rows to the smaller's: between two near ones the slope is mostly noise."""

FEW_ROWS = 1000
"""Of fewer rows both trials have all: they cost nothing, and some estimators need a few."""

POD_SECONDS = 30.0
"""What a task costs a cluster before and after its work (seen on KFP 2.17)."""

MARGIN = 1.25
"""By how much more memory is asked for than the trials suggest."""

MEMORY_STEP = 256 << 20


@dataclass(frozen=True)
class Estimate:
    """What a search will cost.

    Attributes:
        rows: training rows with text.
        candidates, units, folds, tasks: how many there are; a unit is one fit for its candidates.
        cpu_seconds: processor time of all steps, as a summary counts it: that of the matrices,
            which fits share, is left out.
        seconds: wall time, where `parallelism` tasks run at once.
        memory_bytes: what to ask for, for each task of cross_validate.
    """

    rows: int
    candidates: int
    units: int
    folds: int
    tasks: int
    cpu_seconds: float
    seconds: float
    memory_bytes: int


@dataclass(frozen=True)
class _Trial:
    """What fits on one fold of some rows took."""

    rows: int
    cpu_seconds: float
    peak_bytes: int


def estimate(
    settings: Settings,
    *,
    parallelism: int = 8,
    cpus: int = 1,
    pilot_rows: int = PILOT_ROWS,
) -> Estimate:
    """Estimate the search of `settings` on a cluster.

    Args:
        settings: the search.
        parallelism: tasks of cross_validate that run at once.
        cpus: processors of each task.
        pilot_rows: rows of the larger trial.

    Raises:
        UserError: a setting is wrong, or a number here is out of its range.
    """
    for name, value in (("parallelism", parallelism), ("cpus", cpus)):
        if value < 1:
            raise UserError(f"{name} must be at least 1 but is {value}")
    plan = Plan.of(settings)
    units = plan.units()
    corpus, reading, of_unit, memory_of_rows = _tried(settings, plan, units, pilot_rows)
    folds = len(corpus.fold_labels)
    each = {id(unit): of_unit(unit) * folds for unit in units}
    shares = pack(units, plan.estimator, settings.max_tasks)
    side_by_side = [min(cpus, folds * len(share)) for share in shares]
    tasks = [
        sum(each[id(unit)] for unit in share) / at_once
        for share, at_once in zip(shares, side_by_side, strict=True)
    ]
    final = statistics.fmean(each.values()) / folds  # of whichever wins
    wall = reading + final + makespan([POD_SECONDS + task for task in tasks], parallelism)
    at_most = max(side_by_side)
    memory = max(MARGIN * memory_of_rows(corpus.rows, at_most), at_most * FIT_BYTES)
    return Estimate(
        rows=corpus.rows,
        candidates=len(plan.candidates),
        units=len(units),
        folds=folds,
        tasks=len(tasks),
        cpu_seconds=reading + sum(each.values()) + final,
        seconds=wall + 3 * POD_SECONDS,  # preprocess, select_best, train_final
        memory_bytes=_rounded_up(memory),
    )


def _tried(
    settings: Settings, plan: Plan, units: Sequence[Unit], pilot_rows: int
) -> tuple[Corpus, float, Callable[[Unit], float], Callable[[int, int], float]]:
    """The corpus, the processor seconds of reading it, and what the trials of `_pilot` tell."""
    with scratch_folder() as scratch:
        before = cpu_seconds()
        files = {name: Path(scratch, name) for name in ("corpus", "test", "rejects")}
        build_corpus(settings, **files)
        reading = cpu_seconds() - before
        corpus = load_corpus(files["corpus"])
        return corpus, reading, *_pilot(corpus, units, plan.estimator, settings.seed, pilot_rows)


def _pilot(
    corpus: Corpus, units: Sequence[Unit], estimator: Estimator, seed: int, pilot_rows: int
) -> tuple[Callable[[Unit], float], Callable[[int, int], float]]:
    """Processor seconds of a unit on one fold, and bytes of so many rows in so many fits."""

    def cost(unit: Unit) -> float:
        return estimator.cost(unit.candidates[-1].model_parameters)

    cheap, dear = min(units, key=cost), max(units, key=cost)
    narrow, wide = min(units, key=_max_tokens), max(units, key=_max_tokens)
    larger = min(pilot_rows, corpus.rows)
    sizes = (larger // PILOT_RATIO if larger >= FEW_ROWS else larger, larger)
    _try(corpus, cheap, estimator, seed, sizes[0])  # whose imports are no part of a fit
    forget_peak_memory()
    base = peak_memory()
    peaks = []

    def spent(unit: Unit, text_of: Unit) -> float:
        tried = _with_text(unit, text_of.candidates[-1].text)
        small, large = (_try(corpus, tried, estimator, seed, size) for size in sizes)
        peaks.append(large.peak_bytes)
        return linear(small, large, corpus.rows)

    low = spent(cheap, narrow)
    high = spent(dear, narrow) if cost(dear) > cost(cheap) else low
    widest = spent(dear, wide) if _max_tokens(wide) > _max_tokens(narrow) else high
    by_cost = _power(high / low, cost(dear) / cost(cheap))
    by_tokens = _power(widest / high, _max_tokens(wide) / _max_tokens(narrow))
    bytes_a_row = max(0, max(peaks) - base) / larger

    def seconds(unit: Unit) -> float:
        more_tokens = _max_tokens(unit) / _max_tokens(narrow)
        return float(low * (cost(unit) / cost(cheap)) ** by_cost * more_tokens**by_tokens)

    return seconds, lambda rows, at_once: base + at_once * bytes_a_row * rows


def _max_tokens(unit: Unit) -> int:
    return unit.candidates[-1].text.max_tokens


def _with_text(unit: Unit, text: TextSettings) -> Unit:
    return replace(unit, candidates=tuple(replace(each, text=text) for each in unit.candidates))


def _power(cost: float, size: float) -> float:
    """The power of `size` that `cost` is, where both are ratios."""
    return math.log(cost) / math.log(size) if size > 1 else 0.0


def _try(corpus: Corpus, unit: Unit, estimator: Estimator, seed: int, rows: int) -> _Trial:
    """Fit `unit` with one fold held out, on `rows` rows."""
    forget_peak_memory()
    scores = score_units(_one_fold(corpus, rows), [unit], estimator, seed=seed, cpus=1)
    failed = [each.error for each in scores if not each.ok]
    if failed:
        raise UserError(f"the trial fit of {unit.label} failed: {failed[0]}")
    fits = {each.candidate: each.cpu_seconds for each in scores}  # the same for every metric
    return _Trial(rows, sum(fits.values()), peak_memory())


def _one_fold(corpus: Corpus, rows: int) -> Corpus:
    """So many rows, evenly spaced, with one fold of them to hold out.

    Not the first ones, nor the corpus's own fold: a table may be sorted.
    """
    text, chosen = corpus.text, np.arange(rows) * corpus.rows // rows
    lengths = np.diff(text.row_starts)[chosen]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    cells = np.repeat(text.row_starts[chosen] - starts[:-1], lengths) + np.arange(starts[-1])
    some = TextBlock(
        text.vocabulary,
        starts,
        text.columns[cells],
        text.counts[cells],
        text.row_tokens[chosen],
        left_out_max=0,  # of all rows; whether a choice is exact is not asked here
    )
    labels = corpus.fold_labels
    fold = (np.arange(rows) % len(labels) > 0).astype(np.int32)
    return replace(
        corpus, text=some, target=corpus.target[chosen], fold=fold, fold_labels=labels[:1]
    )


def linear(small: _Trial, large: _Trial, rows: int) -> float:
    """Processor seconds at `rows` rows, on the line through two trials.

    It is never flatter than half of the larger's cost a row, whatever the noise.
    """
    if large.rows == small.rows:
        return large.cpu_seconds * rows / large.rows
    slope = (large.cpu_seconds - small.cpu_seconds) / (large.rows - small.rows)
    slope = max(slope, large.cpu_seconds / large.rows / 2)
    return large.cpu_seconds + slope * (rows - large.rows)


def makespan(seconds: Sequence[float], slots: int) -> float:
    """When the last task ends, where each starts in order as soon as one of `slots` is free."""
    free = [0.0] * slots
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def _rounded_up(size: float) -> int:
    return math.ceil(size / MEMORY_STEP) * MEMORY_STEP
