"""The component that trains the winner and scores it on the held-out rows."""

from kfp import dsl

from components.base import IMAGE, described


@dsl.component(base_image=IMAGE, install_kfp_package=False)
@described
def train_final(
    corpus: dsl.Input[dsl.Dataset],
    candidates: dsl.Input[dsl.Artifact],
    test: dsl.Input[dsl.Dataset],
    rejects: dsl.Input[dsl.Dataset],
    summary: dsl.Input[dsl.Artifact],
    leaderboard: dsl.Input[dsl.Dataset],
    all_scores: dsl.Input[dsl.Dataset],
    best: dsl.Input[dsl.Artifact],
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    results: dsl.Output[dsl.Artifact],
    cpu_hour_price: float = 0.0,
    estimated_cpu_hours: float = 0.0,
):
    """Trains the winner on all training rows, and scores it once on the held-out rows.

    Args:
        corpus: What preprocess wrote.
        candidates: What expand_grid wrote.
        test: What preprocess wrote.
        rejects: What preprocess wrote.
        summary: What preprocess wrote.
        leaderboard: What select_best wrote.
        all_scores: What select_best wrote.
        best: What select_best wrote.

    Returns:
        model: Folder that fanfold.load_model reads.
        metrics: Scores on the held-out rows.
        report: The whole search as a page.
        results: Folder with every file of the search but the model.
    """
    from fanfold import Settings, steps

    files = steps.Artifacts(
        corpus=corpus.path,
        candidates=candidates.path,
        test=test.path,
        rejects=rejects.path,
        summary=summary.path,
        leaderboard=leaderboard.path,
        all_scores=all_scores.path,
        best=best.path,
        model=model.path,
        results=results.path,
        metrics=metrics.path,
        report=report.path,
    )
    cost = Settings(cpu_hour_price=cpu_hour_price, estimated_cpu_hours=estimated_cpu_hours)
    addresses = {"results": results.uri, "model": model.uri}
    metrics.metadata.update(steps.train_final(cost, files, addresses))
