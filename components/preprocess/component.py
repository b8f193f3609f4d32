"""The component that reads the table."""

from kfp import dsl

from components.base import IMAGE, described


@dsl.component(base_image=IMAGE, install_kfp_package=False)
@described
def preprocess(
    corpus: dsl.Output[dsl.Dataset],
    test: dsl.Output[dsl.Dataset],
    rejects: dsl.Output[dsl.Dataset],
    summary: dsl.Output[dsl.Artifact],
    data: str = "sample:20000",
    s3_endpoint: str = "",
    text_column: str = "definition",
    target: str = "log1p(up_votes + down_votes)",
    test_fraction: float = 0.2,
    folds: int = 5,
    seed: int = 2021,
    split_column: str = "",
    fold_column: str = "",
    group_column: str = "",
    max_bad_rows: float = 0.01,
    vocabulary_size: int = 50000,
):
    """Reads the table, sets bad rows aside, splits the others, and counts the training text.

    Returns:
        corpus: Folder with the token counts, target and fold of each training row.
        test: Held-out rows as they were read, Parquet.
        rejects: Bad rows with line, reason and text, CSV.
        summary: How many rows went where, and the versions of what read them, JSON.
    """
    from fanfold import Settings, steps

    settings = Settings(
        data=data,
        s3_endpoint=s3_endpoint,
        text_column=text_column,
        target=target,
        test_fraction=test_fraction,
        folds=folds,
        seed=seed,
        split_column=split_column,
        fold_column=fold_column,
        group_column=group_column,
        max_bad_rows=max_bad_rows,
        vocabulary_size=vocabulary_size,
    )
    paths = {"corpus": corpus, "test": test, "rejects": rejects, "summary": summary}
    files = steps.Artifacts(**{name: each.path for name, each in paths.items()})
    corpus.metadata.update(steps.preprocess(settings, files))
