"""The ledger: finished folds, kept in a folder or bucket, so that none is computed twice.

    folds/<corpus>/<key>.json    the scores of one candidate on one fold, and what they cost
    failures/<corpus>/<key>.json why a candidate could not be fitted on a fold; it is tried again
    searches/<search>.json       the candidates and folds of a search that somebody began
    set-aside/...                records that could not be trusted, as they were found

`<corpus>` begins the corpus digest, `<key>` is a hash of all that determines the scores.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from fanfold.errors import DamagedError
from fanfold.features.corpus import Corpus
from fanfold.ledger.records import (
    Ground,
    Remembered,
    SearchRecord,
    failure_key,
    failure_record,
    fold_key,
    fold_record,
    read_fold_record,
)
from fanfold.search.fold_scores import DIVERGED, FoldScore, OnScores
from fanfold.search.grid import Candidate, Unit
from fanfold.search.plan import Plan
from fanfold.storage import AccessDenied, NotFound, Storage, open_storage

logger = logging.getLogger(__name__)

AT_ONCE = 10
"""Records that are read or written side by side: a bucket answers slowly, but many at a time.

As many as the clients keep connections: of more they would warn, and open them anew.
"""

Place = tuple[str, str]
"""A candidate's id and a fold's label."""


@contextmanager
def remembering(
    plan: Plan, corpus: Corpus, units: Iterable[Unit]
) -> Iterator[tuple[dict[Place, list[FoldScore]], OnScores]]:
    """The scores of `units` on `corpus` in the plan's ledger, and what remembers further scores.

    Without a ledger nothing is known, and nothing remembered.
    """
    if not plan.settings["ledger"]:
        yield {}, lambda scores: None
        return
    ledger = Ledger(plan.settings["ledger"])
    record = SearchRecord.of(corpus, plan.candidates, plan.estimator)
    ledger.begin(record)
    candidates = [each for unit in units for each in unit.candidates]
    wanted = [(each, fold) for fold in corpus.fold_labels for each in candidates]
    known = ledger.recall(record.ground, wanted)
    ledger.forget_failures(record.ground, wanted)
    with ledger.writing(record.ground, candidates) as remember:
        yield {place: each.scores for place, each in known.items()}, remember


class Ledger:
    """Finished folds at an address; safe to share between any number of searches.

    Two that write the same record write the same scores, and each write is whole.

    Args:
        uri: a folder, or a `gs://` or `s3://` address; it need not exist.
        storage: what lies there, if it is not to be opened from `uri`.
    """

    def __init__(self, uri: str, storage: Storage | None = None) -> None:
        self._storage = storage or open_storage(uri)
        self._searches: dict[str, SearchRecord | None] = {}

    def begin(self, search: SearchRecord) -> None:
        """Tell those who look at the ledger of a search; known ones stay as they are.

        Listed, not asked for: of what is not there, S3 tells only who may list all of the bucket.
        """
        if not any(each.key == search.key for each in self._storage.list(search.key)):
            self._storage.write(search.key, search.as_bytes())

    def searches(self) -> list[SearchRecord]:
        """All searches that were begun, the earliest first; damaged records are left out.

        A record never changes: what was read once is not read again.
        """
        keys = [entry.key for entry in self._storage.list("searches/")]
        new = [key for key in keys if key not in self._searches]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._searches |= dict(zip(new, pool.map(self._search, new), strict=True))
        found = [record for key in keys if (record := self._searches[key]) is not None]
        return sorted(found, key=lambda each: each.begun)

    def _search(self, key: str) -> SearchRecord | None:
        try:
            return SearchRecord.read(self._read(key), key)
        except NotFound:
            return None
        except AccessDenied:  # a ValueError too, but none of the record
            raise
        except (DamagedError, ValueError, KeyError, TypeError) as error:
            logger.warning("search_not_read key=%r error=%r", key, str(error))
            return None

    def recall(
        self, ground: Ground, wanted: Iterable[tuple[Candidate, str]], *, set_aside: bool = True
    ) -> dict[Place, Remembered]:
        """What is remembered of the `wanted` candidates and folds.

        A record that cannot be trusted counts as not there: its fold is computed again and
        takes its place. With `set_aside` it is copied to `set-aside/`, with a warning.
        """
        there = {each.key for each in self._storage.list(f"folds/{ground.corpus_digest[:16]}/")}
        places = [(each, fold) for each, fold in wanted]
        found: dict[Place, Remembered] = {}

        def read(place: tuple[Candidate, str]) -> Remembered | None:
            return self._recall_fold(ground, *place, there, set_aside)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for (candidate, fold), remembered in zip(places, pool.map(read, places), strict=True):
                if remembered is not None:
                    found[candidate.id, fold] = remembered
        return found

    def failures(self, ground: Ground, wanted: Iterable[tuple[Candidate, str]]) -> dict[Place, str]:
        """Which of the `wanted` candidates and folds failed when last tried: place -> key."""
        prefix = f"failures/{ground.corpus_digest[:16]}/"
        there = {each.key for each in self._storage.list(prefix)}
        if not there:
            return {}
        keys = ((each.id, fold, failure_key(ground.of_fold(each, fold))) for each, fold in wanted)
        return {(name, fold): key for name, fold, key in keys if key in there}

    def forget_failures(self, ground: Ground, wanted: Iterable[tuple[Candidate, str]]) -> None:
        """Remove what is noted of failures: these folds are about to be tried again.

        Who may write but not remove leaves the notes; their folds' scores count before them.
        """
        with suppress(AccessDenied):
            for key in self.failures(ground, wanted).values():
                self._storage.remove(key)

    def _recall_fold(
        self, ground: Ground, candidate: Candidate, fold: str, there: set[str], set_aside: bool
    ) -> Remembered | None:
        determined_by = ground.of_fold(candidate, fold)
        key = fold_key(determined_by)
        if key not in there:
            return None
        try:
            content = self._read(key)
        except NotFound:  # since it was listed
            return None
        try:
            return read_fold_record(content, key, determined_by, candidate)
        except (DamagedError, ValueError, KeyError, TypeError) as error:
            if set_aside:
                self._set_aside(key, content, error)
            return None

    def _set_aside(self, key: str, content: bytes, error: Exception) -> None:
        """Keep a copy under a name of its own; the original stays until its fold is written."""
        name = hashlib.sha256(content).hexdigest()[:8]
        aside = f"set-aside/{key.removesuffix('.json')}-{name}.json"
        self._storage.write(aside, content)
        logger.warning("record_set_aside key=%r copy=%r error=%r", key, aside, str(error))

    def _read(self, key: str) -> bytes:
        with self._storage.open_reader(key) as stream:
            return stream.read()

    @contextmanager
    def writing(self, ground: Ground, candidates: Iterable[Candidate]) -> Iterator[OnScores]:
        """Within the block, what remembers the scores that it is told.

        Of failed ones it is noted, for those who follow the search, that and why they failed.
        Writes go on beside the fits. All are done when the block ends, and the first that
        fails ends it; one that another error or Ctrl-C ends waits for none.
        """
        by_id = {each.id: each for each in candidates}
        pool = ThreadPoolExecutor(AT_ONCE)
        writes: list[Future[None]] = []

        def remember(scores: Iterable[FoldScore]) -> None:
            rows: dict[Place, list[FoldScore]] = {}
            for row in scores:
                if not row.remembered:
                    rows.setdefault((row.candidate, row.fold), []).append(row)
            for (name, fold), own in rows.items():
                determined_by = ground.of_fold(by_id[name], fold)
                if own[0].ok or own[0].error == DIVERGED:  # as it would each time
                    key, content = fold_key(determined_by), fold_record(determined_by, own)
                else:
                    key = failure_key(determined_by)
                    content = failure_record(determined_by, own[0].error)
                writes.append(pool.submit(self._storage.write, key, content))
            for write in [each for each in writes if each.done()]:
                write.result()
                writes.remove(write)

        try:
            yield remember
            for write in writes:
                write.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
