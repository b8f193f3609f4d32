"""A model's metrics on the rows of a table that it has not seen."""

from __future__ import annotations

import math

import numpy as np
import pyarrow.parquet as pq

from fanfold.models.model import Model
from fanfold.tables.columns import as_floats, as_texts
from fanfold.tables.target import parse_target
from fanfold.tasks.regression import regression_metrics


def score_table(model: Model, path: str) -> dict[str, float | None]:
    """Metrics of `model` on the rows of the Parquet file `path`; None where undefined."""
    settings = model.manifest["settings"]
    target, text_column = parse_target(settings["target"]), settings["text_column"]
    needed = list(dict.fromkeys([text_column, *target.columns]))
    truth, estimate = [], []
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):  # each as small as a batch of preprocess
            rows = file.read_row_group(number, columns=needed)
            truth.append(target({name: as_floats(rows.column(name)) for name in target.columns}))
            estimate.append(model.predict(as_texts(rows.column(text_column)).to_list()))
    found = regression_metrics(np.concatenate(truth), np.concatenate(estimate))
    return {name: None if math.isnan(value) else value for name, value in found.items()}
