"""The small use of the API runs as it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "notebook.py"


@pytest.mark.slow
def test_the_notebook_runs_and_shows_a_leaderboard_metrics_and_predictions(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, EXAMPLE], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert ran.stdout.count("tfidf") >= 4
    assert "'rmse': " in ran.stdout
    assert ran.stdout.rstrip().endswith("]")
    assert list(tmp_path.iterdir()) == []
