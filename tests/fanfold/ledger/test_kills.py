"""kill -9 at any moment: what was finished is not computed again, and the end is the same."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from fanfold import steps
from fanfold.results.files import read_scores
from fanfold.settings.search import Settings
from fanfold.storage import join, open_storage, read_bytes
from tests.servers.servers import Server

PROGRAM = """
import sys
from fanfold import steps
steps.cross_validate(steps.Artifacts.in_folder(sys.argv[1]))
"""
GRID = '{"max_depth": [4, 6], "subsample": [0.5, 0.6, 0.7, 0.8, 0.9], "n_estimators": [100, 200]}'
CANDIDATES = 2 * 5 * 2


def prepare(folder: Path, ledger: str, folds: int) -> Path:
    """`folder` with the corpus and the grid of a search that takes some seconds."""
    folder.mkdir()
    settings = Settings(
        data="sample:1500", grid=GRID, folds=folds, ledger=ledger, text__weighting="count"
    )
    files = steps.Artifacts.in_folder(folder)
    steps.preprocess(settings, files)
    steps.expand_grid(settings, files)
    return folder


def scores_of(folder: Path) -> pd.DataFrame:
    return read_scores(steps.Artifacts.in_folder(folder).scores[0])


def values(folder: Path) -> list[tuple[str, str, str, float]]:
    return [
        tuple(row) for row in scores_of(folder)[["candidate", "fold", "metric", "value"]].values
    ]


def begin(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, folder])


def keys(ledger: str) -> list[str]:
    """The keys of the records of folds."""
    return [entry.key for entry in open_storage(ledger).list("folds/")]


def records(ledger: str) -> dict[str, bytes]:
    """Key -> content of every record of a fold; an empty folder or prefix has none."""
    return {key: read_bytes(join(ledger, key)) for key in keys(ledger)}


def killed_again_and_again(folder: Path, ledger: str, *, kills: int, folds: int) -> None:
    """Kill a search `kills` times, and see that no finished fold is computed twice."""
    undisturbed = prepare(folder / "undisturbed", "", folds)
    assert begin(undisturbed).wait() == 0
    expected = values(undisturbed)

    disturbed = prepare(folder / "disturbed", ledger, folds)
    moments = random.Random(7)
    seen: dict[str, bytes] = {}
    for _ in range(kills):
        search = begin(disturbed)
        deadline = time.monotonic() + 90
        # Killed while it works, and not while it starts: after a few more folds and a moment.
        more = moments.randrange(1, CANDIDATES * folds // (2 * kills))
        while len(keys(ledger)) < len(seen) + more and search.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.1))
        search.kill()
        assert search.wait() == -signal.SIGKILL
        now = records(ledger)
        # A fold that is computed twice would be written again, at another time.
        assert seen.items() <= now.items()
        assert len(now) > len(seen)
        seen = now
    assert begin(disturbed).wait() == 0
    assert seen.items() <= records(ledger).items()
    assert values(disturbed) == expected
    assert scores_of(disturbed)["remembered"].sum() == 3 * len(seen)


@pytest.mark.slow
def test_three_kills_with_a_ledger_in_a_folder(tmp_path: Path) -> None:
    killed_again_and_again(tmp_path, str(tmp_path / "ledger"), kills=3, folds=3)


@pytest.mark.servers
@pytest.mark.parametrize("server", ["minio"], indirect=True)
def test_twenty_kills_with_a_ledger_in_a_bucket(
    server: Server, bucket: str, tmp_path: Path
) -> None:
    killed_again_and_again(tmp_path, server.uri(bucket, "ledger"), kills=20, folds=10)
