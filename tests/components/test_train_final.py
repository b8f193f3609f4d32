"""The last component tells in its log what the search found, and where it lies for others."""

from __future__ import annotations

from pathlib import Path

import pytest
from kfp import dsl

from components.train_final.component import train_final
from fanfold.local.tune import _walk
from fanfold.results.log_channel import read_result
from fanfold.settings.search import from_mapping
from tests.fanfold.command import json_of
from tests.kfp_server.fixtures import SETTINGS

INPUTS = {
    "corpus": "corpus",
    "candidates": "candidates.json",
    "test": "test.parquet",
    "rejects": "rejects.csv",
    "summary": "summary.json",
    "leaderboard": "leaderboard.csv",
    "all_scores": "scores.csv",
    "best": "best.json",
}
OUTPUTS = {"model": dsl.Model, "metrics": dsl.Metrics, "report": dsl.HTML, "results": dsl.Artifact}


def test_its_log_tells_the_results_and_their_addresses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _walk(from_mapping(SETTINGS), tmp_path)
    before = tmp_path / "results"
    cost = {"cpu_hour_price": 0.05, "estimated_cpu_hours": 0.25}
    artifacts = {name: dsl.Artifact(uri=str(tmp_path / file)) for name, file in INPUTS.items()}
    for name, kind in OUTPUTS.items():
        artifacts[name] = kind(uri=f"minio://bucket/run/{name}")
        artifacts[name].custom_path = str(tmp_path / f"own-{name}")
    capsys.readouterr()
    train_final.python_func(**artifacts, **cost)
    told = read_result(capsys.readouterr().out)
    assert told is not None
    assert told["addresses"] == {
        "results": "minio://bucket/run/results",
        "model": "minio://bucket/run/model",
    }
    settings = told["files"]["summary.json"]["settings"]
    assert settings == {**json_of(before / "summary.json")["settings"], **cost}
    metrics = json_of(before / "metrics.json")
    assert told["files"]["metrics.json"] == metrics == artifacts["metrics"].metadata
    assert json_of(tmp_path / "own-metrics") == metrics
    assert (tmp_path / "own-report").read_bytes() == (
        tmp_path / "own-results" / "report.html"
    ).read_bytes()
