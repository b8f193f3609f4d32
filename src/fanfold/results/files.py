"""The files of a search: what each holds, written and read back with the types it had.

- `leaderboard.csv`: rank, candidate, a column a hyperparameter, then for each metric
  `<metric>_mean`, `<metric>_std_err`, `<metric>_n`, and n, columns, fit_seconds, cpu_seconds,
  error, same_as; the last row is the baseline
- `scores.csv`: the tidy rows, as `fanfold.search.fold_scores.FoldScore` has them
- `best.json`: candidate, parameters, how it was chosen, how it stands to the baseline
- `metrics.json`: metric -> value on the test rows
- `summary.json`: row accounting, corpus digest, baseline, cost, settings, versions
- `rejects.csv`: line, reason, text
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.results.artifacts import Artifacts
from fanfold.results.notes import notes_of
from fanfold.results.summary import Cost, final_summary, selected_summary
from fanfold.settings.search import Settings
from fanfold.storage.json_files import read_json, write_json
from fanfold.storage.local import written_beside

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.search.grid import Candidate
    from fanfold.search.plan import Plan


TEXTS = ("candidate", "same_as", "error")
"""The columns of a leaderboard that hold text."""


@dataclass(frozen=True, eq=False)
class SearchResults:
    """What a search found.

    Attributes:
        leaderboard: a row for each candidate, best first, and the baseline.
        scores: the tidy rows, candidate x fold x metric.
        best: the winner's id and parameters, and how it compares with the baseline.
        summary: row accounting, cost, settings, versions.
        metrics: metric -> value on the held-out rows; None before the final training.
    """

    leaderboard: pd.DataFrame
    scores: pd.DataFrame
    best: dict[str, Any]
    summary: dict[str, Any]
    metrics: dict[str, float | None] | None = None

    def completed(
        self,
        plan: Plan,
        settings: Settings,
        metrics: dict[str, float | None],
        baseline: dict[str, float | None],
        cost: Cost,
    ) -> SearchResults:
        """The results after the final training, from those that `read_selected` gave.

        Args:
            plan: of the search.
            settings: those of the cost.
            metrics: metric -> value on the held-out rows.
            baseline: the same where the mean of the training rows is predicted.
            cost: of `train_final` so far.
        """
        selected = selected_summary(self.summary, plan, self.best, self.leaderboard)
        summary = final_summary(selected, settings, self.scores, cost)
        summary |= {"baseline_test": baseline, "notes": notes_of(self.leaderboard, summary)}
        return replace(self, metrics=metrics, summary=summary)

    @property
    def parameters(self) -> list[str]:
        """The hyperparameter columns of the leaderboard."""
        columns = list(self.leaderboard.columns)
        first, last = columns.index("candidate") + 1, columns.index("rmse_mean")
        return columns[first:last]


def read_selected(files: Artifacts, candidates: Sequence[Candidate]) -> SearchResults:
    """The results as `select_best` left them; the summary is that of `preprocess`."""
    return SearchResults(
        leaderboard=read_leaderboard(files.leaderboard, candidates),
        scores=read_scores(files.all_scores),
        best=read_json(files.best),
        summary=read_json(files.summary),
    )


def write_results(files: Artifacts, results: SearchResults, report: str) -> None:
    """Write the folder `files.results`, whole or not at all: every file but the model."""
    with written_beside(files.results) as beside:
        beside.mkdir()
        for source, name in (
            (files.leaderboard, "leaderboard.csv"),
            (files.all_scores, "scores.csv"),
            (files.best, "best.json"),
            (files.rejects, "rejects.csv"),
        ):
            shutil.copyfile(source, beside / name)
        write_json(beside / "metrics.json", results.metrics or {})
        write_json(beside / "summary.json", results.summary)
        (beside / "report.html").write_text(report, encoding="utf-8")


def read_results(folder: str | Path, candidates: Sequence[Candidate]) -> SearchResults:
    """The results in a folder that `write_results` wrote."""
    folder = Path(folder)
    return SearchResults(
        leaderboard=read_leaderboard(folder / "leaderboard.csv", candidates),
        scores=read_scores(folder / "scores.csv"),
        best=read_json(folder / "best.json"),
        summary=read_json(folder / "summary.json"),
        metrics=read_json(folder / "metrics.json"),
    )


def write_csv(path: str | Path, frame: pd.DataFrame) -> None:
    """Write `frame` to `path`, whole or not at all; floats read back to the bit."""
    with written_beside(path) as beside:
        frame.to_csv(beside, index=False, lineterminator="\n")


def read_scores(path: str | Path) -> pd.DataFrame:
    """The tidy rows in `scores.csv`."""
    frame = _read_csv(path)
    for name in ("value", "fit_seconds", "cpu_seconds"):
        frame[name] = _floats(frame[name])
    for name in ("peak_memory_bytes", "columns"):
        frame[name] = frame[name].astype("int64")
    for name in ("ok", "remembered"):
        frame[name] = frame[name] == "True"
    return frame


def read_leaderboard(path: str | Path, candidates: Sequence[Candidate]) -> pd.DataFrame:
    """The leaderboard, with hyperparameters as the grid has them and not as CSV guesses them."""
    import pandas as pd

    from fanfold.estimators.hyperparameters import parameter_names

    by_id = {each.id: each.parameters for each in candidates}
    parameters = parameter_names(candidates)
    board = _read_csv(path)
    for name in board.columns.difference([*TEXTS, *parameters], sort=False):
        counts = name in ("n", "columns") or name.endswith("_n")
        board[name] = board[name].astype("int64") if counts else _floats(board[name])
    board["rank"] = board["rank"].astype("Int64")
    for name in parameters:
        values = [
            by_id[each].get(name, pd.NA) if each in by_id else None  # the baseline
            for each in board["candidate"]
        ]
        board[name] = pd.Series(values, dtype=object)
    return board


def _read_csv(path: str | Path) -> pd.DataFrame:
    """Every column as text: what a cell is, its column says, and not how it looks."""
    import pandas as pd

    return pd.read_csv(path, dtype="str", keep_default_na=False)


def _floats(column: pd.Series) -> pd.Series:
    """Numbers as Python reads them, to the bit; an empty cell is NaN."""
    return column.map(lambda text: float(text) if text else math.nan).astype("float64")
