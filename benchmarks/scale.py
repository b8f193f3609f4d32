"""The seed's size on one machine: where the time and the memory of `fanfold tune` go.

    python benchmarks/scale.py [--rows 2500000] [--set text__max_tokens=1000 ...]

Runs the whole search on generated rows, in one process, and prints a line a stage. A stage's
memory is the largest resident size within it, where the system can tell (Linux). What the fits
take is what `scores.csv` says: of a fit alone, without its matrices.
"""

import argparse
import csv
import platform
import tempfile
import time
from pathlib import Path

import fanfold
from fanfold.cli_options import with_assignments
from fanfold.resources import cpu_seconds, forget_peak_memory, peak_memory, usable_cpus
from fanfold.sample import write_sample
from fanfold.table import read_table


class Stages:
    """Wall time, processor time and peak memory of each stage, by name."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[float, float, int]] = {}
        self._name = ""
        self._begin()

    def _begin(self) -> None:
        forget_peak_memory()
        self._clock, self._cpu = time.perf_counter(), cpu_seconds()

    def to(self, name: str) -> None:
        """The stage before is over, and the next begins."""
        spent = time.perf_counter() - self._clock, cpu_seconds() - self._cpu, peak_memory()
        if self._name:
            self.found[self._name] = spent
        self._name = name
        self._begin()


def read(uri: str, stages: Stages) -> int:
    """Read the table and do nothing with it: what of preprocess is reading."""
    stages.to("read alone")
    rows = sum(batch.rows.num_rows + len(batch.rejects) for batch in read_table(uri))
    stages.to("")
    return rows


def search(uri: str, settings: dict, output: Path, stages: Stages) -> dict:
    def told(event: dict) -> None:
        if event["event"] == "stage":
            stages.to(event["stage"])

    result = fanfold.tune(uri, output=output, on_event=told, **settings)
    stages.to("")
    return result.summary


def fit_costs(output: Path) -> tuple[float, float]:
    """Wall and processor seconds of all fits."""
    with (output / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "rmse"]
    wall, cpu = (sum(float(row[name]) for row in rows) for name in ("fit_seconds", "cpu_seconds"))
    return wall, cpu


def show(stages: Stages, summary: dict, fits: tuple[float, float]) -> None:
    import xgboost

    cpus = usable_cpus()
    whole = sum(seconds for name, (seconds, _, _) in stages.found.items() if name != "read alone")
    cpu = sum(cpu for name, (_, cpu, _) in stages.found.items() if name != "read alone")
    print(f"{'stage':<16}{'seconds':>10}{'cpu':>10}{'MiB':>8}")
    for name, (seconds, spent, peak) in stages.found.items():
        print(f"{name:<16}{seconds:>10.1f}{spent:>10.1f}{peak / 2**20:>8.0f}")
    print(f"{'the search':<16}{whole:>10.1f}{cpu:>10.1f}")
    print()
    print(f"fits alone: {fits[1]:.1f} s of cpu, {100 * fits[1] / cpu:.1f} % of all")
    print(f"wall time to that of the fits on {cpus} processors: {whole / (fits[0] / cpus):.2f}x")
    tokens = summary["tokens"] / stages.found["preprocess"][0]
    print(f"preprocess: {tokens / 1e6:.1f} million tokens a second")
    largest = max(peak for _, _, peak in stages.found.values())
    rows = summary["rows_read"]
    print(f"{rows:,} rows; at most {largest / 2**20:,.0f} MiB, {largest / rows:,.0f} bytes a row")
    print(f"{cpus} processors, {platform.machine()}, xgboost {xgboost.__version__}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_500_000)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    stages = Stages()
    with tempfile.TemporaryDirectory() as scratch:
        # A file, as a user has one: generating rows would be counted as reading them.
        table = Path(scratch, "words.csv")
        write_sample(table, arguments.rows)
        read(str(table), stages)
        settings = with_assignments({}, arguments.set)
        summary = search(str(table), settings, Path(scratch, "found"), stages)
        show(stages, summary, fit_costs(Path(scratch, "found")))


if __name__ == "__main__":
    main()
