"""The whole search in one process: the pipeline's five steps, one after another."""

from __future__ import annotations

import html
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold import steps
from fanfold.errors import UserError
from fanfold.progress import events
from fanfold.results.artifacts import Artifacts
from fanfold.settings.search import Settings, from_mapping
from fanfold.storage import parts_kept, publish, s3_endpoint, scratch_folder

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.models.model import Model
    from fanfold.search.grid import Grid

logger = logging.getLogger(__name__)

PARTS = {
    each: each for each in ("best.json", "leaderboard.csv", "scores.csv", "rejects.csv", "model")
}
"""What a search leaves that finds no room for the rest."""


@dataclass(frozen=True)
class TuneResult:
    """What a search found; shows itself in a notebook.

    Attributes:
        leaderboard: a row a candidate, best first, and the baseline.
        scores: the tidy rows, candidate x fold x metric.
        best: the winner's id and parameters, and how it stands to the baseline.
        metrics: metric -> value on the held-out rows.
        summary: row accounting, cost, settings, versions.
        model: the winner, trained on all training rows.
        report: the HTML page.
    """

    leaderboard: pd.DataFrame
    scores: pd.DataFrame
    best: dict[str, Any]
    metrics: dict[str, float | None]
    summary: dict[str, Any]
    model: Model
    report: str

    def _repr_html_(self) -> str:
        """The report, in a frame of its own so that its styles and the notebook's never meet."""
        page = html.escape(self.report, quote=True)
        return (
            f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="fanfold report"'
            ' style="width:100%;height:720px;border:0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"TuneResult(best={self.best['parameters']}, metrics={self.metrics})"


def tune(
    data: str | Path | pd.DataFrame,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
    grid: Grid | None = None,
    on_event: events.OnEvent = events.ignore,
    **settings: Any,
) -> TuneResult:
    """Cross-validate every candidate of the grid, train the best one, score it on held-out rows.

    Args:
        data: a table's path or address, `sample:ROWS`, or a frame.
        output: folder, or `gs://` or `s3://` address as text, for the files of the search and the
            model; None writes nothing.
        overwrite: replace `output` where it exists.
        grid: dict of lists, list of dicts, or JSON; by default the setting's.
        on_event: told what happens, see `fanfold.progress.events`.
        **settings: any other of `fanfold.Settings`: `text_column`, `target`, `folds`...

    Raises:
        UserError: an input is wrong; the message says what to do.
        FanfoldError: a bucket does not take the output; the message says where it is kept.

    Example:
        >>> result = fanfold.tune("sample:2000", grid={"max_depth": [3, 6]})
        >>> result.leaderboard, result.model.predict(["a text"])
    """
    from fanfold.local.checks import checked

    if grid is not None:
        settings["grid"] = grid if isinstance(grid, str) else _as_json(grid)
    with scratch_folder() as scratch:
        if not isinstance(data, str | Path):
            data = _as_table(data, scratch, settings)
        chosen = from_mapping({**settings, "data": str(data)})
        chosen, replaceable = checked(chosen, output, overwrite)
        with s3_endpoint(chosen.s3_endpoint), events.listening(on_event):
            with parts_kept(scratch, PARTS, output):
                result = _walk(chosen, scratch)
            if output is not None:
                publish(scratch / "results", output, replaceable)
    return result


def _as_json(grid: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):
            return value.tolist()
        raise UserError(f"the grid holds {value!r}, a {type(value).__name__}: JSON cannot say it")

    return json.dumps(grid, default=plain)


def _as_table(frame: pd.DataFrame, scratch: Path, settings: Mapping[str, Any]) -> Path:
    """The frame as a Parquet file, so that it walks the same way as any table.

    A column that Parquet cannot hold is left out, unless the search needs it.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise UserError(
            f"the data must be a path or a frame of pandas but is a {type(frame).__name__}"
        )
    path = scratch / "frame.parquet"
    frame = pd.DataFrame(frame, copy=False)  # without its attrs, which may be anything
    why = _refusal(frame, path)
    if why is None:
        return path
    from fanfold.tables.target import parse_target

    chosen = from_mapping({**settings, "data": str(path)})
    labels = {chosen.split_column, chosen.fold_column, chosen.group_column}
    needed = {chosen.text_column, *parse_target(chosen.target).columns, *labels}
    held = []
    for number, name in enumerate(map(str, frame.columns)):
        reason = _refusal(frame.iloc[:, [number]], path)
        if reason is None:
            held.append(number)
        elif name in needed:
            raise UserError(
                f"the column {name!r} of the frame cannot be stored: {reason}; convert it, or name"
                " another"
            )
        else:
            logger.warning("column_left_out column=%r reason=%r", name, reason)
    if len(held) == frame.shape[1] or _refusal(frame.iloc[:, held], path):
        raise UserError(f"the data must be a path or a frame of plain columns: {why}")
    return path


def _refusal(frame: pd.DataFrame, path: Path) -> str | None:
    """Why the frame cannot be written as Parquet, in one line; None if it was."""
    import pyarrow as pa

    try:
        frame.to_parquet(path, index=False)
    except (AttributeError, NotImplementedError, OverflowError, TypeError, ValueError) as error:
        told = error.args[0] if isinstance(error, pa.ArrowException) and error.args else error
        return " ".join(str(told).split())
    return None


def _walk(settings: Settings, folder: Path) -> TuneResult:
    """The five steps, their files in `folder`; the results lie in `folder/results` then."""
    from fanfold.models.model import load_model
    from fanfold.results.files import read_results
    from fanfold.search.plan import Plan

    files = Artifacts.in_folder(folder)
    # The grid first: a mistake in it should show before a large table is read.
    steps.expand_grid(settings, files, limited=False)
    steps.preprocess(settings, files)
    steps.cross_validate(files)
    steps.select_best(settings, files)
    steps.train_final(settings, files)
    results = Path(files.results)
    shutil.move(files.model, results / "model")
    found = read_results(results, Plan.read(files.candidates).candidates)
    return TuneResult(
        leaderboard=found.leaderboard,
        scores=found.scores,
        best=found.best,
        metrics=found.metrics or {},
        summary=found.summary,
        model=load_model(results / "model"),
        report=(results / "report.html").read_text(encoding="utf-8"),
    )
