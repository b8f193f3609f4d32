"""The same search, done by fanfold and by what one would use instead; each in a process of its own.

    python benchmarks/searches.py 'fanfold tune' --table table.csv --grid '{"max_depth": [6]}'

All read the same table, with the same training rows and folds, and try the same grid. What each
prints last is JSON: the winner and its mean rmse; for the bare fits what they alone took.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

SEED = 2021


def cpus() -> int:
    return len(os.sched_getaffinity(0))


# --- fanfold ---------------------------------------------------------------------------------


def settings_of(table: str, grid: str) -> dict:
    columns = {"split_column": "split", "fold_column": "fold"}
    return {"data": table, "grid": grid, "seed": SEED, **columns}


def fanfold_command(command: str, table: str, grid: str) -> dict:
    """`fanfold tune`, the engine alone, or `fanfold run`, the compiled pipeline on this machine."""
    given = settings_of(table, grid)
    data = [given.pop("data")] if command == "tune" else []
    said = [f"--set={name}={value}" for name, value in given.items()]
    fanfold, output = Path(sys.executable).with_name("fanfold"), Path(f"{table}.{command}")
    subprocess.run(
        [fanfold, command, *data, *said, "--output", output, "--overwrite"],
        check=True,
        stdout=sys.stderr,
    )
    best = json.loads((output / "best.json").read_text())
    return {"winner": best["parameters"], "rmse": best["mean"]}


def one_more(table: str, grid: str) -> dict:
    """A search that is finished and gets one candidate more, its folds being in a ledger.

    Beside it `alone`: the seconds of a search for that candidate and nothing else.
    """
    import fanfold

    more = {name: values[-1:] for name, values in json.loads(grid).items()} | {"max_depth": [9]}
    both = json.dumps([json.loads(grid), more])
    ledger = f"{table}.ledger"
    fanfold.tune(**settings_of(table, grid), ledger=ledger)
    alone, _ = timed(fanfold.tune, **settings_of(table, json.dumps(more)))
    seconds, cpu_seconds = timed(fanfold.tune, **settings_of(table, both), ledger=ledger)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "alone": alone}


def timed(function: Callable, *arguments: object, **named: object) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    started, cpu = time.perf_counter(), time.process_time()
    function(*arguments, **named)
    return time.perf_counter() - started, time.process_time() - cpu


def bare_fits(table: str, grid: str) -> dict:
    """fanfold's fits alone, side by side, and the winner's on all rows; its matrices are there."""
    import numpy as np

    from fanfold.features.corpus import load_corpus
    from fanfold.features.text_features import fit_text
    from fanfold.search.plan import Plan
    from fanfold.settings.search import Settings
    from fanfold.steps import Artifacts, preprocess

    settings = Settings(**settings_of(table, grid))
    plan = Plan.of(settings)
    with tempfile.TemporaryDirectory() as scratch:
        files = Artifacts.in_folder(scratch)
        preprocess(settings, files)
        corpus = load_corpus(files.corpus)
    winner = json.loads(Path(f"{table}.tune", "best.json").read_text())["parameters"]

    def matrix(rows: np.ndarray, parameters: dict) -> object:
        _, cells = fit_text(corpus.text, rows, plan.candidates[0].text)
        return plan.estimator.prepare(cells[rows], corpus.target[rows], parameters, 1)

    jobs = _jobs(plan, [corpus.fold != fold for fold in range(len(corpus.fold_labels))], matrix)
    whole = matrix(np.ones(corpus.rows, dtype=bool), winner)
    seconds, cpu_seconds = timed(_all_fits, plan.estimator.fit, jobs, (whole, winner))
    return {"seconds": seconds, "cpu_seconds": cpu_seconds}


def _jobs(plan: Any, folds: list, matrix: Callable) -> list[tuple[object, dict]]:
    """Data and parameters of each unit on each fold, the dearest unit of a fold first."""
    units = [unit.candidates[-1].model_parameters for unit in plan.units()]
    units.sort(key=plan.estimator.cost, reverse=True)
    jobs: list[tuple[object, dict]] = []
    for rows in folds:
        made: dict[object, object] = {}
        for unit in units:
            key = plan.estimator.data_key(unit)
            if key not in made:
                made[key] = matrix(rows, unit)
            jobs.append((made[key], unit))
    return jobs


def _all_fits(fit: Callable, jobs: list[tuple[object, dict]], final: tuple[object, dict]) -> None:
    with ThreadPoolExecutor(cpus()) as pool:
        for job in [pool.submit(fit, data, unit, SEED, 1) for data, unit in jobs]:
            job.result()
    fit(*final, SEED, cpus())


# --- what one would use instead --------------------------------------------------------------

# count / kept tokens, as near as scikit-learn can say fanfold's recipe: idf only scales a column,
# which changes no tree.
RECIPE = {"use_idf": False, "norm": "l1"}


def rows_of(table: str, split: str = "train") -> object:
    import pandas as pd

    rows = pd.read_csv(table, keep_default_na=False)
    return rows[rows["split"] == split]


def target(rows: object) -> object:
    import numpy as np

    return np.log1p(rows["up_votes"] + rows["down_votes"])


def pipeline(seed: int, weighting: dict = RECIPE, **hyperparameters: object) -> object:
    """Text to trees, as a user of scikit-learn writes it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import Pipeline
    from xgboost import XGBRegressor

    from fanfold.features.text import stopwords

    text = TfidfVectorizer(
        token_pattern=r"\w+(?:['’.:]\w+)*",
        stop_words=sorted(stopwords("snowball")),
        max_features=100,
        **weighting,
    )
    trees = XGBRegressor(tree_method="hist", n_jobs=1, random_state=seed, **hyperparameters)
    return Pipeline([("text", text), ("trees", trees)])


