"""What the ledger holds: the scores of a candidate on a fold, and what a search consists of.

Both are JSON, sealed with their own SHA-256. The key of a fold's record is a hash of all that
determines its scores, so that whoever needs them, in whatever search, finds them there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from fanfold.errors import DamagedError
from fanfold.estimators.base import Estimator
from fanfold.features.corpus import Corpus
from fanfold.search.fold_scores import DIVERGED, SCORING_VERSION, FoldScore
from fanfold.search.grid import Candidate
from fanfold.storage.sealed import digest, sealed, unsealed
from fanfold.tasks.regression import HIGHER_IS_BETTER
from fanfold.versions import versions

FOLD_FORMAT = "fanfold-fold-1"
FAILURE_FORMAT = "fanfold-failure-1"
SEARCH_FORMAT = "fanfold-search-1"


@dataclass(frozen=True)
class Ground:
    """What the scores of all candidates of a search depend on.

    Attributes:
        corpus_digest: of the rows, their target and their folds.
        estimator: its name.
        library: the library that fits, and its version.
        scoring_version: of fanfold's own part.
        seed: of every fit.
    """

    corpus_digest: str
    estimator: str
    library: str
    scoring_version: int
    seed: int

    @classmethod
    def of(cls, corpus: Corpus, estimator: Estimator) -> Ground:
        """The ground on which `estimator` is cross-validated on `corpus` here and now."""
        library = estimator.library
        return cls(
            corpus.digest,
            estimator.name,
            f"{library} {versions()[library]}",
            SCORING_VERSION,
            corpus.settings["seed"],
        )

    def of_fold(self, candidate: Candidate, fold: str) -> dict[str, Any]:
        """All that determines the scores of `candidate` with the fold of this label held out."""
        parameters = {**candidate.model_parameters, **candidate.text.as_parameters()}
        return {**asdict(self), "parameters": parameters, "fold": fold}


def fold_key(determined_by: Mapping[str, Any]) -> str:
    """The key of a fold's record, below the ledger's address."""
    corpus = determined_by["corpus_digest"][:16]
    return f"folds/{corpus}/{digest(determined_by)[:40]}.json"


def failure_key(determined_by: Mapping[str, Any]) -> str:
    """The key of the note that a fold's scores could not be had, below the ledger's address."""
    return fold_key(determined_by).replace("folds/", "failures/", 1)


def failure_record(determined_by: Mapping[str, Any], error: str) -> bytes:
    """The note that a candidate failed on a fold, and why."""
    facts = {"determined_by": determined_by, "error": error, "written": now()}
    return sealed({"format": FAILURE_FORMAT, **facts}).encode()


def fold_record(determined_by: Mapping[str, Any], scores: Sequence[FoldScore]) -> bytes:
    """The record of one candidate's scores on one fold, a row a metric."""
    first = scores[0]
    values = {row.metric: None if math.isnan(row.value) else row.value for row in scores}
    facts = {
        "format": FOLD_FORMAT,
        "determined_by": determined_by,
        "values": values,
        "fit_seconds": first.fit_seconds,
        "cpu_seconds": first.cpu_seconds,
        "peak_memory_bytes": first.peak_memory_bytes,
        "columns": first.columns,
        "written": now(),
    }
    return sealed(facts).encode()


@dataclass(frozen=True)
class Remembered:
    """The scores that a record holds, and when it was written (seconds since 1970)."""

    scores: list[FoldScore]
    written: float


def read_fold_record(
    content: bytes, key: str, determined_by: Mapping[str, Any], candidate: Candidate
) -> Remembered:
    """The scores in a record.

    Raises:
        DamagedError: it was changed, cut short, is of another format, or of other scores than
            those that `determined_by` asks for.
    """
    facts = unsealed(content, FOLD_FORMAT, key)
    if facts["determined_by"] != determined_by:
        raise DamagedError(f"{key!r} holds the scores of something else")
    diverged = facts["values"]["rmse"] is None
    scores = [
        FoldScore(
            candidate.id,
            determined_by["fold"],
            metric,
            math.nan if facts["values"][metric] is None else facts["values"][metric],
            fit_seconds=facts["fit_seconds"],
            cpu_seconds=facts["cpu_seconds"],
            peak_memory_bytes=facts["peak_memory_bytes"],
            ok=not diverged,
            error=DIVERGED if diverged else "",
            columns=facts.get("columns", 0),
            remembered=True,
        )
        for metric in HIGHER_IS_BETTER
    ]
    return Remembered(scores, datetime.fromisoformat(facts["written"]).timestamp())


@dataclass(frozen=True)
class SearchRecord:
    """A search that somebody began: what it takes to find its folds, whoever computes them.

    Attributes:
        id: 12 hexadecimal digits, the same for the same search.
        ground: what its scores depend on.
        candidates: the grid's.
        folds: their labels.
        about: where its rows came from, for people: `data`, `text_column`, `target`.
        begun: when it was first begun, ISO 8601 in UTC.
    """

    id: str
    ground: Ground
    candidates: list[Candidate]
    folds: tuple[str, ...]
    about: dict[str, Any]
    begun: str

    @classmethod
    def of(
        cls, corpus: Corpus, candidates: Sequence[Candidate], estimator: Estimator
    ) -> SearchRecord:
        """The search of `candidates` on `corpus`, begun now."""
        ground = Ground.of(corpus, estimator)
        ids = [each.id for each in candidates]
        name = digest({**asdict(ground), "candidates": ids, "folds": corpus.fold_labels})[:12]
        about = {each: corpus.settings[each] for each in ("data", "text_column", "target")}
        return cls(name, ground, list(candidates), corpus.fold_labels, about, now())

    @property
    def key(self) -> str:
        """Where the record lies, below the ledger's address."""
        return f"searches/{self.id}.json"

    @property
    def begun_seconds(self) -> float:
        """When it was first begun, in seconds since 1970."""
        return datetime.fromisoformat(self.begun).timestamp()

    def as_bytes(self) -> bytes:
        """The record, as `read` reads it."""
        facts = {
            "format": SEARCH_FORMAT,
            "id": self.id,
            "ground": asdict(self.ground),
            "candidates": [each.parameters for each in self.candidates],
            "folds": list(self.folds),
            "about": self.about,
            "begun": self.begun,
        }
        return sealed(facts).encode()

    @classmethod
    def read(cls, content: bytes, key: str) -> SearchRecord:
        """The search in a record; `DamagedError` where it was changed or is of another format."""
        from fanfold.estimators.base import get_estimator
        from fanfold.search.grid import make_candidate

        facts = unsealed(content, SEARCH_FORMAT, key)
        ground = Ground(**facts["ground"])
        estimator = get_estimator(ground.estimator)
        candidates = [make_candidate(each, estimator) for each in facts["candidates"]]
        folds, about = tuple(facts["folds"]), facts["about"]
        return cls(facts["id"], ground, candidates, folds, about, facts["begun"])


def now() -> str:
    """The time, ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
