"""A model's metrics on rows that it has not seen, and those of the baseline on the same rows."""

from __future__ import annotations

import math

import numpy as np
import pyarrow.parquet as pq

from fanfold.arrays import Floats
from fanfold.models.model import Model
from fanfold.tables.columns import as_floats, as_texts
from fanfold.tables.target import parse_target
from fanfold.tasks.regression import regression_metrics

Metrics = dict[str, float | None]
"""Metric -> value; None where it is undefined."""


def score_table(model: Model, path: str, mean: float) -> tuple[Metrics, Metrics]:
    """Metrics on the rows of the Parquet file `path`: the model's, and those of predicting `mean`.

    Args:
        model: predicts.
        path: the held-out rows.
        mean: the mean target of the training rows.
    """
    settings = model.manifest["settings"]
    target, text_column = parse_target(settings["target"]), settings["text_column"]
    needed = list(dict.fromkeys([text_column, *target.columns]))
    parts, estimates = [], []
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):  # each as small as a batch of preprocess
            rows = file.read_row_group(number, columns=needed)
            parts.append(target({name: as_floats(rows.column(name)) for name in target.columns}))
            estimates.append(model.predict(as_texts(rows.column(text_column)).to_list()))
    truth, estimate = np.concatenate(parts), np.concatenate(estimates)
    return _metrics(truth, estimate), _metrics(truth, np.full(len(truth), mean))


def _metrics(truth: Floats, estimate: Floats) -> Metrics:
    found = regression_metrics(truth, estimate)
    return {name: None if math.isnan(value) else value for name, value in found.items()}
