"""The five steps of a search, from files to files: what each component calls, and `tune` too.

Each reads the artifacts of those before it and writes its own, whole or not at all. Artifacts
carry the settings that later steps need, so that a step is told nothing twice.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.errors import DamagedError
from fanfold.progress import events
from fanfold.results.files import write_csv
from fanfold.results.summary import Cost, baseline, whole_summary, with_settings
from fanfold.settings.search import Settings
from fanfold.storage import s3_endpoint
from fanfold.storage.json_files import read_json, write_json
from fanfold.storage.local import write_text, written_beside
from fanfold.versions import git_revision, versions

if TYPE_CHECKING:
    from fanfold.models.model import Model
    from fanfold.search.scoring import FoldScore
    from fanfold.search.selection import Selection


LOOP_BYTES = 100_000
"""What the items of a loop may take: KFP passes them all in one argument, of at most 128 KiB."""


@events.stage("preprocess")
def preprocess(
    settings: Settings, *, corpus: str, test: str, rejects: str, summary: str
) -> dict[str, Any]:
    """Table -> `corpus` (folder), `test` (Parquet), `rejects` (CSV), `summary` (JSON).

    Returns:
        The summary: row accounting and provenance.
    """
    from fanfold.features.preprocess import CORPUS_SETTINGS
    from fanfold.features.preprocess import preprocess as read

    cost = Cost()
    with s3_endpoint(settings.s3_endpoint):
        accounting = read(settings, corpus=corpus, test=test, rejects=rejects)
    provenance = {
        "started": cost.started,
        "settings": {name: getattr(settings, name) for name in CORPUS_SETTINGS},
        "versions": versions(),
        "git": git_revision(),
    }
    found = {**accounting, **provenance, **cost.spent()}
    write_json(summary, found)
    return found


@events.stage("expand_grid")
def expand_grid(
    settings: Settings, *, candidates: str, limit: int | None = LOOP_BYTES
) -> list[dict[str, str]]:
    """Grid -> `candidates` (JSON: the checked, numbered grid).

    Returns:
        What to loop over, an item a task: `label`, for people, and `candidates`, the ids of
        the task's share, separated by spaces. As JSON at most `limit` bytes, if that is given.
    """
    from fanfold.search.candidates import search_of, write_search

    search = search_of(settings)
    write_search(candidates, search)
    return search.shares(limit)


@events.stage("cross_validate")
def cross_validate(
    *,
    corpus: str,
    candidates: str,
    share: Mapping[str, Any] | None = None,
    scores: str,
) -> None:
    """Corpus and a share of the candidates -> `scores` (CSV, the tidy rows).

    With a ledger, only what it does not hold is computed, and written there as each fold ends.

    Args:
        corpus: folder that `preprocess` wrote.
        candidates: file that `expand_grid` wrote.
        share: one of the items that `expand_grid` returned; None for all candidates.
        scores: file to write.
    """
    from fanfold.features.corpus import load_corpus
    from fanfold.ledger import remembering
    from fanfold.search.candidates import read_search
    from fanfold.search.scoring import cross_validate as score
    from fanfold.search.selection import scores_frame

    search, learned_from = read_search(candidates), load_corpus(corpus)
    units = search.units(None if share is None else str(share["candidates"]).split())
    folds = len(learned_from.fold_labels)
    events.tell({"event": "search", "candidates": len(search.candidates), "folds": folds})
    tell = events.score_teller(search.candidates)
    with (
        s3_endpoint(learned_from.settings["s3_endpoint"]),
        remembering(search, learned_from, units) as (known, remember),
    ):

        def on_scores(found: Sequence[FoldScore]) -> None:
            remember(found)
            tell(found)

        rows = score(
            learned_from,
            units,
            search.estimator,
            seed=learned_from.settings["seed"],
            known=known,
            on_scores=on_scores,
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
    report: str | None = None,
) -> Selection:
    """Scores of all tasks -> `leaderboard`, `all_scores` (CSV), `best` (JSON), `report` (HTML).

    `scores` are the files of all cross-validation tasks; `metric`, `selection` and
    `simplest_by` are the rule, see `fanfold.search.selection`. Without `report` none is made.
    """
    import pandas as pd

    from fanfold.features.corpus import load_corpus
    from fanfold.results.files import read_scores
    from fanfold.search.candidates import read_search
    from fanfold.search.scoring import baseline_scores
    from fanfold.search.selection import scores_frame, select

    rule = Settings(metric=metric, selection=selection, simplest_by=simplest_by)
    search, learned_from = read_search(candidates), load_corpus(corpus)
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
    if report is not None:
        from fanfold.report import ReportData, render

        so_far = with_settings(read_json(summary), search, winner)
        so_far["baseline"] = baseline(chosen.leaderboard)
        page = render(ReportData.of(chosen.leaderboard, tidy, winner, so_far))
        write_text(report, page)
    return chosen


@events.stage("train_final")
def train_final(
    settings: Settings,
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
    metrics: str | None = None,
    report: str | None = None,
    addresses: dict[str, str] | None = None,
) -> dict[str, float]:
    """Winner -> `model` (folder) and `results` (folder: every file of a search but the model).

    The test rows are read here and nowhere else, and predicted by the model as it will be
    loaded by whoever uses it. `metrics` and `report` take copies of these two files.
    Where `addresses` are given, the log tells the results (`fanfold.results.log_channel`). Of the
    settings only those of the cost are read here; the others came with the artifacts.

    Returns:
        The test metrics that are defined.
    """
    from fanfold.features.corpus import load_corpus
    from fanfold.models.model import load_model, train
    from fanfold.report import ReportData, render
    from fanfold.results.files import read_leaderboard, read_scores
    from fanfold.results.log_channel import tell_result
    from fanfold.search.candidates import read_search

    cost = Cost()
    search, learned_from = read_search(candidates), load_corpus(corpus)
    winner = read_json(best)
    chosen = next(each for each in search.candidates if each.id == winner["candidate"])
    seed = learned_from.settings["seed"]
    train(learned_from, chosen, search.estimator, seed=seed).save(model)
    loaded = load_model(model)
    tested = _test_metrics(loaded, test, learned_from.settings)
    board, tidy = read_leaderboard(leaderboard, search.candidates), read_scores(scores)
    preprocessed = with_settings(read_json(summary), search, winner, settings)
    whole = whole_summary(preprocessed, board, tidy, cost)
    page = render(ReportData.of(board, tidy, winner, whole, tested, loaded.importances()))
    with written_beside(results) as beside:
        beside.mkdir()
        for source, name in (
            (leaderboard, "leaderboard.csv"),
            (scores, "scores.csv"),
            (best, "best.json"),
            (rejects, "rejects.csv"),
        ):
            shutil.copyfile(source, beside / name)
        write_json(beside / "metrics.json", tested)
        write_json(beside / "summary.json", whole)
        (beside / "report.html").write_text(page, encoding="utf-8")
    for copy, name in ((metrics, "metrics.json"), (report, "report.html")):
        if copy is not None:
            shutil.copyfile(Path(results) / name, copy)
    if addresses is not None:
        tell_result(results, model, addresses)
    return {name: value for name, value in tested.items() if value is not None}


def _test_metrics(model: Model, test: str, settings: Mapping[str, Any]) -> dict[str, float | None]:
    """Metrics of `model` on the rows of the Parquet file `test`; null where undefined."""
    import math

    import numpy as np
    import pyarrow.parquet as pq

    from fanfold.tables.columns import as_floats, as_texts
    from fanfold.tables.target import parse_target
    from fanfold.tasks.regression import regression_metrics

    target, text_column = parse_target(settings["target"]), settings["text_column"]
    needed = list(dict.fromkeys([text_column, *target.columns]))
    truth, estimate = [], []
    with pq.ParquetFile(test) as file:
        for number in range(file.num_row_groups):  # each as small as a batch of preprocess
            rows = file.read_row_group(number, columns=needed)
            truth.append(target({name: as_floats(rows.column(name)) for name in target.columns}))
            estimate.append(model.predict(as_texts(rows.column(text_column)).to_list()))
    found = regression_metrics(np.concatenate(truth), np.concatenate(estimate))
    return {name: None if math.isnan(value) else value for name, value in found.items()}
