"""The five steps of a search, from files to files: what each component calls, and `tune` too.

Each reads the artifacts of those before it and writes its own, whole or not at all. Artifacts
carry the settings that later steps need, so that a step is told nothing twice.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.errors import DamagedError, FanfoldError
from fanfold.progress import events
from fanfold.results.artifacts import Artifacts
from fanfold.results.summary import (
    Cost,
    preprocessed_summary,
    selected_summary,
)
from fanfold.settings.search import Settings
from fanfold.storage import s3_endpoint
from fanfold.storage.json_files import read_json, write_json
from fanfold.storage.local import write_text

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.features.corpus import Corpus
    from fanfold.search.fold_scores import FoldScore
    from fanfold.search.plan import Plan
    from fanfold.search.selection import Selection


@events.stage("preprocess")
def preprocess(settings: Settings, files: Artifacts) -> dict[str, int]:
    """Table -> `corpus`, `test`, `rejects`, `summary`.

    Returns:
        How many rows went where: `rows_read`, `rows_train`...
    """
    from fanfold.features.preprocess import CORPUS_SETTINGS, build_corpus

    cost = Cost()
    with s3_endpoint(settings.s3_endpoint):
        accounting = build_corpus(
            settings, corpus=files.corpus, test=files.test, rejects=files.rejects
        )
    kept = {name: getattr(settings, name) for name in CORPUS_SETTINGS}
    summary = preprocessed_summary(accounting, kept, cost)
    write_json(files.summary, summary)
    return {name: count for name, count in accounting.items() if name.startswith("rows_")}


@events.stage("expand_grid")
def expand_grid(
    settings: Settings, files: Artifacts, *, limited: bool = True
) -> list[dict[str, str]]:
    """Grid -> `candidates`.

    Args:
        settings: those of the plan and of the rule.
        files: `candidates`.
        limited: whether KFP must be able to hand what is returned to a loop.

    Returns:
        What to loop over, an item for each task, see `fanfold.search.plan.Plan.shares`.
    """
    from fanfold.search.plan import LOOP_BYTES, Plan

    plan = Plan.of(settings)
    plan.write(files.candidates)
    return plan.shares(LOOP_BYTES if limited else None)


@events.stage("cross_validate")
def cross_validate(files: Artifacts, share: Mapping[str, Any] | None = None) -> None:
    """Corpus and a share of the candidates -> `scores`, of which there is one here.

    With a ledger, only what it does not hold is computed, and written there as each fold ends.

    Args:
        files: `corpus`, `candidates` and `scores`.
        share: one of the items that `expand_grid` returned; None for all candidates.
    """
    from fanfold.features.corpus import load_corpus
    from fanfold.ledger import remembering
    from fanfold.results.files import write_csv
    from fanfold.search.cross_validation import score_units
    from fanfold.search.fold_scores import scores_frame
    from fanfold.search.plan import Plan

    plan, corpus = Plan.read(files.candidates), load_corpus(files.corpus)
    units = plan.units(None if share is None else str(share["candidates"]).split())
    size = {"candidates": len(plan.candidates), "folds": len(corpus.fold_labels)}
    events.tell({"event": "search", **size})
    tell = events.score_teller(plan.candidates)
    with (
        s3_endpoint(corpus.settings["s3_endpoint"]),
        remembering(plan, corpus, units) as (known, remember),
    ):

        def on_scores(scores: Sequence[FoldScore]) -> None:
            remember(scores)
            tell(scores)

        seed = corpus.settings["seed"]
        rows = score_units(
            corpus, units, plan.estimator, seed=seed, known=known, on_scores=on_scores
        )
    (path,) = files.scores
    write_csv(path, scores_frame(rows))


@events.stage("select_best")
def select_best(settings: Settings, files: Artifacts) -> Selection:
    """Scores of all tasks -> `leaderboard`, `all_scores`, `best`, and `report` if it has a path.

    Args:
        settings: the rule, see `fanfold.search.selection`; the others came with the artifacts.
        files: `corpus`, `candidates`, `summary`, `scores` and what is written.
    """
    from fanfold.features.corpus import load_corpus
    from fanfold.report import ReportData, render
    from fanfold.results.files import SearchResults, write_csv
    from fanfold.search.mistakes import check_candidates
    from fanfold.search.plan import Plan
    from fanfold.search.same_columns import same_columns
    from fanfold.search.selection import select

    plan, corpus = Plan.read(files.candidates), load_corpus(files.corpus)
    scores = _all_scores(files, plan, corpus)
    rule = {name: getattr(settings, name) for name in ("metric", "selection", "simplest_by")}
    same = same_columns(corpus, plan.candidates, plan.estimator)
    try:
        chosen = select(scores, plan.candidates, plan.estimator, **rule, same=same)
    except FanfoldError:
        check_candidates(corpus, plan)
        raise
    best = {**chosen.as_dict(), "simplest_by": settings.simplest_by}
    write_csv(files.leaderboard, chosen.leaderboard)
    write_csv(files.all_scores, scores)
    write_json(files.best, best)
    if files.report:
        summary = selected_summary(read_json(files.summary), plan, best, chosen.leaderboard)
        results = SearchResults(chosen.leaderboard, scores, best, summary)
        write_text(files.report, render(ReportData.of(results)))
    return chosen


def _all_scores(files: Artifacts, plan: Plan, corpus: Corpus) -> pd.DataFrame:
    """The tidy rows of all tasks, and those of the baseline."""
    import pandas as pd

    from fanfold.results.files import read_scores
    from fanfold.search.baseline import baseline_scores
    from fanfold.search.fold_scores import scores_frame

    parts = [read_scores(path) for path in files.scores]
    scores = pd.concat([*parts, scores_frame(baseline_scores(corpus))], ignore_index=True)
    missing = {each.id for each in plan.candidates} - set(scores["candidate"])
    if missing:
        raise DamagedError(f"no scores came for the candidates {', '.join(sorted(missing))}")
    return scores


@events.stage("train_final")
def train_final(
    settings: Settings, files: Artifacts, addresses: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Winner -> `model`, `results`, and copies of `metrics` and `report` if these have a path.

    The test rows are read here and nowhere else, and predicted by the model as it will be
    loaded by whoever uses it.

    Args:
        settings: those of the cost; the others came with the artifacts.
        files: what the steps before wrote, and what is written.
        addresses: of `results` and `model` for others than this task; if given, the log tells
            the results, see `fanfold.results.log_channel`.

    Returns:
        The test metrics that are defined.
    """
    from fanfold.features.corpus import load_corpus
    from fanfold.models.model import load_model
    from fanfold.models.score_table import score_table
    from fanfold.models.training import train
    from fanfold.report import ReportData, render
    from fanfold.results.files import read_selected, write_results
    from fanfold.results.log_channel import tell_result
    from fanfold.search.plan import Plan

    cost = Cost()
    plan, corpus = Plan.read(files.candidates), load_corpus(files.corpus)
    selected = read_selected(files, plan.candidates)
    winner = plan.candidate(selected.best["candidate"])
    train(corpus, winner, plan.estimator, seed=corpus.settings["seed"]).save(files.model)
    model = load_model(files.model)
    metrics, baseline = score_table(model, files.test, float(corpus.target.mean()))
    results = selected.completed(plan, settings, metrics, baseline, cost)
    page = render(ReportData.of(results, model.importances()))
    write_results(files, results, page)
    for copy, name in ((files.metrics, "metrics.json"), (files.report, "report.html")):
        if copy:
            shutil.copyfile(Path(files.results) / name, copy)
    if addresses is not None:
        tell_result(files.results, files.model, dict(addresses))
    return {name: value for name, value in metrics.items() if value is not None}
