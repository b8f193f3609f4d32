"""The component that ranks the candidates."""

from kfp import dsl

from components.base import IMAGE, described


@dsl.component(base_image=IMAGE, install_kfp_package=False)
@described
def select_best(
    corpus: dsl.Input[dsl.Dataset],
    candidates: dsl.Input[dsl.Artifact],
    summary: dsl.Input[dsl.Artifact],
    scores: dsl.Input[list[dsl.Dataset]],
    leaderboard: dsl.Output[dsl.Dataset],
    all_scores: dsl.Output[dsl.Dataset],
    best: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    metric: str = "rmse",
    selection: str = "best",
    simplest_by: str = "",
):
    """Ranks the candidates by their mean over the folds, and picks the winner.

    Args:
        corpus: What preprocess wrote.
        candidates: What expand_grid wrote.
        summary: What preprocess wrote.
        scores: What the tasks of cross_validate wrote.

    Returns:
        leaderboard: A row for each candidate, best first, and the baseline, CSV.
        all_scores: The rows of all tasks and of the baseline, CSV.
        best: The winner, and how it stands to the baseline, JSON.
        report: The leaderboard as a page, before the final model is trained.
    """
    from fanfold import Settings, steps

    files = steps.Artifacts(
        corpus=corpus.path,
        candidates=candidates.path,
        summary=summary.path,
        scores=tuple(each.path for each in scores),
        leaderboard=leaderboard.path,
        all_scores=all_scores.path,
        best=best.path,
        report=report.path,
    )
    rule = Settings(metric=metric, selection=selection, simplest_by=simplest_by)
    steps.select_best(rule, files)