def mean_rmse(rows: object, seed: int, hyperparameters: dict) -> float:
    """Of one combination over the folds."""
    from sklearn.model_selection import PredefinedSplit, cross_val_score

    scores = cross_val_score(
        pipeline(seed, **hyperparameters),
        rows["definition"],
        target(rows),
        scoring="neg_root_mean_squared_error",
        cv=PredefinedSplit(rows["fold"]),
    )
    return -float(scores.mean())


def grid_search_cv(table: str, grid: str, weighting: dict = RECIPE) -> dict:
    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    rows = rows_of(table)
    search = GridSearchCV(
        pipeline(SEED, weighting),
        {f"trees__{name}": values for name, values in json.loads(grid).items()},
        scoring="neg_root_mean_squared_error",
        cv=PredefinedSplit(rows["fold"]),
        n_jobs=cpus(),
    )
    search.fit(rows["definition"], target(rows))
    winner = {name.removeprefix("trees__"): v for name, v in search.best_params_.items()}
    return {"winner": winner, "rmse": -search.best_score_}


def optuna_grid(table: str, grid: str) -> dict:
    """Optuna's GridSampler over the same grid, a trial a combination, side by side in threads."""
    import optuna

    rows, space = rows_of(table), json.loads(grid)

    def objective(trial: optuna.Trial) -> float:
        chosen = {name: trial.suggest_categorical(name, space[name]) for name in space}
        return mean_rmse(rows, SEED, chosen)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.GridSampler(space, seed=SEED))
    study.optimize(objective, n_jobs=cpus())
    pipeline(SEED, **study.best_params).fit(rows["definition"], target(rows))
    return {"winner": study.best_params, "rmse": study.best_value}


def metaflow(table: str, grid: str) -> dict:
    """Metaflow's own runtime on this machine, a foreach task a combination."""
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch, "found.json")
        flow = Path(__file__).with_name("metaflow_search.py").resolve()
        given = {"table": table, "grid": grid, "seed": SEED, "found": found}
        command = [sys.executable, flow, "--quiet", "--no-pylint", "run"]
        command += [f"--{name}={value}" for name, value in given.items()]
        variables = {"METAFLOW_USER": "benchmark", "METAFLOW_DATASTORE_SYSROOT_LOCAL": scratch}
        subprocess.run(
            [*command, f"--max-workers={cpus()}"],
            check=True,
            cwd=scratch,
            stdout=sys.stderr,
            env={**os.environ, **variables, "METAFLOW_HOME": scratch},
        )
        return json.loads(found.read_text())


SEARCHES = {
    "fanfold tune": partial(fanfold_command, "tune"),
    "fanfold run": partial(fanfold_command, "run"),
    "bare fits": bare_fits,  # of the winner that tune, before it, has found
    "one more candidate": one_more,
    "GridSearchCV": grid_search_cv,
    "Optuna GridSampler": optuna_grid,
    "Metaflow": metaflow,
    # What TfidfVectorizer does by itself: many more distinct values a column.
    "GridSearchCV, own tf-idf": partial(grid_search_cv, weighting={}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("search", choices=SEARCHES)
    parser.add_argument("--table", required=True)
    parser.add_argument("--grid", required=True)
    given = parser.parse_args()
    print(json.dumps(SEARCHES[given.search](given.table, given.grid)))


if __name__ == "__main__":
    main()
