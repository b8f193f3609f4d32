"""A pipeline of one's own from fanfold's components: two searches over one corpus.

Boosted trees and ridge regression are searched side by side, each over its own grid, and a
component of this pipeline's own says which won. `python examples/two_estimators.py` writes
two_estimators.yaml beside this file, ready to upload: with `FANFOLD_IMAGE=...`, what `make push`
has named, for your own image.
"""

import os
from pathlib import Path

from kfp import compiler, components, dsl

IMAGE = os.environ.get("FANFOLD_IMAGE") or "your-registry.invalid/fanfold-python:0.1.0"
COMPONENTS = Path(__file__).parents[1] / "components"

TREES = '{"max_depth": [3, 6], "n_estimators": [100, 200]}'
LINES = '{"alpha": [0.1, 1.0, 10.0], "text__max_tokens": [100, 1000]}'


def load(name: str) -> components.YamlComponent:
    """One of fanfold's components, by name; the folder could as well be a URL."""
    return components.load_component_from_file(str(COMPONENTS / name / "component.yaml"))


preprocess, expand_grid, cross_validate, select_best = (
    load(name) for name in ("preprocess", "expand_grid", "cross_validate", "select_best")
)


# In fanfold's image kfp is there already, so nothing is installed when the task starts.
@dsl.component(base_image=IMAGE, install_kfp_package=False)
def compare(first: dsl.Input[dsl.Artifact], second: dsl.Input[dsl.Artifact]) -> str:
    """Says which of two searches found the better candidate."""
    import json
    from pathlib import Path

    found = [json.loads(Path(each.path).read_text()) for each in (first, second)]
    best = min(found, key=lambda each: each["mean"])
    return f"{best['metric']} {best['mean']:.4f} with {best['parameters']}"


def search(corpus: dsl.PipelineTask, estimator: str, grid: str) -> dsl.PipelineTask:
    """The tasks of one search over `corpus`; returns the last."""
    grid_task = expand_grid(estimator=estimator, grid=grid).set_container_image(IMAGE)
    candidates = grid_task.outputs["candidates"]
    with dsl.ParallelFor(grid_task.outputs["Output"], parallelism=4) as share:
        scored = cross_validate(corpus=corpus.outputs["corpus"], candidates=candidates, share=share)
        scored.set_container_image(IMAGE)
    chosen = select_best(
        corpus=corpus.outputs["corpus"],
        candidates=candidates,
        summary=corpus.outputs["summary"],
        scores=dsl.Collected(scored.outputs["scores"]),
    )
    return chosen.set_container_image(IMAGE)


@dsl.pipeline(name="two-estimators")
def two_estimators(data: str = "sample:20000", trees: str = TREES, lines: str = LINES) -> str:
    """Compares boosted trees with ridge regression on the same folds.

    Args:
        data: Table to learn from.
        trees: Grid of the boosted trees, JSON.
        lines: Grid of the ridge regression, JSON.
    """
    corpus = preprocess(data=data).set_caching_options(False).set_container_image(IMAGE)
    boosted = search(corpus, "xgboost", trees)
    ridge = search(corpus, "sklearn.linear_model.Ridge", lines)
    compared = compare(first=boosted.outputs["best"], second=ridge.outputs["best"])
    return compared.output


if __name__ == "__main__":
    compiler.Compiler().compile(two_estimators, str(Path(__file__).with_suffix(".yaml")))
