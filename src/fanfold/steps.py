"""The five steps of a search, from files to files: what each component calls, and `tune` too.

Each reads the artifacts of those before it and writes its own, whole or not at all. Artifacts
carry the settings that later steps need, so that a step is told nothing twice.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fanfold import events
from fanfold.errors import DamagedError, UserError
from fanfold.resources import cpu_seconds, peak_memory
from fanfold.results import read_json, write_csv, write_json
from fanfold.settings import Settings
from fanfold.storage.local import write_text, written_beside
from fanfold.versions import git_revision, versions

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.estimators import Estimator
    from fanfold.grid import Candidate, Unit
    from fanfold.selection import Selection


GRID_SETTINGS = ("grid", "estimator", "share_fits", "max_tasks")
"""The settings that `expand_grid` reads and keeps, beside those of the text."""

RULE_SETTINGS = ("metric", "selection", "simplest_by")
"""The settings by which `select_best` picks the winner."""


@dataclass
class _Cost:
    """Wall time, processor time and memory of one step of this process."""

    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    clock: float = field(default_factory=time.time)
    cpu: float = field(default_factory=cpu_seconds)

    def spent(self) -> dict[str, Any]:
        return {
            "seconds": time.time() - self.clock,
            "cpu_seconds": cpu_seconds() - self.cpu,
            "peak_memory_bytes": peak_memory(),
        }


@events.stage("preprocess")
def preprocess(
    settings: Settings, *, corpus: str, test: str, rejects: str, summary: str
) -> dict[str, Any]:
    """Table -> `corpus` (folder), `test` (Parquet), `rejects` (CSV), `summary` (JSON).

    Returns:
        The summary: row accounting and provenance.
    """
    from fanfold.preprocess import CORPUS_SETTINGS
    from fanfold.preprocess import preprocess as read

    cost = _Cost()
    accounting = read(settings, corpus=corpus, test=test, rejects=rejects)
    provenance = {
        "started": cost.started,
        "data": {"uri": settings.data},
        "settings": {name: getattr(settings, name) for name in CORPUS_SETTINGS},
        "versions": versions(),
        "git": git_revision(),
    }
    found = {**accounting, **provenance, **cost.spent()}
    write_json(summary, found)
    return found


@events.stage("expand_grid")
def expand_grid(settings: Settings, *, candidates: str) -> list[dict[str, str]]:
    """Grid -> `candidates` (JSON: the checked, numbered grid).

    Returns:
        What to loop over, an item a task: `label`, for people, and `candidates`, the ids of
        the task's share, separated by spaces.
    """
    from fanfold.estimators import get_estimator
    from fanfold.grid import expand, make_units, pack

    estimator = get_estimator(settings.estimator)
    text = {k: v for k, v in settings.as_dict().items() if k.startswith("text__")}
    grid = expand(settings.grid, estimator, text)
    units = make_units(grid, estimator, share_fits=settings.share_fits)
    facts = {
        "settings": {name: getattr(settings, name) for name in (*GRID_SETTINGS, *text)},
        "candidates": [{"id": each.id, "parameters": each.parameters} for each in grid],
    }
    write_json(candidates, facts)
    return [_item(share) for share in pack(units, estimator, settings.max_tasks)]


def _item(share: Sequence[Unit]) -> dict[str, str]:
    more = f" and {len(share) - 1} more" if len(share) > 1 else ""
    ids = [each.id for unit in share for each in unit.candidates]
    return {"label": share[0].label + more, "candidates": " ".join(ids)}


@dataclass(frozen=True)
class _Search:
    """The `candidates` artifact, read and checked again."""

    estimator: Estimator
    candidates: list[Candidate]
    settings: dict[str, Any]

    def units(self, ids: Sequence[str] | None = None) -> list[Unit]:
        from fanfold.grid import make_units

        known = [each.id for each in self.candidates]
        for name in ids or ():
            if name not in known:
                raise UserError(f"no candidate {name!r} in the grid of {len(known)}")
        chosen = [each for each in self.candidates if ids is None or each.id in ids]
        return make_units(chosen, self.estimator, share_fits=self.settings["share_fits"])


def _read_candidates(path: str) -> _Search:
    from fanfold.estimators import get_estimator
    from fanfold.grid import make_candidate

    facts = read_json(path)
    estimator = get_estimator(facts["settings"]["estimator"])
    grid = [make_candidate(each["parameters"], estimator) for each in facts["candidates"]]
    return _Search(estimator, grid, facts["settings"])


@events.stage("cross_validate")
def cross_validate(
    *,
    corpus: str,
    candidates: str,
    share: Mapping[str, Any] | None = None,
    scores: str,
) -> None:
    """Corpus and a share of the candidates -> `scores` (CSV, the tidy rows).

    Args:
        corpus: folder that `preprocess` wrote.
        candidates: file that `expand_grid` wrote.
        share: one of the items that `expand_grid` returned; None for all candidates.
        scores: file to write.
    """
    from fanfold.corpus import load_corpus
    from fanfold.scoring import cross_validate as score
    from fanfold.selection import scores_frame

    search, learned_from = _read_candidates(candidates), load_corpus(corpus)
    units = search.units(None if share is None else str(share["candidates"]).split())
    folds = len(learned_from.fold_labels)
    events.tell({"event": "search", "candidates": len(search.candidates), "folds": folds})
    rows = score(
        learned_from,
        units,
        search.estimator,
        seed=learned_from.settings["seed"],
        on_scores=events.score_teller(search.candidates),
    )
    write_csv(scores, scores_frame(rows))


@events.stage("select_best")
def select_best(
    *,
    corpus: str,
    candidates: str,
    scores: Sequence[str],
    summary: str,
    metric: str,
    selection: str,
    simplest_by: str,
    leaderboard: str,
    all_scores: str,
    best: str,
    report: str,
) -> Selection:
    """Scores of all tasks -> `leaderboard`, `all_scores` (CSV), `best` (JSON), `report` (HTML).

    `scores` are the files of all cross-validation tasks; `metric`, `selection` and
    `simplest_by` are the rule, see `fanfold.selection.select`.
    """
    import pandas as pd

    from fanfold.corpus import load_corpus
    from fanfold.results import read_scores
    from fanfold.scoring import baseline_scores
    from fanfold.selection import scores_frame, select

    rule = Settings(metric=metric, selection=selection, simplest_by=simplest_by)
    search, learned_from = _read_candidates(candidates), load_corpus(corpus)
    found = [read_scores(path) for path in scores]
    tidy = pd.concat([*found, scores_frame(baseline_scores(learned_from))], ignore_index=True)
    missing = {each.id for each in search.candidates} - set(tidy["candidate"])
    if missing:
        raise DamagedError(f"no scores came for the candidates {', '.join(sorted(missing))}")
    chosen = select(
        tidy,
        search.candidates,
        search.estimator,
        metric=rule.metric,
        selection=rule.selection,
        simplest_by=rule.simplest_by,
    )
    write_csv(leaderboard, chosen.leaderboard)
    write_csv(all_scores, tidy)
    winner = {**chosen.as_dict(), "simplest_by": rule.simplest_by}
    write_json(best, winner)
    so_far = {
        **_with_all_settings(read_json(summary), search, winner),
        "baseline": _baseline(chosen.leaderboard),
    }
    page = _report(chosen.leaderboard, tidy, winner, so_far, learned_from.settings)
    write_text(report, page)
    return chosen


@events.stage("train_final")
def train_final(
    *,
    corpus: str,
    candidates: str,
    test: str,
    rejects: str,
    summary: str,
    leaderboard: str,
    scores: str,
    best: str,
    model: str,
    results: str,
) -> dict[str, float]:
    """Winner -> `model` (folder) and `results` (folder: every file of a search but the model).

    The test rows are read here and nowhere else, and predicted by the model as it will be
    loaded by whoever uses it.

    Returns:
        The test metrics that are defined.
    """
    from fanfold.corpus import load_corpus
    from fanfold.model import load_model, train
    from fanfold.results import read_leaderboard, read_scores

    cost = _Cost()
    search, learned_from = _read_candidates(candidates), load_corpus(corpus)
    winner = read_json(best)
    chosen = next(each for each in search.candidates if each.id == winner["candidate"])
    seed = learned_from.settings["seed"]
    train(learned_from, chosen, search.estimator, seed=seed).save(model)
    loaded = load_model(model)
    metrics = _test_metrics(loaded, test, learned_from.settings["target"])
    board, tidy = read_leaderboard(leaderboard, search.candidates), read_scores(scores)
    preprocessed = _with_all_settings(read_json(summary), search, winner)
    whole = _whole_summary(preprocessed, board, tidy, cost)
    page = _report(board, tidy, winner, whole, learned_from.settings, metrics, loaded.importances())
    with written_beside(results) as beside:
        beside.mkdir()
        for source, name in (
            (leaderboard, "leaderboard.csv"),
            (scores, "scores.csv"),
            (best, "best.json"),
            (rejects, "rejects.csv"),
        ):
            shutil.copyfile(source, beside / name)
        write_json(beside / "metrics.json", metrics)
        write_json(beside / "summary.json", whole)
        (beside / "report.html").write_text(page, encoding="utf-8")
    return {name: value for name, value in metrics.items() if value is not None}


def _test_metrics(model: Any, test: str, expression: str) -> dict[str, float | None]:
    """Metrics of `model` on the rows of the Parquet file `test`; null where undefined."""
    import math

    import numpy as np
    import pyarrow.parquet as pq

    from fanfold.metrics import regression_metrics
    from fanfold.preprocess import as_floats
    from fanfold.target import parse_target

    target = parse_target(expression)
    truth, estimate = [], []
    with pq.ParquetFile(test) as file:
        for rows in file.iter_batches():
            truth.append(target({name: as_floats(rows.column(name)) for name in target.columns}))
            estimate.append(model.predict(rows.to_pandas()))
    found = regression_metrics(np.concatenate(truth), np.concatenate(estimate))
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def _with_all_settings(
    summary: Mapping[str, Any], search: _Search, winner: Mapping[str, Any]
) -> dict[str, Any]:
    """The summary of `preprocess`, its settings completed by those of the steps after it."""
    rule = {name: winner[name] for name in RULE_SETTINGS}
    settings = Settings(**{**summary["settings"], **search.settings, **rule})
    return {**summary, "settings": settings.as_dict()}


def _whole_summary(
    preprocessed: dict[str, Any], board: pd.DataFrame, tidy: pd.DataFrame, cost: _Cost
) -> dict[str, Any]:
    """The summary of the whole search: wall time since its first step began, and what it took."""
    spent = cost.spent()
    begun = datetime.fromisoformat(preprocessed["started"]).timestamp()
    fits = float(board["cpu_seconds"].sum())
    peaks = [preprocessed["peak_memory_bytes"], int(tidy["peak_memory_bytes"].max())]
    return {
        **preprocessed,
        "baseline": _baseline(board),
        "seconds": time.time() - begun,
        "cpu_seconds": preprocessed["cpu_seconds"] + fits + spent["cpu_seconds"],
        "peak_memory_bytes": max(*peaks, spent["peak_memory_bytes"]),
    }


def _baseline(board: pd.DataFrame) -> dict[str, float | None]:
    from fanfold.metrics import HIGHER_IS_BETTER
    from fanfold.scoring import BASELINE
    from fanfold.selection import as_number

    row = board.set_index("candidate").loc[BASELINE]
    return {metric: as_number(row[f"{metric}_mean"]) for metric in HIGHER_IS_BETTER}


def _report(
    board: pd.DataFrame,
    tidy: pd.DataFrame,
    winner: Mapping[str, Any],
    summary: Mapping[str, Any],
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any] | None = None,
    importances: Sequence[tuple[str, float]] | None = None,
) -> str:
    from fanfold.report import ReportData, render

    first = list(board.columns).index("candidate") + 1
    last = list(board.columns).index("rmse_mean")
    return render(
        ReportData(
            leaderboard=board,
            scores=tidy,
            best=winner,
            summary=summary,
            metric=winner["metric"],
            metrics=metrics,
            importances=importances,
            target=settings["target"],
            text_column=settings["text_column"],
            parameters=list(board.columns[first:last]),
        )
    )
