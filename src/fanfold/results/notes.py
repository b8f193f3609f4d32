"""What a reader should know before the numbers of a search are believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FEW_TEST_ROWS = 30
"""With fewer, a score on the test rows is mostly chance."""


def notes_of(board: pd.DataFrame, summary: Mapping[str, Any]) -> list[str]:
    """The notes of the table, and those of the search: one line each.

    Args:
        board: the leaderboard.
        summary: of the search; its `notes` are those of the table.
    """
    notes = list(summary.get("notes", []))
    same = int((board["same_as"] != "").sum())
    if same:
        notes.append(
            f"{same} of {len(board) - 1} candidates turned out the same as another: their text"
            " settings choose the same tokens (same_as in leaderboard.csv)"
        )
    if summary["rows_test"] < FEW_TEST_ROWS:
        notes.append(f"{summary['rows_test']} test rows are few: their scores may be chance")
    return notes
