"""Where the files lie that the steps of a search hand on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """The paths of a search's files; a step is given those that it reads and writes.

    KFP gives each artifact a path of its own; `in_folder` puts all into one folder.

    Attributes:
        corpus: folder, see `fanfold.features.corpus`.
        candidates: JSON, the plan of the search.
        test: Parquet, the held-out rows.
        rejects: CSV, the rows set aside.
        summary: JSON, what preprocess says of the rows.
        scores: CSV files, the tidy rows, one for each task of cross_validate.
        leaderboard: CSV, a row for each candidate.
        all_scores: CSV, the tidy rows of all tasks and of the baseline.
        best: JSON, the winner.
        model: folder, the trained winner.
        results: folder, every file of the search but the model.
        metrics: JSON, a copy of the test metrics; empty: none is made.
        report: HTML, the page as the step leaves it; empty: none is made.
    """

    corpus: str = ""
    candidates: str = ""
    test: str = ""
    rejects: str = ""
    summary: str = ""
    scores: tuple[str, ...] = ()
    leaderboard: str = ""
    all_scores: str = ""
    best: str = ""
    model: str = ""
    results: str = ""
    metrics: str = ""
    report: str = ""

    @classmethod
    def in_folder(cls, folder: str | Path) -> Artifacts:
        """All files in one folder, for a search whose cross-validation is one task."""
        folder = Path(folder)
        return cls(
            corpus=str(folder / "corpus"),
            candidates=str(folder / "candidates.json"),
            test=str(folder / "test.parquet"),
            rejects=str(folder / "rejects.csv"),
            summary=str(folder / "summary.json"),
            scores=(str(folder / "task.csv"),),
            leaderboard=str(folder / "leaderboard.csv"),
            all_scores=str(folder / "scores.csv"),
            best=str(folder / "best.json"),
            model=str(folder / "model"),
            results=str(folder / "results"),
        )
