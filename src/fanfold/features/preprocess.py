"""A table becomes a corpus, held-out rows and rejects; every row read is accounted for."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fanfold.arrays import Floats
from fanfold.errors import FanfoldError, UserError
from fanfold.features.corpus import seal_corpus
from fanfold.features.corpus_writer import write_counts
from fanfold.resources import usable_cpus
from fanfold.settings.search import Settings
from fanfold.storage import scratch_folder
from fanfold.storage.local import written_beside
from fanfold.tables.batch import Batch, Reject
from fanfold.tables.columns import as_floats, as_strings, as_texts, check_kinds
from fanfold.tables.split import Split, split_rows
from fanfold.tables.table import identify, read_table, require_columns, require_unchanged
from fanfold.tables.target import Target, parse_target

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

logger = logging.getLogger(__name__)


SHOWN_REJECTS = 5
"""Rejected rows that an error message and the report show."""

SHORT = 200
"""Characters of their text that the summary keeps."""

CORPUS_SETTINGS = (
    "data", "s3_endpoint", "text_column", "target", "test_fraction", "folds", "seed",
    "split_column", "fold_column", "group_column", "max_bad_rows", "vocabulary_size",
)  # fmt: skip
"""The settings that a corpus is made by, and keeps for later steps."""


@dataclass
class _Read:
    """What the first pass over the table found."""

    rows: int = 0
    rejected: int = 0
    first_rejects: list[Reject] = field(default_factory=list)
    target: list[Floats] = field(default_factory=list)
    empty: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    labels: dict[str, list[str | None]] = field(default_factory=dict)


def preprocess(
    settings: Settings, *, corpus: str | Path, test: str | Path, rejects: str | Path
) -> dict[str, Any]:
    """Read the table, set bad rows aside, split, and count the training text once.

    The table is read once; its good rows wait in a temporary file until all are known, so
    that memory stays bounded and splits are exact.

    Args:
        settings: where the table is and how to read and split it.
        corpus: folder to write (see `fanfold.features.corpus`).
        test: Parquet file to write, the held-out rows as they were read.
        rejects: CSV file to write, `line, reason, text` of each bad row.

    Returns:
        The accounting: `rows_read = rows_train + rows_empty + rows_test + rows_rejected`,
        `corpus_digest`, `tokens`, `first_rejects`, and `data`: which table it was.

    Raises:
        UserError: the table, the target or a column is not as the settings say, or more than
            `max_bad_rows` of its rows are bad.
        Changed: the table was replaced while it was read.
    """
    target = parse_target(settings.target)
    identity = identify(settings.data)
    with scratch_folder() as scratch:
        spool = scratch / "rows.arrow"
        with written_beside(rejects) as rejects_beside:
            found = _read(settings, identity.get("version"), target, spool, rejects_beside)
        require_unchanged(identity)
        _check_bad_rows(found, settings)
        split = _split(found, settings)
        test_rows = _write_test(spool, split, Path(test))
        facts = _write_corpus(spool, found, split, settings, identity, Path(corpus))
    summary = {
        "data": identity,
        "rows_read": found.rows,
        "rows_train": int((split.fold >= 0).sum()),
        "rows_test": test_rows,
        "rows_rejected": found.rejected,
        "rows_empty": int((~split.test & (split.fold < 0)).sum()),
        **facts,
        "first_rejects": [_in_short(reject) for reject in found.first_rejects],
    }
    parts = ("rows_train", "rows_test", "rows_rejected", "rows_empty")
    if summary["rows_read"] != sum(summary[part] for part in parts):
        raise FanfoldError(f"rows were lost, which is a defect of fanfold: {summary}")
    logger.info("preprocessed %s", " ".join(f"{k}={v}" for k, v in summary.items() if "row" in k))
    return summary


def _in_short(reject: Reject) -> dict[str, Any]:
    """What a summary tells of a bad row; all of its text is in the rejects."""
    return {**vars(reject), "text": reject.text[:SHORT]}


def _read(
    settings: Settings, version: str | None, target: Target, spool: Path, rejects: Path
) -> _Read:
    """First pass: check each row, spool the good ones, write the bad ones down."""
    import pyarrow as pa

    by_label = {
        "split": settings.split_column,
        "fold": settings.fold_column,
        "group": settings.group_column,
    }
    wanted = {name: column for name, column in by_label.items() if column}
    needed = [settings.text_column, *target.columns, *wanted.values()]
    found = _Read(labels={name: [] for name in wanted})
    writer = None
    with rejects.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["line", "reason", "text"])
        for batch in read_table(settings.data, version=version):
            require_columns(batch.rows.schema.names, needed, settings.data)
            check_kinds(batch.rows.schema, needed, repr(settings.data), numbers=target.columns)
            values, bad = _evaluate(target, batch)
            set_aside = [*batch.rejects, *bad]
            out.writerows([each.line, each.reason, each.text] for each in set_aside)
            found.first_rejects += set_aside[: SHOWN_REJECTS - len(found.first_rejects)]
            found.rejected += len(set_aside)
            found.rows += batch.rows.num_rows + len(batch.rejects)
            good = np.isfinite(values)
            rows = batch.rows.filter(pa.array(good))
            found.target.append(values[good])
            texts = as_texts(rows.column(settings.text_column))
            found.empty.append(texts.str.len_bytes().to_numpy() == 0)
            for name, column in wanted.items():
                found.labels[name] += as_strings(rows.column(column)).to_list()
            writer = writer or pa.ipc.new_file(spool, rows.schema)
            writer.write(rows)
    assert writer is not None, "a table gives at least one batch"
    writer.close()
    return found


def _evaluate(target: Target, batch: Batch) -> tuple[Floats, list[Reject]]:
    """The target of each row, NaN where there is none to fit, and those rows' rejects."""
    values = target({name: as_floats(batch.rows.column(name)) for name in target.columns})
    values = np.broadcast_to(values, batch.rows.num_rows)
    with np.errstate(over="ignore"):
        usable = np.isfinite(values.astype(np.float32))  # as which xgboost reads it
    bad = []
    for row in np.flatnonzero(~usable).tolist():
        given = {name: batch.rows.column(name)[row].as_py() for name in target.columns}
        said = " ".join(f"{name}={value!r}" for name, value in given.items())
        what = "beyond 3.4e38" if np.isfinite(values[row]) else "not a finite number"
        bad.append(batch.reject(row, f"the target is {what}: {said}"))
    return np.where(usable, values, np.nan), bad


