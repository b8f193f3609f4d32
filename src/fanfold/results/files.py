"""The files of a search: what each holds, written and read back with the types it had.

- `leaderboard.csv`: rank, candidate, a column a hyperparameter, then for each metric
  `<metric>_mean`, `<metric>_std_err`, `<metric>_n`, and n, fit_seconds, cpu_seconds, error; the
  last row is the baseline
- `scores.csv`: the tidy rows, as `fanfold.search.scoring.FoldScore` has them
- `best.json`: candidate, parameters, how it was chosen, how it stands to the baseline
- `metrics.json`: metric -> value on the test rows
- `summary.json`: row accounting, corpus digest, baseline, cost, settings, versions
- `rejects.csv`: line, reason, text
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fanfold.storage.local import written_beside

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.search.grid import Candidate


def write_csv(path: str | Path, frame: pd.DataFrame) -> None:
    """Write `frame` to `path`, whole or not at all; floats read back to the bit."""
    with written_beside(path) as beside:
        frame.to_csv(beside, index=False, lineterminator="\n")


def read_scores(path: str | Path) -> pd.DataFrame:
    """The tidy rows in `scores.csv`."""
    frame = _read_csv(path)
    for name in ("value", "fit_seconds", "cpu_seconds"):
        frame[name] = _floats(frame[name])
    frame["peak_memory_bytes"] = frame["peak_memory_bytes"].astype("int64")
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
    for name in board.columns.difference(["candidate", "error", *parameters], sort=False):
        counts = name == "n" or name.endswith("_n")
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
