"""What was measured, as the page RESULTS.md."""

import platform
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One search: what it took, and what it found best, where it looks for that.

    `alone` is for the search that adds one candidate: the seconds of that candidate by itself.
    """

    seconds: float
    cpu_seconds: float
    winner: dict | None = None
    rmse: float | None = None
    alone: float | None = None


@dataclass(frozen=True)
class Table:
    """The searches over one table of rows, with one grid."""

    rows: int
    candidates: int
    folds: int
    found: dict[str, Run]

    def size(self, growing: str) -> int:
        return int(getattr(self, growing))


FANFOLD, BARE, ONE_MORE = "fanfold tune", "bare fits", "one more candidate"


def write(path: Path, whole: Table, growth: dict[str, list[Table]], cpus: int) -> str:
    """Write the page, and return it."""
    size = f"{whole.rows:,} generated rows, {whole.candidates} candidates, {whole.folds} folds"
    libraries = ", ".join(f"{name} {version}" for name, version in versions().items())
    page = f"""\
# Results

Written by `make bench`; [README.md](README.md) says what is measured and what to make of it.

{size}; {cpus} processors of {processor()};
{libraries}.

{_table(whole)}

{_one_more(whole.found[ONE_MORE])}
"""
    if growth:
        page += "\n![Seconds of each search as rows, candidates and folds grow](growth.svg)\n"
    for growing, tables in growth.items():
        page += f"\n{_growth(growing, tables)}\n"
    path.write_text(page, encoding="utf-8")
    return page


def _table(whole: Table) -> str:
    lines = [
        "| | seconds | cpu-seconds | to the bare fits | to fanfold | winner | mean rmse |",
        "| --- | --: | --: | --: | --: | --- | --: |",
    ]
    for search, run in whole.found.items():
        if search == ONE_MORE:
            continue
        to = [run.seconds / whole.found[other].seconds for other in (BARE, FANFOLD)]
        winner = ", ".join(f"{name} {run.winner[name]}" for name in sorted(run.winner or {}))
        rmse = "" if run.rmse is None else f"{run.rmse:.4f}"
        lines.append(
            f"| {search} | {run.seconds:.1f} | {run.cpu_seconds:.1f}"
            f" | {to[0]:.2f} | {to[1]:.2f} | {winner} | {rmse} |"
        )
    return "\n".join(lines)


def _one_more(run: Run) -> str:
    ratio = run.seconds / run.alone
    return (
        "One more candidate on the finished search, whose folds are in a ledger:"
        f" {run.seconds:.1f} s, {ratio:.2f} times a search for that candidate alone."
    )


def _growth(growing: str, tables: list[Table]) -> str:
    """Seconds of each search at each size; all else as in the caption."""
    others = [name for name in ("rows", "candidates", "folds") if name != growing]
    caption = ", ".join(f"{tables[0].size(name):,} {name}" for name in others)
    searches = growing_searches(tables)
    lines = [
        f"Seconds by {growing}, with {caption}:",
        "",
        f"| {growing} | " + " | ".join(searches) + " |",
        "| --: " * (len(searches) + 1) + "|",
    ]
    for table in tables:
        runs = [table.found.get(search) for search in searches]
        seconds = " | ".join(f"{run.seconds:.1f}" if run else "" for run in runs)
        lines.append(f"| {table.size(growing):,} | {seconds} |")
    return "\n".join(lines)


def growing_searches(tables: list[Table]) -> list[str]:
    """Those that were timed at more than one of the sizes."""
    times = Counter(search for table in tables for search in table.found)
    return [search for search, sizes in times.items() if sizes > 1]


def versions() -> dict[str, str]:
    """fanfold's libraries and the peers."""
    from importlib.metadata import version

    from fanfold.versions import versions as own

    return {**own(), **{name: version(name) for name in ("optuna", "metaflow")}}


def processor() -> str:
    """The processor's name, where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
