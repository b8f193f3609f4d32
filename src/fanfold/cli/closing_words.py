"""What a finished search is told as: the winner, its scores, what it cost, where the report is."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.number_text import fixed, score_decimals
from fanfold.progress.view import duration
from fanfold.results.cost_text import price_text, spent_text

if TYPE_CHECKING:
    from rich.console import Console

    from fanfold.search.estimate import Estimate

EXPLAINED = "baseline: predicting the training rows' mean; rsq: the squared correlation"


def show_outcome(folder: Path, console: Console, report: str) -> None:
    """Print what the search whose files are in `folder` found; the last line is of the report."""
    from rich.text import Text

    from fanfold.storage.json_files import read_json

    best, metrics = read_json(folder / "best.json"), read_json(folder / "metrics.json")
    board = _leaderboard(folder / "leaderboard.csv")
    wrap = not console.file.isatty()  # lines of a file or pipe are not cut
    console.print()
    of = f" of {len(board) - 1} candidates" if len(board) > 2 else ""
    console.print(Text(f"The winner{of}: {best['candidate']}", style="bold green"))
    for line in _aligned(best["parameters"]):
        console.print(Text(f"  {line}"), soft_wrap=wrap)
    console.print()
    summary = read_json(folder / "summary.json")
    console.print(_scores(board[best["candidate"]], metrics, summary))
    console.print(Text(EXPLAINED, style="dim"), soft_wrap=wrap)
    console.print()
    for sentence in [best["sentence"], *summary.get("notes", []), *_costs(summary, board)]:
        console.print(Text(sentence), soft_wrap=wrap)
    console.print(Text(f"Report: {report}"), soft_wrap=True)


def _leaderboard(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["candidate"]: row for row in csv.DictReader(file)}


def _aligned(parameters: dict[str, Any]) -> Iterator[str]:
    width = max(map(len, parameters), default=0)
    for name, value in parameters.items():
        yield f"{name:<{width}}  {value}"
    if not parameters:
        yield "the estimator's defaults"


def _scores(
    winner: dict[str, str], metrics: dict[str, float | None], summary: dict[str, Any]
) -> Any:
    """Metrics over the folds and on the test rows, each beside the baseline's."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
    table.add_column("")
    table.add_column("cross-validated")
    table.add_column("baseline", justify="right", style="dim")
    table.add_column("test rows", justify="right")
    table.add_column("baseline", justify="right", style="dim")
    beside = [summary.get(name) or {} for name in ("baseline", "baseline_test")]
    for metric, value in metrics.items():
        mean, error = (float(winner[f"{metric}_{what}"] or "nan") for what in ("mean", "std_err"))
        test = math.nan if value is None else value
        places = score_decimals(test if math.isnan(mean) else mean, error)
        folds, spread = fixed(mean, places), fixed(error, places)
        said = f"{folds} ± {spread}" if spread else folds
        over_folds, over_test = (fixed(_number(each.get(metric)), places) for each in beside)
        scores = [said or "undefined", over_folds or "-", fixed(test, places) or "undefined"]
        table.add_row(metric, *scores, over_test or "-")
    return table


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _costs(summary: dict[str, Any], board: dict[str, dict[str, str]]) -> Iterator[str]:
    failed = [row["error"] for row in board.values() if row["error"]]
    if failed:
        yield (
            f"{len(failed)} of {len(board) - 1} candidates could not be fitted"
            f" (leaderboard.csv says why), the first: {failed[0]}"
        )
    if summary["folds_remembered"]:
        folds = summary["folds_remembered"] + summary["folds_computed"]
        yield f"{summary['folds_remembered']:,} of {folds:,} scores of a fold were remembered"
    rows = [f"{summary['rows_read']:,} rows read: {summary['rows_train']:,} to train"]
    rows.append(f"{summary['rows_test']:,} to test")
    for name, said in (("rows_rejected", "bad (rejects.csv)"), ("rows_empty", "without text")):
        if summary[name]:
            rows.append(f"{summary[name]:,} {said}")
    yield ", ".join(rows)
    yield (
        f"{spent_text(summary, duration)},"
        f" {summary['peak_memory_bytes'] / 2**20:,.0f} MiB of memory at most"
    )


def show_estimate(found: Estimate, price: float, console: Console) -> None:
    """Print what a search will cost at this price of a vCPU hour, 0 if it has none."""
    from rich.text import Text

    hours = found.cpu_seconds / 3600
    said = f"{hours:.3g}" if hours < 100 else f"{hours:.0f}"
    compared = f"--set estimated_cpu_hours={said}"
    facts = {
        "search": f"{found.candidates:,} candidates x {found.folds} folds, {found.units:,} fits"
        f" a fold, on {found.rows:,} rows",
        "tasks": f"{found.tasks:,} of cross_validate",
        "processor time": f"{said} h ({duration(found.cpu_seconds)})",
        "wall time": duration(found.seconds),
        "memory": f"cross_validate_memory={found.memory_bytes >> 20}Mi",
    }
    if price:
        facts["price"] = price_text(found.cpu_seconds, price)
        compared += f" --set cpu_hour_price={price:g}"
    facts["to compare"] = f"the report shows this beside the true figure with {compared}"
    for line in _aligned(facts):
        console.print(Text(line), soft_wrap=not console.file.isatty())
