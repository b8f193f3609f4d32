"""The real command, in a process of its own, and a small table for it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FANFOLD = (sys.executable, "-c", "from fanfold.cli.app import main; main()")
COLUMNS = ("--text-column", "description", "--target", "log1p(kib)")
GRID = '{"max_depth": [2, 3], "n_estimators": [5, 10]}'
SMALL = (*COLUMNS, "--grid", GRID, "--folds", "3")
BAD = {20: "pkg20,four,fields,here", 150: "pkg150,text,no number"}
EMPTY = 200
WORDS = "library tool game font kernel server python data music network".split()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def fanfold(*arguments: str | Path, cwd: Path) -> Ended:
    command = [*FANFOLD, *map(str, arguments)]
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def all_of(terminal: int) -> str:
    """What comes from a pseudo-terminal until its other side is closed."""
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other side is closed
            piece = b""
        if not piece:
            os.close(terminal)
            return b"".join(pieces).decode()
        pieces.append(piece)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def json_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def description(number: int) -> str:
    return " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 3 + number % 7))


def write_packages(path: Path) -> None:
    """300 rows: two bad, one without text."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "description", "kib"])
        for number in range(1, 301):
            text = "" if number == EMPTY else description(number)
            row = [f"pkg{number}", text, len(text) ** 2 + number % 13]
            writer.writerow(BAD[number].split(",") if number in BAD else row)
