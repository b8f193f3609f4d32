"""Fifty plain rows, and preprocessing in one call: shared by the tests of it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from fanfold.features.preprocess import build_corpus
from fanfold.settings.search import Settings

ROWS = [
    {"id": number, "text": f"word{number % 9} and {number}", "y": number} for number in range(50)
]


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(data: Path, output: Path | None = None, **how: Any) -> dict[str, Any]:
    """Preprocess `data` to `corpus`, `test.parquet` and `rejects.csv` beside it."""
    output = output or data.parent
    chosen = Settings(data=str(data), **{"text_column": "text", "target": "y", **how})
    return build_corpus(
        chosen,
        corpus=output / "corpus",
        test=output / "test.parquet",
        rejects=output / "rejects.csv",
    )


def rejects(folder: Path) -> list[list[str]]:
    with (folder / "rejects.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["line", "reason", "text"]
    return rows


def whole(summary: dict[str, Any]) -> int:
    return sum(summary[f"rows_{part}"] for part in ("train", "empty", "test", "rejected"))
