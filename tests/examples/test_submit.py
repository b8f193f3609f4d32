"""The script that starts a search on a cluster runs as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.contract import FILES
from tests.fanfold.command import json_of
from tests.kfp_server.fixtures import artifacts, ended
from tests.kfp_server.server import KfpServer

ROOT = Path(__file__).parents[2]
EXAMPLE, PIPELINE = ROOT / "examples" / "submit.py", ROOT / "pipelines" / "tune.yaml"


def test_the_script_submits_waits_and_downloads(
    kfp_server: KfpServer, searched: Path, tmp_path: Path
) -> None:
    kfp_server.backend.course = (ended(searched),)
    kfp_server.backend.artifacts = artifacts(searched)
    ran = subprocess.run(
        [sys.executable, EXAMPLE, PIPELINE],
        cwd=tmp_path,
        env={**os.environ, "KF_PIPELINES_ENDPOINT": kfp_server.url},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    (run,) = kfp_server.backend.runs
    assert run.runtime_config.parameters["data"] == "sample:5000"
    best, metrics = json_of(searched / "best.json"), json_of(searched / "metrics.json")
    assert ran.stdout.splitlines()[-2:] == ["SUCCEEDED", f"{best['parameters']} {metrics}"]
    assert {path.name for path in (tmp_path / "found").iterdir()} == FILES
