"""The ledger of a run, looked at from here while it runs, where that can be."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fanfold.client.runs import Run
from fanfold.errors import FanfoldError

if TYPE_CHECKING:
    from fanfold.ledger import Ledger, SearchRecord
    from fanfold.ledger.standing import Standing
    from fanfold.search.plan import Plan
    from fanfold.settings.search import Settings

logger = logging.getLogger(__name__)


class LedgerWatch:
    """How the search of a run stands by its ledger; `standing` is None while that is not known."""

    def __init__(self) -> None:
        self.standing: Standing | None = None

    def done(self) -> int:
        """Candidates x folds that are scored, or could not be."""
        return self.standing.done + self.standing.failed if self.standing else 0


@contextmanager
def watching(run: Run, every: float) -> Iterator[LedgerWatch]:
    """Within the block the ledger that the run was given is looked at, if it was given one.

    It is where the environment here says that s3:// is, or else where it is for the pods. A
    bucket that cannot be reached may take a minute to say so: a thread waits for that, and the
    ledger is then left alone.
    """
    from fanfold.settings.cluster import pipeline_parameters
    from fanfold.storage import is_remote, s3_endpoint
    from fanfold.storage.environment import ENDPOINT

    watch, stop = LedgerWatch(), threading.Event()
    try:
        settings, _ = pipeline_parameters(run.parameters)
    except FanfoldError:  # of another version
        yield watch
        return
    if not is_remote(settings.ledger):
        yield watch
        return
    with s3_endpoint("" if os.environ.get(ENDPOINT) else settings.s3_endpoint):
        threading.Thread(target=_follow, args=(settings, watch, stop, every), daemon=True).start()
        try:
            yield watch
        finally:
            stop.set()


def _follow(settings: Settings, watch: LedgerWatch, stop: threading.Event, every: float) -> None:
    from fanfold.ledger import Ledger
    from fanfold.ledger.standing import Follower
    from fanfold.search.plan import Plan

    follower: Follower | None = None
    try:
        ledger, plan = Ledger(settings.ledger), Plan.of(settings)
        while not stop.is_set():
            before = watch.done()
            if follower is not None:
                watch.standing = follower.look()
            if watch.done() == before:  # it may be an older search, much like this one
                record = _record(ledger, settings, plan)
                if record and (follower is None or record.id != follower.search.id):
                    follower = Follower(ledger, record, settings.metric)
                    watch.standing = follower.look()
            stop.wait(every)
    except FanfoldError as error:  # no key to the bucket here, mostly
        logger.info("ledger_not_read ledger=%s error=%r", settings.ledger, str(error))


def _record(ledger: Ledger, settings: Settings, plan: Plan) -> SearchRecord | None:
    """The latest search in the ledger that is this one, as far as can be told from here."""
    ids = {each.id for each in plan.candidates}
    about = {name: getattr(settings, name) for name in ("data", "text_column", "target")}
    for record in reversed(ledger.searches()):
        folds = settings.fold_column or len(record.folds) == settings.folds
        of_data = record.about == about and record.ground.seed == settings.seed and folds
        if of_data and {each.id for each in record.candidates} == ids:
            return record
    return None
