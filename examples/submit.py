"""A search on a cluster from a script of one's own: KFP's SDK starts it, fanfold reads the results.

make push REGISTRY=registry.example/team    # your image, and build/tune.yaml, which names it
KF_PIPELINES_ENDPOINT=http://localhost:8080 python examples/submit.py build/tune.yaml
"""

import sys

import kfp

from fanfold.client import connect, get_run, result_of

PIPELINE = sys.argv[1]
GRID = '{"max_depth": [4, 8], "n_estimators": [100, 300]}'

run = kfp.Client().create_run_from_pipeline_package(
    PIPELINE,
    arguments={"data": "sample:5000", "folds": 3, "grid": GRID, "train_final_memory": "4Gi"},
    experiment_name="words",
)
print(run.wait_for_run_completion(timeout=3600).state)

backend = connect()
result = result_of(backend, get_run(backend, run.run_id))
print(result.best["parameters"], result.metrics)
result.download("found")
