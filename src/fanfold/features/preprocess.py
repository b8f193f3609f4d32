"""A table becomes a corpus, held-out rows and rejects; every row read is accounted for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fanfold.errors import FanfoldError, UserError
from fanfold.features.corpus import seal_corpus
from fanfold.features.corpus_writer import write_counts
from fanfold.features.first_pass import FirstPass, read_rows, spooled
from fanfold.features.no_numbers import likely_cause
from fanfold.features.notes import surprises, unused
from fanfold.resources import usable_cpus
from fanfold.settings.search import Settings
from fanfold.storage import scratch_folder
from fanfold.storage.local import written_beside
from fanfold.tables.batch import Reject, where
from fanfold.tables.columns import as_texts
from fanfold.tables.split import Split, split_rows
from fanfold.tables.table import advice_on_bytes, identify, named, require_unchanged

if TYPE_CHECKING:
    import polars as pl

logger = logging.getLogger(__name__)


SHORT = 200
"""Characters of their text that the summary keeps."""

CORPUS_SETTINGS = (
    "data", "s3_endpoint", "text_column", "target", "test_fraction", "folds", "seed",
    "split_column", "fold_column", "group_column", "max_bad_rows", "vocabulary_size",
)  # fmt: skip
"""The settings that a corpus is made by, and keeps for later steps."""


def build_corpus(
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
        `corpus_digest`, `tokens`, `first_rejects`, `notes`: sentences on what may surprise, and
        `data`: which table it was.

    Raises:
        UserError: the table, the target or a column is not as the settings say, or more than
            `max_bad_rows` of its rows are bad.
        Changed: the table was replaced while it was read.
    """
    identity = identify(settings.data)
    with scratch_folder() as scratch:
        spool = scratch / "rows.arrow"
        with written_beside(rejects) as rejects_beside:
            found = read_rows(settings, identity.get("version"), spool, rejects_beside)
        require_unchanged(identity)
        _check_bad_rows(found, settings)
        _check_texts(found, settings)
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
        "notes": _noted(found, split, settings),
    }
    parts = ("rows_train", "rows_test", "rows_rejected", "rows_empty")
    if summary["rows_read"] != sum(summary[part] for part in parts):
        raise FanfoldError(f"rows were lost, which is a defect of fanfold: {summary}")
    logger.info("preprocessed %s", " ".join(f"{k}={v}" for k, v in summary.items() if "row" in k))
    return summary


def _in_short(reject: Reject) -> dict[str, Any]:
    """What a summary tells of a bad row; all of its text is in the rejects."""
    return {**vars(reject), "text": reject.text[:SHORT]}


def _check_bad_rows(found: FirstPass, settings: Settings) -> None:
    if found.rejected <= settings.max_bad_rows * found.rows:
        return
    shown = "\n".join(
        f"  line {each.line}: {each.reason}: {each.text[:120]!r}" for each in found.first_rejects
    )
    advice = advice_on_bytes([each.reason for each in found.first_rejects], settings.data)
    cause = likely_cause(found.no_numbers) or advice
    raise UserError(
        f"{found.rejected} of {found.rows} rows are bad, more than"
        f" max_bad_rows={settings.max_bad_rows:g} allows; the first:\n{shown}\n"
        + (f"{cause}.\n" if cause else "")
        + "Mend the table or the target, or raise max_bad_rows."
    )


def _noted(found: FirstPass, split: Split, settings: Settings) -> list[str]:
    """What may surprise, for the summary; the log has it too."""
    notes, of_columns = surprises(found, split, settings), unused(found.columns)
    for note in notes:
        logger.warning("%s", note)
    for note in of_columns:
        logger.info("%s", note)
    return notes + of_columns


def _check_texts(found: FirstPass, settings: Settings) -> None:
    """Raise `UserError` for a table without a row, or without a text."""
    if not found.rows:
        raise UserError(
            f"{named(settings.data)} has no rows, only the names of columns: give a table with rows"
        )
    if np.concatenate(found.empty).all():
        raise UserError(
            f"the column {settings.text_column!r} of {named(settings.data)} is empty in every row:"
            " name the column that holds the text"
        )


def _split(found: FirstPass, settings: Settings) -> Split:
    return split_rows(
        np.concatenate(found.empty),
        test_fraction=settings.test_fraction,
        folds=settings.folds,
        seed=settings.seed,
        **found.labels,
    )


def _write_test(spool: Path, split: Split, path: Path) -> int:
    """Write the held-out rows as Parquet; returns how many."""
    import pyarrow.parquet as pq

    with written_beside(path) as beside:
        writer = None
        for rows, place in spooled(spool):
            writer = writer or pq.ParquetWriter(beside, rows.schema, compression="zstd")
            writer.write_batch(where(rows, split.test[place]))
        assert writer is not None
        writer.close()
        return int(pq.read_metadata(beside).num_rows)


def _write_corpus(
    spool: Path,
    found: FirstPass,
    split: Split,
    settings: Settings,
    identity: dict[str, Any],
    folder: Path,
) -> dict[str, Any]:

    used = split.fold >= 0

    def texts() -> Iterator[pl.Series]:
        for rows, place in spooled(spool):
            yield as_texts(where(rows, used[place]).column(settings.text_column))

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
