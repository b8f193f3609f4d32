"""How the searches of a ledger stand, from its records alone, whoever computes them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from fanfold.ledger.ledger import Ledger, Place
from fanfold.ledger.records import Remembered, SearchRecord
from fanfold.search.means import mean_and_standard_error, worth

PACE_OF = 24
"""Latest records whose pace tells the time left: a pause before them does not count."""


@dataclass(frozen=True)
class Row:
    """A candidate of a search, as far as it is known.

    Attributes:
        candidate: its id.
        parameters: its place in the grid.
        folds: folds that are done.
        failed: folds on which it could not be fitted.
        mean, std_err: of the metric over these folds; NaN where there are too few.
        fit_seconds, cpu_seconds: what they cost.
    """

    candidate: str
    parameters: dict[str, object]
    folds: int
    failed: int
    mean: float
    std_err: float
    fit_seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Standing:
    """A search at one moment.

    Attributes:
        search: which.
        metric: what candidates are compared by.
        rows: all candidates: finished ones best first, then others by the folds they have.
        done, failed, total: candidates x folds that are scored, that could not be, and all.
        begun, written: when the search began, and its latest record was written, in seconds
            since 1970; a search without a record was last written when it began.
        seconds_left: by the pace of the latest records; None while it is not known.
    """

    search: SearchRecord
    metric: str
    rows: list[Row]
    done: int
    failed: int
    total: int
    begun: float
    written: float
    seconds_left: float | None

    @property
    def over(self) -> bool:
        """Whether nothing is left to wait for."""
        return self.done + self.failed >= self.total

    @property
    def best(self) -> Row | None:
        """The best of the finished candidates."""
        return next((row for row in self.rows if row.folds == len(self.search.folds)), None)


class Follower:
    """Looks at one search again and again; what was read once is not read again."""

    def __init__(self, ledger: Ledger, search: SearchRecord, metric: str = "rmse") -> None:
        self.search, self.metric = search, metric
        self._ledger = ledger
        self._known: dict[Place, Remembered] = {}

    def look(self) -> Standing:
        """How the search stands now."""
        wanted = [
            (each, fold)
            for each in self.search.candidates
            for fold in self.search.folds
            if (each.id, fold) not in self._known
        ]
        if wanted:
            self._known |= self._ledger.recall(self.search.ground, wanted, set_aside=False)
        missing = [(each, fold) for each, fold in wanted if (each.id, fold) not in self._known]
        failed = self._ledger.failures(self.search.ground, missing) if missing else {}
        diverged = [place for place, each in self._known.items() if not each.scores[0].ok]
        begun = self.search.begun_seconds
        times = sorted(each.written for each in self._known.values())
        total = len(self.search.candidates) * len(self.search.folds)
        return Standing(
            self.search,
            self.metric,
            self._rows(Counter(name for name, _ in (*failed, *diverged))),
            len(self._known) - len(diverged),
            len(failed) + len(diverged),
            total,
            begun,
            times[-1] if times else begun,
            seconds_left(times, total - len(times) - len(failed), time.time()),
        )

    def _rows(self, failed: Counter[str]) -> list[Row]:
        ranked = []
        for candidate in self.search.candidates:
            found = [self._known.get((candidate.id, fold)) for fold in self.search.folds]
            scores = [score for each in found if each for score in each.scores]
            of_metric = [score for score in scores if score.metric == self.metric]
            own = [score for score in of_metric if score.ok]
            mean, error, known = mean_and_standard_error([score.value for score in own])
            spent = sum(s.fit_seconds for s in of_metric), sum(s.cpu_seconds for s in of_metric)
            folds = len(own), failed[candidate.id]
            row = Row(candidate.id, candidate.parameters, *folds, mean, error, *spent)
            ranked.append(((-row.folds, *worth(self.metric, mean, known)), row))
        return [row for _, row in sorted(ranked, key=lambda each: each[0])]


def seconds_left(times: list[float], left: int, now: float) -> float | None:
    """Time until `left` more records are written, by the pace of the latest of `times` (ascending).

    It runs down between two records. None where the pace is not known, or no longer holds: the
    time is up, and they are not there.
    """
    latest = times[-PACE_OF:]
    if left == 0:
        return 0.0
    if len(latest) < 2 or latest[-1] == latest[0]:
        return None
    each = (latest[-1] - latest[0]) / (len(latest) - 1)
    remaining = each * left - (now - latest[-1])
    return remaining if remaining > 0 else None
