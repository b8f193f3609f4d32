"""Small corpora for tests, made the way preprocessing makes them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fanfold.features.corpus import Corpus, load_corpus, seal_corpus
from fanfold.features.corpus_writer import write_counts
from fanfold.features.text import series


def write_corpus(
    folder: Path,
    texts: Sequence[str],
    *,
    target: Sequence[float] | npt.NDArray[np.float64] | None = None,
    fold: Sequence[int] | npt.NDArray[np.int32] | None = None,
    labels: Sequence[str] = ("1", "2"),
    batch_rows: int = 1000,
    threads: int = 1,
    vocabulary_size: int = 50_000,
) -> str:
    """Write a corpus of `texts` to the empty `folder`; returns its digest."""
    rows = len(texts)
    batches = [series(texts[start : start + batch_rows]) for start in range(0, rows, batch_rows)]
    np.save(folder / "target.npy", np.zeros(rows) if target is None else np.array(target, "<f8"))
    folds = np.arange(rows) % len(labels) if fold is None else np.array(fold)
    np.save(folder / "fold.npy", folds.astype("<i4"))
    _, left_out_max = write_counts(
        batches, folder, vocabulary_size=vocabulary_size, threads=threads
    )
    return seal_corpus(
        folder, fold_labels=tuple(labels), left_out_max=left_out_max, settings={}, data={}
    )


def make_corpus(texts: Sequence[str], **how: object) -> Corpus:
    """The loaded corpus of `texts`; its files are gone, but stay mapped."""
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(Path(folder), texts, **how)  # type: ignore[arg-type]
        return load_corpus(folder)