def _check_bad_rows(found: _Read, settings: Settings) -> None:
    if found.rejected <= settings.max_bad_rows * found.rows:
        return
    shown = "\n".join(
        f"  line {each.line}: {each.reason}: {each.text[:120]!r}" for each in found.first_rejects
    )
    raise UserError(
        f"{found.rejected} of {found.rows} rows are bad, more than"
        f" max_bad_rows={settings.max_bad_rows:g} allows; the first:\n{shown}\n"
        "Mend the table or the target, or raise max_bad_rows."
    )


def _split(found: _Read, settings: Settings) -> Split:
    return split_rows(
        np.concatenate(found.empty),
        test_fraction=settings.test_fraction,
        folds=settings.folds,
        seed=settings.seed,
        **found.labels,
    )


def _batches(spool: Path) -> Iterator[tuple[pa.RecordBatch, slice]]:
    """Second pass: the spooled batches, each with the rows of the table that it holds."""
    import pyarrow as pa

    first = 0
    with pa.memory_map(str(spool)) as source, pa.ipc.open_file(source) as reader:
        for number in range(reader.num_record_batches):
            rows = reader.get_batch(number)
            yield rows, slice(first, first + rows.num_rows)
            first += rows.num_rows


def _write_test(spool: Path, split: Split, path: Path) -> int:
    """Write the held-out rows as Parquet; returns how many."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with written_beside(path) as beside:
        writer = None
        for rows, where in _batches(spool):
            writer = writer or pq.ParquetWriter(beside, rows.schema, compression="zstd")
            writer.write_batch(rows.filter(pa.array(split.test[where])))
        assert writer is not None
        writer.close()
        return int(pq.read_metadata(beside).num_rows)


def _write_corpus(
    spool: Path,
    found: _Read,
    split: Split,
    settings: Settings,
    identity: dict[str, Any],
    folder: Path,
) -> dict[str, Any]:
    import pyarrow as pa

    used = split.fold >= 0

    def texts() -> Iterator[pl.Series]:
        for rows, where in _batches(spool):
            yield as_texts(rows.filter(pa.array(used[where])).column(settings.text_column))

    with written_beside(folder) as beside:
        beside.mkdir()
        np.save(beside / "target.npy", np.concatenate(found.target)[used].astype("<f8"))
        np.save(beside / "fold.npy", split.fold[used].astype("<i4"))
        tokens, left_out_max = write_counts(
            texts(), beside, vocabulary_size=settings.vocabulary_size, threads=usable_cpus()
        )
        corpus_digest = seal_corpus(
            beside,
            fold_labels=split.labels,
            left_out_max=left_out_max,
            settings={name: getattr(settings, name) for name in CORPUS_SETTINGS},
            data=identity,
        )
        vocabulary = (beside / "vocabulary.txt").read_bytes().count(b"\n")
    return {"corpus_digest": corpus_digest, "tokens": tokens, "vocabulary": vocabulary}
