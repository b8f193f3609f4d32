"""What a search found, as one line of the last task's log.

KFP has no way to ask a run for its results, but gives out its logs: so the last task prints
them, marked, and whoever may look at the run may read them, without a key to the bucket.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fanfold.errors import DamagedError
from fanfold.storage.json_files import read_json

MARK = "fanfold-result "

TOLD = ("best.json", "metrics.json", "summary.json")
"""The files that the line holds, beside `leaderboard.csv`."""


def tell_result(results: str, model: str, addresses: dict[str, str]) -> None:
    """Print the line of the search whose files are in the folders `results` and `model`.

    `addresses` are the URIs of `results` and `model` for those who are not this task.
    """
    folders = {"results": Path(results), "model": Path(model)}
    names = {
        name: sorted(
            each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()
        )
        for name, folder in folders.items()
    }
    told: dict[str, Any] = {name: read_json(folders["results"] / name) for name in TOLD}
    told["leaderboard.csv"] = (folders["results"] / "leaderboard.csv").read_text(encoding="utf-8")
    line = json.dumps({"addresses": addresses, "names": names, "files": told})
    sys.stdout.write(f"{MARK}{line}\n")
    sys.stdout.flush()


def read_result(log: str) -> dict[str, Any] | None:
    """What the last such line of `log` says; None where there is none."""
    lines = [line for each in log.splitlines() if (line := each.lstrip()).startswith(MARK)]
    if not lines:
        return None
    try:
        return dict(json.loads(lines[-1].removeprefix(MARK)))
    except ValueError:
        raise DamagedError("the line with the results was cut short in the log") from None


def write_told(told: dict[str, Any], folder: Path) -> None:
    """Write the files that the line holds to `folder`, as the search wrote them."""
    for name in TOLD:
        text = json.dumps(told["files"][name], indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
    board = told["files"]["leaderboard.csv"]
    (folder / "leaderboard.csv").write_text(board, encoding="utf-8", newline="")
