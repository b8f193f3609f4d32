"""Imports what tasks import, so that Python compiles it: run once, while the image is built."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

import kfp.dsl.executor_main  # noqa: F401  what runs a component

import fanfold
import fanfold.cli.app
from fanfold.estimators.scikit_learn import ALLOWED

for name in ALLOWED:
    importlib.import_module(name.rpartition(".")[0])
for scheme in ("gcs", "s3"):
    importlib.import_module(f"fanfold.storage.{scheme}")

with tempfile.TemporaryDirectory() as folder:
    fanfold.tune(
        "sample:500",
        grid='{"max_depth": [2], "n_estimators": [5], "text__weighting": ["tfidf", "count"]}',
        output=Path(folder) / "found",
    )
