"""The component that fits and scores a share of the candidates."""

from kfp import dsl

from components.base import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def cross_validate(
    corpus: dsl.Input[dsl.Dataset],
    candidates: dsl.Input[dsl.Artifact],
    share: dict,
    scores: dsl.Output[dsl.Dataset],
    cpu: str = "",
    memory: str = "",
):
    """Scores a share of the candidates on every fold.

    A candidate that cannot be fitted is a row that says why, and not a failed task.

    Args:
        corpus: What preprocess wrote.
        candidates: What expand_grid wrote.
        share: One of the items that expand_grid returned.
        cpu: CPUs that the task was given; with others its result is not taken from the cache.
        memory: Memory that the task was given; see cpu.

    Returns:
        scores: A row for each candidate, fold and metric, CSV.
    """
    from fanfold import steps

    files = steps.Artifacts(corpus=corpus.path, candidates=candidates.path, scores=(scores.path,))
    steps.cross_validate(files, share)
    scores.metadata["label"] = share["label"]
