"""The whole search in one process: the pipeline's five steps, one after another."""

from __future__ import annotations

import html
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from fanfold import steps
from fanfold.local.frames import table_of
from fanfold.local.grid_values import as_json
from fanfold.progress import events
from fanfold.progress.notebook import showing
from fanfold.results.artifacts import Artifacts
from fanfold.settings.options import Options, shows_options
from fanfold.settings.search import Settings, from_mapping
from fanfold.storage import parts_kept, publish, s3_endpoint, scratch_folder

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from fanfold.models.model import Model
    from fanfold.search.grid import Grid

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
        page = html.escape(self._shown, quote=False).replace("'", "&#39;")
        return (
            f'<iframe srcdoc=\'{page}\' sandbox="allow-scripts" title="fanfold report"'
            ' style="width:100%;height:720px;border:0"></iframe>'
        )

    @cached_property
    def _shown(self) -> str:
        """The report without its script, for a notebook that may hold many; as it is if need be."""
        from fanfold.report import ReportData, render
        from fanfold.results.files import SearchResults

        found = SearchResults(self.leaderboard, self.scores, self.best, self.summary, self.metrics)
        try:
            return render(ReportData.of(found, self.model.importances()), still=True)
        except (ImportError, KeyError, ValueError):
            return self.report  # no vl-convert, as in the container image, or frames were changed

    def __repr__(self) -> str:
        from fanfold.search.baseline import BASELINE

        candidates = int((self.leaderboard["candidate"] != BASELINE).sum())
        metrics = {name: v if v is None else float(f"{v:.4g}") for name, v in self.metrics.items()}
        return f"TuneResult({candidates=}, best={self.best['parameters']}, {metrics=})"


@shows_options
def tune(
    data: str | Path | pd.DataFrame | pl.DataFrame | pl.LazyFrame | pa.Table,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
    grid: Grid | None = None,
    on_event: events.OnEvent | None = None,
    progress: bool | None = None,
    **settings: Unpack[Options],
) -> TuneResult:
    """Cross-validate every candidate of the grid, train the best one, score it on held-out rows.

    Args:
        data: a table's path or address, `sample:ROWS`, or a frame of pandas, polars or pyarrow.
        output: folder, or `gs://` or `s3://` address as text, for the files of the search and the
            model; None writes nothing.
        overwrite: replace `output` where it exists.
        grid: dict of lists (or ranges, arrays, Series), list of dicts, or JSON; by default the
            setting's.
        on_event: told what happens, see `fanfold.progress.events`.
        progress: show how the search stands while it runs; None shows it in a notebook and in
            IPython, unless there is `on_event`.
        **settings: any other of `fanfold.Settings`: `text_column`, `target`, `folds`... Beside a
            frame the target may also be a value for each row, or an expression of polars.

    Raises:
        UserError: an input is wrong; the message says what to do.
        FanfoldError: a bucket does not take the output; the message says where it is kept.

    Example:
        >>> result = fanfold.tune("sample:2000", grid={"max_depth": [3, 6]})
        >>> result.leaderboard, result.model.predict(["a text"])
    """
    from fanfold.local.checks import checked

    given: dict[str, Any] = {**settings}
    if grid is not None:
        given["grid"] = grid if isinstance(grid, str) else as_json(grid)
    if progress is None and on_event is not None:
        progress = False
    with (
        scratch_folder() as scratch,
        table_of(data, given, scratch) as named,
    ):
        chosen, replaceable = checked(from_mapping(named), output, overwrite)
        with (
            s3_endpoint(chosen.s3_endpoint),
            showing(chosen.metric, progress) as show,
            events.listening(*filter(None, [show, on_event])),
        ):
            with parts_kept(scratch, PARTS, output):
                result = _walk(chosen, scratch)
            if output is not None:
                publish(scratch / "results", output, replaceable)
    return result


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
