"""A model predicts a whole table, batch by batch, into a file of row numbers and predictions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fanfold.arrays import Floats
from fanfold.errors import UserError
from fanfold.storage import Seen, published
from fanfold.tables.columns import as_texts, check_kinds
from fanfold.tables.table import (
    Batch,
    advice_on_bytes,
    identify,
    read_table,
    require_columns,
)

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.models.model import Model


logger = logging.getLogger(__name__)

ENDINGS = (".csv", ".parquet")
SHOWN_REJECTS = 5
"""Rows without a prediction that are told one by one."""


def predict_table(
    model: Model, data: str, output: str | Path, replaceable: Seen | None = None
) -> tuple[int, int]:
    """Write `row, prediction` for each row of the table `data`, in its order, whole or not at all.

    `row` counts the table's rows from 1, every one, so that it joins back to the table. A row
    that cannot be read (its fields are too few, its bytes no UTF-8) has an empty prediction.

    Args:
        model: predicts from the text column it was trained on.
        data: what `fanfold.tables.table.read_table` takes.
        output: a name that ends in .csv or .parquet.
        replaceable: what may be replaced there; None: what is there now.

    Returns:
        Rows, and how many of them have no prediction.

    Raises:
        UserError: the table cannot be read or lacks the column, or `output` ends otherwise.
    """
    check_ending(output)
    column = model.manifest["settings"]["text_column"]
    rows = unread = 0
    advice = ""

    def predicted() -> Iterator[tuple[Batch, Floats]]:
        nonlocal unread, advice
        for batch in read_table(data, version=identify(data).get("version")):
            require_columns(batch.rows.schema.names, [column], data)
            check_kinds(batch.rows.schema, [column], repr(data))
            for reject in batch.rejects[: max(0, SHOWN_REJECTS - unread)]:
                logger.warning("not_predicted line=%s reason=%r", reject.line, reject.reason)
                advice = advice or advice_on_bytes([reject.reason], data)
            unread += len(batch.rejects)
            yield batch, model.predict(as_texts(batch.rows.column(column)).to_list())

    with published(output, replaceable) as beside, _writer(beside) as write:
        for table in number_rows(predicted()):
            rows += len(table)
            write(table)
    if advice:
        logger.warning("%s", advice)
    return rows, unread


def check_ending(output: str | Path) -> None:
    """Raise `UserError` where `output` is no name of a CSV or Parquet file."""
    if Path(output).suffix.lower() not in ENDINGS:
        raise UserError(f"the output {str(output)!r} must end in {' or '.join(ENDINGS)}")


def number_rows(predicted: Iterable[tuple[Batch, Floats]]) -> Iterator[pd.DataFrame]:
    """Frames of `row` and `prediction`, bad rows in their places with NaN.

    Args:
        predicted: batches, in order, and the predictions of their good rows. A batch may tell
            of bad rows that stand between the good ones of a later batch.
    """
    import pandas as pd

    numbered = 0
    waiting: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)  # lines of bad rows

    def frame(values: Floats) -> pd.DataFrame:
        nonlocal numbered
        first, numbered = numbered + 1, numbered + len(values)
        return pd.DataFrame({"row": np.arange(first, numbered + 1), "prediction": values})

    for batch, predictions in predicted:
        lines = np.array([each.line or 0 for each in batch.rejects], dtype=np.int64)
        waiting = np.concatenate([waiting, lines])
        last = batch.lines[-1] if len(batch.lines) else -1
        bad, waiting = waiting[waiting < last], waiting[waiting >= last]
        values = np.concatenate([predictions, np.full(len(bad), np.nan)])
        yield frame(values[np.argsort(np.concatenate([batch.lines, bad]), kind="stable")])
    yield frame(np.full(len(waiting), np.nan))


@contextmanager
def _writer(path: Path) -> Iterator[Callable[[pd.DataFrame], Any]]:
    """Appends tables to the file at `path`, in the format that its ending says."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write("row,prediction\n")
            yield lambda table: table.to_csv(file, header=False, index=False, lineterminator="\n")
        return
    schema = pa.schema([("row", pa.int64()), ("prediction", pa.float64())])
    with pq.ParquetWriter(path, schema) as parquet:
        yield lambda table: parquet.write_table(
            pa.Table.from_pandas(table, schema, preserve_index=False)
        )
