"""The component that turns a grid into tasks."""

from kfp import dsl

from components.base import IMAGE, described


@dsl.component(base_image=IMAGE, install_kfp_package=False)
@described
def expand_grid(
    candidates: dsl.Output[dsl.Artifact],
    grid: str = '{"colsample_bynode": [0.5, 1.0], "n_estimators": [300, 500],'
    ' "max_depth": [6, 12], "subsample": [0.8, 1.0], "max_bin": [32]}',
    estimator: str = "xgboost",
    text__max_tokens: int = 100,
    text__min_times: float = 0.001,
    text__max_times: float = 1.0,
    text__weighting: str = "tfidf",
    text__stopwords: str = "snowball",
    share_fits: bool = True,
    ledger: str = "",
    max_tasks: int = 32,
    metric: str = "rmse",
    selection: str = "best",
    simplest_by: str = "",
) -> list[dict[str, str]]:
    """Checks the grid and the rule of the choice, numbers the candidates, shares them out.

    Returns:
        candidates: The checked, numbered grid, JSON.
        Output: What to loop over, an item for each task: its label and its candidates.
    """
    from fanfold import Settings, steps

    settings = Settings(
        grid=grid,
        estimator=estimator,
        text__max_tokens=text__max_tokens,
        text__min_times=text__min_times,
        text__max_times=text__max_times,
        text__weighting=text__weighting,
        text__stopwords=text__stopwords,
        share_fits=share_fits,
        ledger=ledger,
        max_tasks=max_tasks,
        metric=metric,
        selection=selection,
        simplest_by=simplest_by,
    )
    return steps.expand_grid(settings, steps.Artifacts(candidates=candidates.path))
