"""Times `fanfold tune` beside scikit-learn's GridSearchCV and beside the bare xgboost fits.

    python benchmarks/peers.py [--rows 20000] [--repeats 1]

All read the same table, with the same training rows and folds, try the same grid on the same
processors, and run in one go, in turns, each in a process of its own. Seconds are of whole
processes, imports and reading included, except for the bare fits, whose matrices are made
beforehand: they are what no search over this grid can be faster than without other fits.
On a machine that does other work besides, trust the processor time.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

SEED = 2021
FOLDS = 5


def write_table(path: Path, rows: int) -> None:
    """Generated rows as CSV, those that fanfold would not fit left out, with split and folds."""
    import numpy as np
    import polars as pl

    from fanfold.split import split_rows
    from fanfold.table import read_table

    columns = ["definition", "up_votes", "down_votes"]
    read = pl.concat([pl.from_arrow(batch.rows) for batch in read_table(f"sample:{rows}")])
    votes = [pl.col(name).cast(pl.Float64, strict=False) for name in columns[1:]]
    table = read.select(columns).with_columns(votes).drop_nulls().filter(pl.col("definition") != "")
    split = split_rows(np.zeros(len(table), dtype=bool), test_fraction=0.2, folds=FOLDS, seed=SEED)
    sides = pl.Series("split", np.where(split.test, "test", "train"))
    table.with_columns(sides, pl.Series("fold", split.fold)).write_csv(path)


def fanfold_tune(table: str) -> dict:
    import fanfold

    found = fanfold.tune(
        table, split_column="split", fold_column="fold", seed=SEED, output=f"{table}.found",
        overwrite=True,
    )  # fmt: skip
    return {"winner": found.best["parameters"], "rmse": found.best["mean"]}


def grid_search_cv(table: str, **weighting: object) -> dict:
    """The same search as a scikit-learn user would write it."""
    import numpy as np
    import pandas as pd
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import GridSearchCV, PredefinedSplit
    from sklearn.pipeline import Pipeline
    from xgboost import XGBRegressor

    from fanfold.settings import SEED_GRID
    from fanfold.text import stopwords

    rows = pd.read_csv(table, keep_default_na=False)
    rows = rows[rows["split"] == "train"]
    text = TfidfVectorizer(
        token_pattern=r"\w+(?:['’.:]\w+)*",
        stop_words=sorted(stopwords("snowball")),
        max_features=100,
        **weighting,
    )
    trees = XGBRegressor(tree_method="hist", n_jobs=1, random_state=SEED)
    search = GridSearchCV(
        Pipeline([("text", text), ("trees", trees)]),
        {f"trees__{name}": values for name, values in json.loads(SEED_GRID).items()},
        scoring="neg_root_mean_squared_error",
        cv=PredefinedSplit(rows["fold"]),
        n_jobs=len(os.sched_getaffinity(0)),
    )
    search.fit(rows["definition"], np.log1p(rows["up_votes"] + rows["down_votes"]))
    winner = {name.removeprefix("trees__"): v for name, v in search.best_params_.items()}
    return {"winner": winner, "rmse": -search.best_score_}


def fit(data: object, parameters: dict, threads: int) -> None:
    """One bare fit of `parameters`."""
    import xgboost

    own = {name: value for name, value in parameters.items() if name != "n_estimators"}
    fixed = {"tree_method": "hist", "seed": SEED, "nthread": threads}
    xgboost.train({**own, **fixed}, data, num_boost_round=parameters["n_estimators"])


def bare_fits(table: str) -> dict:
    """`xgboost.train` for each unit and fold, side by side, and once for the winner; no more."""
    import numpy as np
    import xgboost

    from fanfold.candidates import search_of
    from fanfold.corpus import load_corpus
    from fanfold.features import fit_text
    from fanfold.settings import Settings
    from fanfold.steps import preprocess

    settings = Settings(data=table, split_column="split", fold_column="fold", seed=SEED)
    with tempfile.TemporaryDirectory() as scratch:
        paths = {name: f"{scratch}/{name}" for name in ("corpus", "test", "rejects", "summary")}
        preprocess(settings, **paths)
        corpus = load_corpus(paths["corpus"])
    units = [unit.candidates[-1].model_parameters for unit in search_of(settings).units()]
    units.sort(key=lambda each: -each["max_depth"])

    def matrix(rows: np.ndarray) -> xgboost.QuantileDMatrix:
        _, cells = fit_text(corpus.text, rows, search_of(settings).candidates[0].text)
        return xgboost.QuantileDMatrix(
            cells[rows].astype(np.float32), label=corpus.target[rows], nthread=1
        )

    folds = [matrix(corpus.fold != fold) for fold in range(FOLDS)]
    whole = matrix(np.ones(corpus.rows, dtype=bool))
    cpus = len(os.sched_getaffinity(0))
    started, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(cpus) as pool:
        jobs = [pool.submit(fit, data, unit, 1) for data in folds for unit in units]
        for job in jobs:
            job.result()
    fit(whole, {**min(units, key=lambda each: each["max_depth"]), "n_estimators": 300}, cpus)
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
    }


PEERS = {
    "bare fits": bare_fits,
    "fanfold tune": fanfold_tune,
    # count / kept tokens, as near as scikit-learn can say the recipe: idf only scales a column,
    # which changes no tree.
    "GridSearchCV, l1": partial(grid_search_cv, use_idf=False, norm="l1"),
    # What TfidfVectorizer does by itself: many more distinct values a column.
    "GridSearchCV, l2": grid_search_cv,
}


def run_alone(peer: str, table: Path, cpus: set[int]) -> dict:
    """One peer in a process of its own, on `cpus`; its findings, and the time that it took."""
    command = [sys.executable, __file__, "--peer", peer, "--table", str(table)]
    started, before = time.perf_counter(), children_cpu_seconds()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        os.sched_setaffinity(process.pid, cpus)
        printed = process.stdout.read()
    if process.returncode:
        sys.exit(f"{peer} failed")
    took = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": children_cpu_seconds() - before,
    }
    return {**took, **json.loads(printed.splitlines()[-1])}


def children_cpu_seconds() -> float:
    """Processor time of all processes started here that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(found: dict[str, list[dict]], rows: int, cpus: set[int]) -> None:
    """Print the table: seconds, ratios, and what each peer found best."""
    from fanfold.versions import versions

    middle = {peer: statistics.median(each["seconds"] for each in found[peer]) for peer in found}
    print(f"\n{rows:,} generated rows, the default grid, {FOLDS} folds")
    print(f"{len(cpus)} processors of {processor()}")
    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    head = f"{'seconds':>10}{'range':>16}{'cpu':>8}{'/ bare fits':>13}{'/ fanfold':>11}"
    print(f"\n{'':16}{head}   best mean rmse")
    for peer, seconds in middle.items():
        times = [each["seconds"] for each in found[peer]]
        spread = f"{min(times):.1f} to {max(times):.1f}"
        cpu = min(each["cpu_seconds"] for each in found[peer])
        ratios = [seconds / middle[other] for other in ("bare fits", "fanfold tune")]
        best = found[peer][0]
        won = f"{best['rmse']:.4f} {best['winner']}" if "winner" in best else ""
        line = f"{seconds:10.1f}{spread:>16}{cpu:8.1f}{ratios[0]:13.2f}{ratios[1]:11.2f}"
        print(f"{peer:16}{line}   {won}")


def processor() -> str:
    """The processor's name, where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    """Run the peers in turns, or, in a process of its own, one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--table", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        print(json.dumps(PEERS[given.peer](given.table)))
        return
    cpus = set(sorted(os.sched_getaffinity(0))[:2])
    found: dict[str, list[dict]] = {peer: [] for peer in PEERS}
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "table.csv"
        write_table(table, given.rows)
        for turn in range(1, given.repeats + 1):
            for peer in PEERS:
                found[peer].append(run_alone(peer, table, cpus))
                seconds = found[peer][-1]["seconds"]
                print(f"{turn}/{given.repeats} {peer}: {seconds:.1f} s", flush=True)
    show(found, given.rows, cpus)


if __name__ == "__main__":
    main()
