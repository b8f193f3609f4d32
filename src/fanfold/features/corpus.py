"""The corpus: what a search learns from, on disk, loaded by memory map.

A folder of plain arrays (`.npy`), a vocabulary (one token a line) and `manifest.json`, which
holds the settings that made it, library versions and the SHA-256 of every file. Rows are the
training rows with text, in the order of the table. No pickle.

    target.npy       float64 [rows]    the number to predict
    fold.npy         int32   [rows]    index into the manifest's fold_labels
    row_tokens.npy   int32   [rows]    all tokens of the row, stopwords and rare ones too
    row_starts.npy   int64   [rows+1]  where the row's cells begin in columns and counts
    columns.npy      int32   [cells]   index into the vocabulary, ascending within a row
    counts.npy       uint    [cells]   occurrences, in the narrowest type that holds them
    vocabulary.txt   UTF-8   [tokens]  by code point
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from fanfold.arrays import Floats, Ints, Mask
from fanfold.storage.sealed import check_files, digest, read_manifest, sha256, write_manifest
from fanfold.versions import versions

FORMAT = "fanfold-corpus-2"
ARRAYS = ("target", "fold", "row_tokens", "row_starts", "columns", "counts")
CHUNK_CELLS = 1 << 21
"""Cells that are looked at in one go, to the end of a row: bounds the memory of a scan."""


@dataclass(frozen=True)
class TextBlock:
    """The token counts of every row: CSR over a generous vocabulary.

    Attributes:
        vocabulary: the stored tokens, by code point.
        row_starts, columns, counts: the CSR arrays, as the module's table says.
        row_tokens: all tokens of each row, also those that the vocabulary leaves out.
        left_out_max: occurrences, over all rows, of the most frequent token left out; 0 if
            none was. What an exact choice of tokens may not reach down to.
    """

    vocabulary: tuple[str, ...]
    row_starts: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    counts: npt.NDArray[np.unsignedinteger[Any]]
    row_tokens: npt.NDArray[np.int32]
    left_out_max: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.row_tokens)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {token: column for column, token in enumerate(self.vocabulary)}

    def position(self, token: str) -> int | None:
        """The column of `token`, or None where it is not stored."""
        return self._position.get(token)

    def token_totals(self, rows: Mask) -> Ints:
        """Occurrences of each stored token in the rows where `rows` is true, int64 [tokens]."""
        totals = np.zeros(len(self.vocabulary), dtype=np.int64)
        for first, last, cells in self._chunks():
            wanted = np.repeat(rows[first:last], np.diff(self.row_starts[first : last + 1]))
            columns, counts = self.columns[cells][wanted], self.counts[cells][wanted]
            found = np.bincount(columns, weights=counts, minlength=len(totals))
            totals += found.astype(np.int64)
        return totals

    def select(self, tokens: Ints) -> csr_matrix:
        """Counts of the stored `tokens` (ascending columns) in every row, int32 CSR."""
        place = np.full(len(self.vocabulary), -1, dtype=np.int32)
        place[tokens] = np.arange(len(tokens), dtype=np.int32)
        lengths = np.empty(self.rows, dtype=np.int64)
        kept_columns, kept_counts = [], []
        for first, last, cells in self._chunks():
            columns = place[self.columns[cells]]
            kept = columns >= 0
            starts = self.row_starts[first : last + 1] - self.row_starts[first]
            lengths[first:last] = np.diff(np.concatenate([[0], np.cumsum(kept)])[starts])
            kept_columns.append(columns[kept])
            kept_counts.append(self.counts[cells][kept].astype(np.int32))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        stored = (np.concatenate(kept_counts), np.concatenate(kept_columns), starts)
        return csr_matrix(stored, shape=(self.rows, len(tokens)))

    def _chunks(self) -> Iterator[tuple[int, int, slice]]:
        """Whole rows, first and last, and their cells."""
        cells = np.arange(0, self.row_starts[-1], CHUNK_CELLS)
        bounds = np.unique([0, *np.searchsorted(self.row_starts, cells), self.rows])
        for first, last in itertools.pairwise(bounds.tolist()):
            yield first, last, slice(int(self.row_starts[first]), int(self.row_starts[last]))


@dataclass(frozen=True)
class Corpus:
    """A loaded corpus: feature blocks, the target and the fold of each training row.

    Attributes:
        text: the first (today the only) feature block.
        target: float64 [rows].
        fold: int32 [rows], indices into `fold_labels`.
        fold_labels: the folds' names.
        settings: the settings that made the corpus.
        data: which table it was made from: `uri`, and of a file or object `size` and `version`.
        digest: SHA-256 of all that a score can depend on, but for the last bits of the target;
            equal for equal input anywhere.
    """

    text: TextBlock
    target: npt.NDArray[np.float64]
    fold: npt.NDArray[np.int32]
    fold_labels: tuple[str, ...]
    settings: dict[str, Any]
    data: dict[str, Any]
    digest: str

    @property
    def rows(self) -> int:
        """Number of training rows with text."""
        return len(self.target)


def seal_corpus(
    folder: Path,
    *,
    fold_labels: tuple[str, ...],
    left_out_max: int,
    settings: dict[str, Any],
    data: dict[str, Any],
) -> str:
    """Seal the arrays in `folder` with `manifest.json`; returns the corpus digest."""
    named = [f"{name}.npy" for name in ARRAYS] + ["vocabulary.txt"]
    checksums = {name: sha256(folder / name) for name in named}
    content = {"format": FORMAT, "fold_labels": list(fold_labels), "left_out_max": left_out_max}
    target = _target_digest(np.load(folder / "target.npy"))
    corpus_digest = digest({**content, **checksums, "target.npy": target})
    facts = {
        **content,
        "corpus_digest": corpus_digest,
        "files": checksums,
        "settings": settings,
        "data": data,
        "versions": versions(),
    }
    write_manifest(folder / "manifest.json", facts)
    return corpus_digest


def _target_digest(target: Floats) -> str:
    """SHA-256 of the target without the last bits, in which log1p and exp differ by processor.

    They agree as the float32 that xgboost reads; and in steps of 2^-26 of the target's range,
    which tell apart what a float32 does not, such as the seconds of a day since 1970.
    """
    spread = float(np.ptp(target))  # one of next to nothing, as none, has no step
    step = (math.ldexp(1, math.frexp(spread)[1] - 26) if spread else 0.0) or 1.0
    steps = np.round(target / step) + 0.0  # no -0.0
    return hashlib.sha256(
        target.astype("<f4").tobytes() + steps.astype("<f8").tobytes()
    ).hexdigest()


def load_corpus(folder: str | Path) -> Corpus:
    """The corpus in `folder`, its arrays memory-mapped, every file checked against its SHA-256.

    Raises:
        DamagedError: a file is missing or changed, or the folder holds no corpus.
    """
    folder = Path(folder)
    manifest = read_manifest(folder / "manifest.json", FORMAT)
    check_files(folder, manifest["files"])
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
    vocabulary = (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[:-1]
    text = TextBlock(
        tuple(vocabulary),
        arrays["row_starts"],
        arrays["columns"],
        arrays["counts"],
        arrays["row_tokens"],
        manifest["left_out_max"],
    )
    return Corpus(
        text,
        arrays["target"],
        arrays["fold"],
        tuple(manifest["fold_labels"]),
        manifest["settings"],
        manifest["data"],
        manifest["corpus_digest"],
    )
