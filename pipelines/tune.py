"""The search as one KFP pipeline; `python -m pipelines.tune` writes its YAML to the terminal.

    preprocess ──┐
                 ├─▶ cross_validate, a task a share of the grid ─▶ select_best ─▶ train_final
    expand_grid ─┘

The environment chooses what has to be known when a pipeline is compiled: `FANFOLD_IMAGE`, and
`FANFOLD_PARALLELISM`, the tasks of cross_validate that run at once.
"""

import os
import sys
import tempfile
from pathlib import Path

from kfp import compiler, dsl, kubernetes
from kfp.dsl.base_component import BaseComponent

from components.cross_validate.component import cross_validate
from components.expand_grid.component import expand_grid
from components.preprocess.component import preprocess
from components.select_best.component import select_best
from components.train_final.component import train_final
from pipelines.parameters import Parameters, short_table, takes_settings

PARALLELISM = int(os.environ.get("FANFOLD_PARALLELISM") or 8)

ABOUT = (
    "Cross-validates every combination of a hyperparameter grid over a table with text, trains"
    " the best one on all training rows, and scores it once on rows that it never saw."
)

USER = 10001
"""Numeric, and not root, so that pods pass where Pod Security is `restricted`."""


def give_credentials(task: dsl.PipelineTask, given: Parameters) -> None:
    """Let `task` open `s3://`, where there is a Secret that does; its values are no parameters."""
    keys = {"accesskey": "AWS_ACCESS_KEY_ID", "secretkey": "AWS_SECRET_ACCESS_KEY"}
    kubernetes.use_secret_as_env(
        task, secret_name=given["s3_secret"], secret_key_to_env=keys, optional=True
    )


def prefer_nodes_that_stay(task: dsl.PipelineTask) -> None:
    """Let `task`, which cannot be taken up halfway, run on nodes that are not spot if it can."""
    for label, value in (
        ("eks.amazonaws.com/capacityType", "ON_DEMAND"),
        ("karpenter.sh/capacity-type", "on-demand"),
    ):
        expression = {"key": label, "operator": "In", "values": [value]}
        kubernetes.add_node_affinity(task, match_expressions=[expression], weight=100)


TITLES = {
    "preprocess": "Read and split the table",
    "expand_grid": "Expand the grid",
    "cross_validate": "Cross-validate",
    "select_best": "Select the best",
    "train_final": "Train and test the winner",
}
"""What people see as the name of each step."""


def place(task: dsl.PipelineTask, given: Parameters) -> None:
    """Give `task` its name for people, its share of a node, retries and an unprivileged user."""
    step = task.name.replace("-", "_")
    task.set_display_name(TITLES[step])
    cpu, memory = given[f"{step}_cpu"], given[f"{step}_memory"]
    task.set_cpu_request(cpu).set_cpu_limit(cpu)
    task.set_memory_request(memory).set_memory_limit(memory)
    # For nodes that vanish, such as spot ones. The last figure bounds all tries together.
    task.set_retry(3, backoff_duration="30s", backoff_factor=2.0, backoff_max_duration="86400s")
    own = f"{step}_" if step == "cross_validate" else ""
    kubernetes.add_toleration_json(task, given[f"{own}tolerations"])
    kubernetes.add_node_selector_json(task, given[f"{own}node_selector"])
    kubernetes.set_security_context(task, run_as_user=USER, run_as_group=0, run_as_non_root=True)


def choose_and_train(
    given: Parameters,
    table: dsl.PipelineTask,
    grid: dsl.PipelineTask,
    scored: dsl.PipelineTask,
) -> tuple[dsl.PipelineTask, dsl.PipelineTask]:
    """The steps after the loop: `select_best` and `train_final`."""
    of_table = {name: table.outputs[name] for name in ("corpus", "summary")}
    candidates = grid.outputs["candidates"]
    chosen = select_best(
        **of_table,
        candidates=candidates,
        scores=dsl.Collected(scored.outputs["scores"]),
        **given.of(select_best),
    )
    final = train_final(
        **of_table,
        candidates=candidates,
        test=table.outputs["test"],
        rejects=table.outputs["rejects"],
        **{name: chosen.outputs[name] for name in ("leaderboard", "all_scores", "best")},
        **given.of(train_final),
    )
    # Its log tells the results, and what comes from the cache has none.
    final.set_caching_options(False)
    return chosen, final


@dsl.pipeline(
    name="fanfold-tune", display_name="fanfold", description=f"{ABOUT}\n\n{short_table()}"
)
@takes_settings
def tune(given: Parameters) -> None:
    """Cross-validates a grid over a table with text, and trains the best candidate."""
    table = preprocess(**given.of(preprocess))
    # A table behind an address may have changed since it was last read.
    table.set_caching_options(False)
    grid = expand_grid(**given.of(expand_grid))

    with dsl.ParallelFor(grid.outputs["Output"], parallelism=PARALLELISM) as share:
        scored = cross_validate(
            corpus=table.outputs["corpus"],
            candidates=grid.outputs["candidates"],
            share=share,
            # Inside a loop KFP hands a pod's limits only what is an input of its task as well.
            cpu=given["cross_validate_cpu"],
            memory=given["cross_validate_memory"],
        )

    chosen, final = choose_and_train(given, table, grid, scored)

    for task in (table, scored):
        give_credentials(task, given)
    prefer_nodes_that_stay(final)
    for task in (table, grid, scored, chosen, final):
        place(task, given)


def as_yaml(component: BaseComponent) -> str:
    """The compiled form of a component or a pipeline."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "compiled.yaml"
        compiler.Compiler().compile(component, str(path))
        return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(as_yaml(tune))
