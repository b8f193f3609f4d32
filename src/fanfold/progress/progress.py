"""How far a search is, by what it tells: done and total, time left, the best so far.

Candidates are compared fairly at any moment: by their means over the same folds. Those are the
largest block of candidates x folds whose scores are all there, which is every candidate on the
folds that are over where the search goes fold by fold, and the finished candidates on all folds
where it goes candidate by candidate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

STAGES = ("expand_grid", "preprocess", "cross_validate", "select_best", "train_final")


@dataclass(frozen=True)
class Standing:
    """A candidate among the best so far: its parameters, and its mean over the folds compared."""

    parameters: Mapping[str, Any]
    mean: float


@dataclass(frozen=True)
class Stage:
    """A step of the search; `seconds` since it began, or that it took; None before."""

    name: str
    seconds: float | None = None
    over: bool = False
    broken: bool = False


@dataclass(frozen=True)
class Snapshot:
    """A search at one moment.

    Attributes:
        seconds: since somebody began to listen.
        stages: all of them, in order.
        metric: what candidates are compared by.
        candidates, folds: how many there are; 0 until it is known.
        done: candidates x folds that are scored or have failed.
        remembered: how many of them a ledger held.
        seconds_left: of the cross-validation, by its pace so far; None while there is none.
        standings: the candidates that can be compared, best first.
        folds_compared: folds that `standings` are means over.
        failed: candidates that failed on some fold.
        failure: why the last of them did.
    """

    seconds: float
    stages: tuple[Stage, ...]
    metric: str
    candidates: int
    folds: int
    done: int
    remembered: int
    seconds_left: float | None
    standings: tuple[Standing, ...]
    folds_compared: int
    failed: int
    failure: str

    @property
    def total(self) -> int:
        """Candidates x folds."""
        return self.candidates * self.folds


class Progress:
    """Listens to the events of one search; may be told and asked by several threads.

    Args:
        metric: what candidates are compared by.
        clock: seconds since some moment.
    """

    def __init__(self, metric: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.metric = metric
        self._clock = clock
        self._born = clock()
        self._lock = threading.Lock()
        self._begun: dict[str, float] = {}
        self._ended: float | None = None
        self._broken = False
        self._size = (0, 0)
        self._seen: set[tuple[str, str]] = set()
        self._remembered = 0
        self._last_score = 0.0
        self._values: dict[str, dict[str, float]] = {}
        self._parameters: dict[str, Mapping[str, Any]] = {}
        self._failures: dict[str, str] = {}

    def tell(self, event: Mapping[str, Any]) -> None:
        """Take note of an event; see `fanfold.progress.events` for what there is."""
        with self._lock:
            if event["event"] == "stage":
                self._begun.setdefault(event["stage"], self._clock())
            elif event["event"] == "search":
                self._size = (event["candidates"], event["folds"])
            elif event["event"] == "score":
                self._take_score(event)

    def _take_score(self, event: Mapping[str, Any]) -> None:
        candidate, fold = event["candidate"], event["fold"]
        self._remembered += event["remembered"] and (candidate, fold) not in self._seen
        self._seen.add((candidate, fold))
        self._last_score = self._clock()
        self._parameters[candidate] = event["parameters"]
        if not event["ok"]:
            self._failures[candidate] = event["error"]
        elif self.metric in event["values"]:
            self._values.setdefault(candidate, {})[fold] = event["values"][self.metric]

    def end(self, *, broken: bool = False) -> None:
        """The search is over, well or not: no stage is under way any more."""
        with self._lock:
            self._ended, self._broken = self._clock(), broken

    def how_far(self) -> tuple[int, int]:
        """Candidates x folds that are done, and all: of a snapshot what costs no time."""
        with self._lock:
            return len(self._seen), self._size[0] * self._size[1]

    def snapshot(self) -> Snapshot:
        """How the search stands now."""
        with self._lock:
            standings, folds_compared = self._standings()
            return Snapshot(
                seconds=self._clock() - self._born,
                stages=self._stages(),
                metric=self.metric,
                candidates=self._size[0],
                folds=self._size[1],
                done=len(self._seen),
                remembered=self._remembered,
                seconds_left=self._seconds_left(),
                standings=standings,
                folds_compared=folds_compared,
                failed=len(self._failures),
                failure=next(reversed(self._failures.values()), ""),
            )

    def _stages(self) -> tuple[Stage, ...]:
        stages = []
        for name in STAGES:
            start = self._begun.get(name)
            if start is None:
                stages.append(Stage(name))
                continue
            ends = [each for each in (*self._begun.values(), self._ended) if each and each > start]
            end = min(ends, default=None)
            took = (self._clock() if end is None else end) - start
            broken = self._broken and end == self._ended
            stages.append(Stage(name, took, over=end is not None and not broken, broken=broken))
        return tuple(stages)

    def _seconds_left(self) -> float | None:
        """By the pace up to the last score, so that it runs down between two scores.

        What was remembered took no time, and says nothing of the pace.
        """
        computed = len(self._seen) - self._remembered
        if not computed or "cross_validate" not in self._begun:
            return None
        spent = self._last_score - self._begun["cross_validate"]
        left = spent * (self._size[0] * self._size[1] - len(self._seen)) / computed
        return max(0.0, left - (self._clock() - self._last_score))

    def _standings(self) -> tuple[tuple[Standing, ...], int]:
        from fanfold.tasks.regression import HIGHER_IS_BETTER

        values = {n: scores for n, scores in self._values.items() if n not in self._failures}
        names, folds = _largest_block(values)
        means = {name: fmean(values[name][fold] for fold in folds) for name in names}
        ranked = sorted(names, key=means.__getitem__, reverse=HIGHER_IS_BETTER[self.metric])
        standings = tuple(Standing(self._parameters[name], means[name]) for name in ranked)
        return standings, len(folds)


def _largest_block(values: Mapping[str, Mapping[str, float]]) -> tuple[list[str], set[str]]:
    """Candidates and folds, as many scores as can be, of which none is missing."""
    block: tuple[list[str], set[str]] = ([], set())
    for count in sorted({len(scores) for scores in values.values()}, reverse=True):
        names = [name for name, scores in values.items() if len(scores) >= count]
        folds = set.intersection(*(set(values[name]) for name in names))
        if len(names) * len(folds) > len(block[0]) * len(block[1]):
            block = names, folds
    return block
