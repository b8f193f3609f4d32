"""What a search tells while it runs: one small dict an event.

    {"event": "stage", "stage": "preprocess"}
    {"event": "search", "candidates": 16, "folds": 5}
    {"event": "score", "candidate": "9f...", "parameters": {...}, "fold": "1", "ok": true,
     "error": "", "remembered": false, "values": {"rmse": 1.0, "mae": ..., "rsq": ...}}
    {"event": "error", "stage": "preprocess", "kind": "UserError", "message": "..."}

In one process they go to the callable of `listening`; from the tasks of a pipeline that runs
on this machine, to the file that `FANFOLD_EVENTS` names, a line each.
"""

from __future__ import annotations

import json
import math
import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.errors import DamagedError, FanfoldError, UserError
from fanfold.storage.errors import NoRoom
from fanfold.storage.room import room_told

if TYPE_CHECKING:
    from fanfold.search.fold_scores import FoldScore, OnScores
    from fanfold.search.grid import Candidate

OnEvent = Callable[[Mapping[str, Any]], None]

EVENTS_FILE = "FANFOLD_EVENTS"

KINDS = (UserError, DamagedError, NoRoom, FanfoldError)
"""What an error is told as: the first of these that it is."""


_listener: ContextVar[OnEvent | None] = ContextVar("listener", default=None)


def ignore(event: Mapping[str, Any]) -> None:
    """Nobody listens."""


@contextmanager
def listening(*listeners: OnEvent) -> Iterator[None]:
    """Within the block each of `listeners` is told every event of this thread."""

    def tell_all(event: Mapping[str, Any]) -> None:
        for listener in listeners:
            listener(event)

    token = _listener.set(tell_all)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(event: Mapping[str, Any]) -> None:
    """Pass `event` to who listens: the callable, or the file that `FANFOLD_EVENTS` names."""
    listener = _listener.get()
    path = os.environ.get(EVENTS_FILE, "")
    if listener is not None:
        listener(event)
    elif path:
        _append(Path(path), event)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Tells that a step begins, and what it fails of; decorates the step's function.

    A pipeline's task can hand its caller nothing but an exit status, so the error travels as
    an event: `kind` is the kind of fanfold's own errors, or empty where `message` is the
    trace of one that nobody foresaw.
    """
    tell({"event": "stage", "stage": name})
    failed = {"event": "error", "stage": name}
    try:
        with room_told():
            yield
    except FanfoldError as error:
        kind = next(each for each in KINDS if isinstance(error, each))
        tell({**failed, "kind": kind.__name__, "message": str(error)})
        raise
    except Exception:
        tell({**failed, "kind": "", "message": traceback.format_exc()})
        raise


def _append(path: Path, event: Mapping[str, Any]) -> None:
    """Append one line of JSON in one write, since several tasks share the file."""
    line = (json.dumps(event) + "\n").encode()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line)
    finally:
        os.close(file)


def score_teller(candidates: Sequence[Candidate]) -> OnScores:
    """What passes scores on as `score` events, one a candidate and fold."""
    by_id = {each.id: each for each in candidates}

    def tell_scores(scores: Sequence[FoldScore]) -> None:
        for name in dict.fromkeys(score.candidate for score in scores):
            own = [score for score in scores if score.candidate == name]
            values = {s.metric: s.value for s in own if not math.isnan(s.value)}
            event = {"event": "score", "candidate": name, "fold": own[0].fold, "values": values}
            about = {"ok": own[0].ok, "error": own[0].error, "remembered": own[0].remembered}
            tell({**event, "parameters": by_id[name].parameters, **about})

    return tell_scores
