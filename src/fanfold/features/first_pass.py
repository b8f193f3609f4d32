"""The first pass over a table: columns are checked, good rows spooled, bad ones written down."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fanfold.arrays import Floats
from fanfold.errors import UserError, listed
from fanfold.settings.search import Settings
from fanfold.tables.batch import Batch, Reject, where
from fanfold.tables.columns import (
    as_floats,
    as_strings,
    as_texts,
    check_kinds,
    hold_numbers_only,
)
from fanfold.tables.table import header_advice, named, read_table, require_columns
from fanfold.tables.target import Target, parse_target

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_REJECTS = 5
"""Rejected rows that an error message and the report show."""

SHOWN_VALUES = 20
"""Different values without a number that are kept of each column of the target."""


@dataclass(frozen=True)
class Columns:
    """The columns that a search reads.

    Attributes:
        names: of all columns of the table.
        text: the column of text.
        target: what is predicted.
        labels: `split`, `fold` and `group`, those that are given -> their column.
    """

    names: list[str]
    text: str
    target: Target
    labels: dict[str, str]

    @classmethod
    def of(cls, settings: Settings, schema: pa.Schema) -> Columns:
        """The columns of the table with this schema, checked.

        Raises:
            UserError: one is missing, is there twice or is of no use, or the target is wrong.
        """
        by_label = {
            "split": settings.split_column,
            "fold": settings.fold_column,
            "group": settings.group_column,
        }
        labels = {name: column for name, column in by_label.items() if column}
        target = parse_target(settings.target, schema.names)
        columns = cls(schema.names, settings.text_column, target, labels)
        _require_defaults(columns, settings)
        require_columns(schema.names, columns.needed, settings.data)
        check_kinds(schema, columns.needed, named(settings.data), numbers=target.columns)
        return columns

    @property
    def needed(self) -> list[str]:
        """The columns that are read, in the order in which they are checked."""
        return [self.text, *self.target.columns, *self.labels.values()]


def _require_defaults(columns: Columns, settings: Settings) -> None:
    """Raise `UserError` for a missing column that only a default asks for."""
    needed = {"text_column": [columns.text], "target": columns.target.columns}
    defaults = Settings()
    left = [each for each in needed if getattr(settings, each) == getattr(defaults, each)]
    missing = [(each, name) for each in left for name in needed[each] if name not in columns.names]
    for setting, column in missing:
        if header_advice(columns.names, column, settings.data):
            continue  # `require_columns` says it
        options = " and ".join(f"--{each.replace('_', '-')}" for each in left)
        raise UserError(
            f"{named(settings.data)} has no column {column!r}, which the default {setting} needs:"
            f" give {options} (in Python and by --set: {' and '.join(left)}); its columns are"
            f" {listed(columns.names)}"
        )


@dataclass
class FirstPass:
    """What the first pass over the table found."""

    columns: Columns
    rows: int = 0
    rejected: int = 0
    first_rejects: list[Reject] = field(default_factory=list)
    no_numbers: dict[str, dict[str, None]] = field(default_factory=dict)
    target: list[Floats] = field(default_factory=list)
    empty: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    only_numbers: bool = True
    labels: dict[str, list[str | None]] = field(default_factory=dict)

    def set_aside(self, batch: Batch, bad: list[Reject]) -> list[Reject]:
        """Count the rows of a batch; returns its bad ones."""
        rejects = [*batch.rejects, *bad]
        self.first_rejects += rejects[: SHOWN_REJECTS - len(self.first_rejects)]
        self.rejected += len(rejects)
        self.rows += batch.rows.num_rows + len(batch.rejects)
        return rejects

    def keep(self, rows: pa.RecordBatch, target: Floats) -> None:
        """Remember what the split and the corpus need of good rows."""
        texts = as_texts(rows.column(self.columns.text))
        self.target.append(target)
        self.empty.append(texts.str.len_bytes().to_numpy() == 0)
        self.only_numbers = self.only_numbers and hold_numbers_only(texts)
        for name, column in self.columns.labels.items():
            self.labels.setdefault(name, []).extend(as_strings(rows.column(column)).to_list())


def read_rows(settings: Settings, version: str | None, spool: Path, rejects: Path) -> FirstPass:
    """Check each row, spool the good ones, write the bad ones down.

    Args:
        settings: where the table is, and which columns are read.
        version: of the table, see `read_table`.
        spool: file to write, the good rows as an Arrow stream.
        rejects: CSV file to write, `line, reason, text` of each bad row.

    Raises:
        UserError: the table, the target or a column is not as the settings say.
    """
    import pyarrow as pa

    batches = read_table(settings.data, version=version)
    first = next(batches)  # a table gives at least one batch
    found = FirstPass(Columns.of(settings, first.rows.schema))
    with (
        rejects.open("w", encoding="utf-8", newline="") as file,
        pa.ipc.new_stream(spool, first.rows.schema) as writer,
    ):
        out = csv.writer(file)
        out.writerow(["line", "reason", "text"])
        for batch in chain([first], batches):
            values, bad = _evaluate(batch, found)
            rejected = found.set_aside(batch, bad)
            out.writerows([each.line, each.reason, each.text] for each in rejected)
            good = np.isfinite(values)
            rows = where(batch.rows, good)
            found.keep(rows, values[good])
            writer.write(rows)
    return found


def _evaluate(batch: Batch, found: FirstPass) -> tuple[Floats, list[Reject]]:
    """The target of each row, NaN where there is none to fit, and those rows' rejects."""
    target, rows = found.columns.target, batch.rows
    numbers = {name: as_floats(rows.column(name)) for name in target.columns}
    values = np.broadcast_to(target(numbers), rows.num_rows)
    with np.errstate(over="ignore"):
        usable = np.isfinite(values.astype(np.float32))  # as which xgboost reads it
    bad = []
    for row in np.flatnonzero(~usable).tolist():
        given = {name: rows.column(name)[row].as_py() for name in target.columns}
        said = " ".join(f"{name}={value!r}" for name, value in given.items())
        what = "beyond 3.4e38" if np.isfinite(values[row]) else "not a finite number"
        bad.append(batch.reject(row, f"the target is {what}: {said}"))
        _remember(found, {name: given[name] for name in given if np.isnan(numbers[name][row])})
    return np.where(usable, values, np.nan), bad


def _remember(found: FirstPass, no_numbers: dict[str, object]) -> None:
    for name, value in no_numbers.items():
        kept = found.no_numbers.setdefault(name, {})
        if len(kept) < SHOWN_VALUES:
            kept["" if value is None else str(value)] = None


def spooled(spool: Path) -> Iterator[tuple[pa.RecordBatch, slice]]:
    """The spooled batches, each with the place of its rows among all good rows."""
    import pyarrow as pa

    first = 0
    with pa.memory_map(str(spool)) as source, pa.ipc.open_stream(source) as reader:
        for rows in reader:
            yield rows, slice(first, first + rows.num_rows)
            first += rows.num_rows
