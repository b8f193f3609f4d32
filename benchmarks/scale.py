"""The seed's size on one machine: where the time and the memory of `fanfold tune` go.

    python benchmarks/scale.py [--rows 2500000] [--set text__max_tokens=1000 ...]

Runs the whole search on generated rows, in one process, and prints a line a stage, with its parts
below it. A stage's memory is the largest resident size within it, where the system can tell
(Linux). Parts of cross_validate run side by side: their seconds are the sum over threads. The
table is also read once and no more, to tell what of preprocess is reading.
"""

import argparse
import functools
import platform
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fanfold
import fanfold.report
from fanfold.cli.parameters import with_assignments
from fanfold.estimators import xgboost_library
from fanfold.estimators.base import get_estimator
from fanfold.resources import cpu_seconds, forget_peak_memory, peak_memory, usable_cpus
from fanfold.search.fold_data import SharedFoldData
from fanfold.settings.search import from_mapping
from fanfold.tables.sample import write_sample
from fanfold.tables.table import read_table

FITS, PREDICTIONS = "fits", "predictions"


@dataclass
class Spent:
    """Wall and processor seconds, and for a stage its peak memory in bytes."""

    seconds: float = 0.0
    cpu: float = 0.0
    peak: int = 0


class Stages:
    """What each stage of a search, one after another, and each part of it takes."""

    def __init__(self) -> None:
        self.stages: dict[str, Spent] = {}
        self.parts: dict[str, dict[str, Spent]] = defaultdict(lambda: defaultdict(Spent))
        self._adding = threading.Lock()
        self._name = ""
        self._begin()

    def _begin(self) -> None:
        forget_peak_memory()
        self._clock, self._cpu = time.perf_counter(), cpu_seconds()

    def to(self, name: str) -> None:
        """The stage before is over, and the next begins."""
        if self._name:
            seconds, cpu = time.perf_counter() - self._clock, cpu_seconds() - self._cpu
            self.stages[self._name] = Spent(seconds, cpu, peak_memory())
        self._name = name
        self._begin()

    def watch(self, part: str, owner: Any, function: str) -> None:
        """Add up what `function` of `owner` takes, as a part of whichever stage calls it."""
        original = getattr(owner, function)

        @functools.wraps(original)
        def watched(*arguments: Any, **named: Any) -> Any:
            # The fits of cross_validate have a thread each; all else has the process to itself.
            alone = threading.current_thread() is threading.main_thread()
            cpu_clock = cpu_seconds if alone else time.thread_time
            clock, cpu = time.perf_counter(), cpu_clock()
            try:
                return original(*arguments, **named)
            finally:
                with self._adding:
                    spent = self.parts[self._name][part]
                    spent.seconds += time.perf_counter() - clock
                    spent.cpu += cpu_clock() - cpu

        setattr(owner, function, watched)

    def total(self) -> Spent:
        """Of all stages, the largest memory of any."""
        each = self.stages.values()
        return Spent(
            sum(s.seconds for s in each), sum(s.cpu for s in each), max(s.peak for s in each)
        )


def read(uri: str) -> Spent:
    """Read the table and do nothing with it."""
    alone = Stages()
    alone.to("read")
    for _ in read_table(uri):
        pass
    alone.to("")
    return alone.total()


def search(uri: str, given: dict, output: Path) -> tuple[Stages, dict]:
    """`fanfold.tune`, watched; and its summary."""
    stages = Stages()
    estimator = get_estimator(from_mapping(given).estimator)
    stages.watch("matrices of the folds", SharedFoldData, "_make")
    stages.watch(FITS, type(estimator), "fit")
    stages.watch(PREDICTIONS, type(estimator), "predict_rounds")
    stages.watch("report", fanfold.report, "render")

    def told(event: dict) -> None:
        if event["event"] == "stage":
            stages.to(event["stage"])

    result = fanfold.tune(uri, output=output, on_event=told, **given)
    stages.to("")
    return stages, result.summary


def show(reading: Spent, stages: Stages, summary: dict) -> None:
    """Print the table, and what the issue is: how much of the search is fits."""
    import xgboost

    def line(name: str, spent: Spent) -> str:
        memory = f"{spent.peak / 2**20:8.0f}" if spent.peak else ""
        return f"{name:<26}{spent.seconds:>10.1f}{spent.cpu:>10.1f}{memory}"

    print(f"{'':<26}{'seconds':>10}{'cpu':>10}{'MiB':>8}")
    print(line("reading alone", reading))
    for name, spent in stages.stages.items():
        print(line(name, spent))
        for part, of_part in stages.parts[name].items():
            print(line(f"    {part}", of_part))
    whole, cpus = stages.total(), usable_cpus()
    print(line("the search", whole))
    of_folds, final = stages.parts["cross_validate"], stages.parts["train_final"]
    fits = [of_folds[FITS], final[FITS]]
    bare = of_folds[FITS].seconds / cpus + final[FITS].seconds
    scored = bare + of_folds[PREDICTIONS].seconds / cpus + final[PREDICTIONS].seconds
    tokens = summary["tokens"] / stages.stages["preprocess"].seconds
    rows = summary["rows_read"]
    print()
    print(f"fits: {100 * sum(each.cpu for each in fits) / whole.cpu:.1f} % of all processor time")
    print(f"the search takes {whole.seconds / bare:.2f}x the time of its fits on {cpus} processors")
    print(f"and {whole.seconds / scored:.2f}x that of fits and the predictions that score them")
    print(f"preprocess: {tokens / 1e6:.1f} million tokens a second")
    peak = f"{whole.peak / 2**20:,.0f} MiB at most, {whole.peak / rows:,.0f} bytes a row"
    print(f"{rows:,} rows: {peak}")
    print(f"{cpus} processors, {platform.machine()}, xgboost {xgboost.__version__}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_500_000)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    xgboost_library.only_fanfold = True  # as the command `fanfold tune` says
    with tempfile.TemporaryDirectory() as scratch:
        # A file, as a user has one: generating rows would be counted as reading them.
        table = Path(scratch, "words.csv")
        write_sample(table, arguments.rows)
        given = with_assignments({}, arguments.set)
        show(read(str(table)), *search(str(table), given, Path(scratch, "found")))


if __name__ == "__main__":
    main()
