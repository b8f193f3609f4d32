"""Times fanfold beside what one would use instead, and writes benchmarks/RESULTS.md.

    python benchmarks/peers.py [--rows 20000] [--no-growth]

Every search reads the same table, with the same training rows and folds, tries the same grid on
the same two processors, and runs in a process of its own, one after another in one go. Seconds
are of whole processes, imports, reading and the final fit included, except for the bare fits,
whose matrices are made beforehand: no search can be faster without other fits. On a machine that
does other work besides, trust the processor time.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from growth import draw
from results import Run, Table, write
from searches import SEARCHES, SEED

FOLDS = 5
GRIDS = {
    4: {"max_depth": [6, 12], "n_estimators": [300, 500]},
    8: {"colsample_bynode": [0.5, 1.0]},
    16: {"subsample": [0.8, 1.0]},
    32: {"learning_rate": [0.1, 0.3]},
}
"""What each number of candidates adds to the grid of the one before; 16 are the default grid."""

OURS = ("fanfold tune", "fanfold run", "bare fits")
GROWING = (*OURS, "GridSearchCV")
SMALL = 5_000
"""Rows of the tables on which candidates and folds grow."""

LARGE = 80_000
"""Rows with which only fanfold and the bare fits are timed: others take a quarter of an hour."""


def grid_of(candidates: int) -> str:
    grid: dict[str, list] = {}
    for number, more in GRIDS.items():
        if number <= candidates:
            grid |= more
    return json.dumps(grid)


def write_table(path: Path, rows: int, folds: int) -> None:
    """Generated rows as CSV, those that fanfold would not fit left out, with split and folds."""
    import numpy as np
    import polars as pl

    from fanfold.tables.split import split_rows
    from fanfold.tables.table import read_table

    columns = ["definition", "up_votes", "down_votes"]
    read = pl.concat([pl.from_arrow(batch.rows) for batch in read_table(f"sample:{rows}")])
    votes = [pl.col(name).cast(pl.Float64, strict=False) for name in columns[1:]]
    table = read.select(columns).with_columns(votes).drop_nulls().filter(pl.col("definition") != "")
    none = np.zeros(len(table), dtype=bool)
    split = split_rows(none, test_fraction=0.2, folds=folds, seed=SEED)
    sides = pl.Series("split", np.where(split.test, "test", "train"))
    table.with_columns(sides, pl.Series("fold", split.fold)).write_csv(path)


def run_alone(search: str, table: Path, grid: str, cpus: set[int]) -> Run:
    """One search in a process of its own, on `cpus`: what it found, and the time that it took."""
    script = Path(__file__).with_name("searches.py")
    command = [sys.executable, script, search, f"--table={table}", f"--grid={grid}"]
    started, before = time.perf_counter(), children_cpu_seconds()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.sched_setaffinity(process.pid, cpus)
        printed, errors = process.communicate()
    if process.returncode:
        sys.exit(f"{search} failed:\n{errors.decode()}")
    took = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": children_cpu_seconds() - before,
    }
    return Run(**{**took, **json.loads(printed.splitlines()[-1])})


def children_cpu_seconds() -> float:
    """Processor time of all processes started here that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(
    searches: tuple[str, ...], rows: int, cpus: set[int], candidates: int = 16, folds: int = FOLDS
) -> Table:
    """All `searches` on one table, in turn."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch, "table.csv")
        write_table(table, rows, folds)
        for search in searches:
            found[search] = run_alone(search, table, grid_of(candidates), cpus)
            size = f"{rows:,} rows, {candidates} candidates, {folds} folds"
            print(f"{size}: {search} {found[search].seconds:.1f} s", flush=True)
    return Table(rows, candidates, folds, found)


def grow(whole: Table, cpus: set[int]) -> dict[str, list[Table]]:
    """The searches that grow, over rows, candidates and folds; `whole` is one of the points."""
    sizes = [rows for rows in (10_000, 20_000, 40_000, LARGE) if rows != whole.rows]
    by_rows = [whole, *(measure(GROWING if n < LARGE else OURS, n, cpus) for n in sizes)]
    small = measure(GROWING, SMALL, cpus)
    by_candidates = [small, *(measure(GROWING, SMALL, cpus, n) for n in GRIDS if n != 16)]
    by_folds = [small, *(measure(GROWING, SMALL, cpus, folds=folds) for folds in (3, 10))]
    return {
        "rows": sorted(by_rows, key=lambda each: each.rows),
        "candidates": sorted(by_candidates, key=lambda each: each.candidates),
        "folds": sorted(by_folds, key=lambda each: each.folds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--no-growth", action="store_true", help="one table, no other sizes")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    given = parser.parse_args()
    cpus = set(sorted(os.sched_getaffinity(0))[:2])
    whole = measure(tuple(SEARCHES), given.rows, cpus)
    growth = {} if given.no_growth else grow(whole, cpus)
    given.output.mkdir(parents=True, exist_ok=True)
    if growth:
        draw(growth, given.output / "growth.svg")
    print(write(given.output / "RESULTS.md", whole, growth, len(cpus)))


if __name__ == "__main__":
    main()
