"""A trained model: fitted, saved without pickle, loaded and checked, predicting from text.

A model is a folder: the estimator's own file (`booster.ubj` or `estimator.skops`) and
`manifest.json`, which holds the vocabulary and its weights, the target's scale, settings,
versions, the identity of the data, and the SHA-256 of that file and of itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fanfold.arrays import Floats
from fanfold.errors import DamagedError, FanfoldError, UserError, did_you_mean
from fanfold.estimators.base import Estimator, get_estimator
from fanfold.estimators.scikit_learn import SklearnEstimator
from fanfold.estimators.xgboost import XGBoost
from fanfold.features.corpus import Corpus
from fanfold.features.text import TextSettings, without_half_pairs
from fanfold.features.text_features import TextFeatures, fit_text
from fanfold.resources import (
    calm,
    fits_at_once,
    is_out_of_memory,
    memory_as_exception,
    usable_cpus,
)
from fanfold.search.grid import Candidate
from fanfold.settings.paths import check_model_folder
from fanfold.storage import exists, fetched, join, published
from fanfold.storage.sealed import check_files, read_manifest, sha256, write_manifest
from fanfold.tables.columns import as_texts, check_kinds
from fanfold.tables.frame import Frame, as_arrow, as_frame
from fanfold.tasks.target_scale import AS_IT_IS, TargetScale
from fanfold.versions import git_revision, versions

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    Texts: TypeAlias = Sequence[str | None] | pd.Series | pl.Series | pa.Array | pa.ChunkedArray
    Table: TypeAlias = pd.DataFrame | pl.DataFrame | pl.LazyFrame | pa.Table

logger = logging.getLogger(__name__)

FORMAT, SCALED_FORMAT = "fanfold-model-1", "fanfold-model-2"
"""A model whose target has a scale is refused by versions that know nothing of scales."""

MODEL_FILES = ("manifest.json", XGBoost.model_file, SklearnEstimator.model_file)
"""What a model's folder may hold."""

BELOW_RESULTS = "model"
"""The model's folder in the one that a search writes."""

BATCH_ROWS = 1 << 16
"""Rows whose matrix is made at a time when predicting."""


@dataclass(frozen=True)
class Model:
    """A trained model and what is known of it.

    Attributes:
        features: the text features of all training rows.
        estimator: its kind.
        fitted: the estimator's own fitted object.
        manifest: what `manifest.json` holds: parameters, settings, versions, data identity.
        scale: that of the target which the estimator was fitted on.
    """

    features: TextFeatures
    estimator: Estimator
    fitted: Any
    manifest: dict[str, Any]
    scale: TargetScale = AS_IT_IS

    def __repr__(self) -> str:
        settings, own = self.manifest["settings"], self.manifest
        return (
            f"Model(estimator={own['estimator']!r}, target={settings['target']!r},"
            f" text_column={settings['text_column']!r}, tokens={len(self.features.tokens)},"
            f" rows_train={own['rows_train']}, parameters={own['parameters']})"
        )

    def predict(self, data: Texts | Table) -> Floats:
        """Predictions float64 [rows], in units of the target expression.

        Args:
            data: texts (a missing one is an empty document), or a frame of pandas, polars or
                pyarrow that has the text column the model was trained on; numbers and dates in
                one are spelt as in training. Half of a surrogate pair counts as U+FFFD, and a
                warning says where one is.

        Raises:
            UserError: the frame lacks that column, it is neither text nor numbers, or one text
                or a dict was given in place of a list.
        """
        texts = self._texts(data)
        batches = (texts[at : at + BATCH_ROWS] for at in range(0, len(texts), BATCH_ROWS))
        found = [
            self.estimator.predict(self.fitted, self.features.matrix(batch)) for batch in batches
        ]
        return self.scale.undo(np.concatenate([np.zeros(0), *found]))

    def _texts(self, data: Any) -> list[str | None]:
        if isinstance(data, str):
            raise UserError("predict takes a list of texts, and was given one text: write [text]")
        if isinstance(data, Mapping):
            raise UserError("predict takes a frame or a list of texts, and was given a dict")
        column = self.manifest["settings"]["text_column"]
        frame = as_frame(data)
        if frame is not None:
            data = _column_of(frame, column)
        is_column = frame is not None or hasattr(data, "dtype") or hasattr(data, "to_pylist")
        texts = _as_trained(data, column) if is_column else None
        return texts or _encodable([_text_of(value) for value in data])

    def importances(self, top: int = 30) -> list[tuple[str, float]]:
        """The `top` tokens by their share of the fit, largest first; [] where unknown."""
        shares = self.estimator.importances(self.fitted, len(self.features.tokens))
        if shares is None:
            return []
        tokens = self.features.tokens
        ranked = np.argsort(-shares, kind="stable")[:top]
        return [(tokens[each], float(shares[each])) for each in ranked if shares[each]]

    def save(self, folder: str | Path) -> None:
        """Write the model to `folder`, here or in a bucket, whole or not at all.

        A model that lies there is replaced.

        Raises:
            UserError: other files lie there too.
        """
        with published(folder, check_model_folder(folder)) as beside:
            beside.mkdir()
            file = beside / self.estimator.model_file
            self.estimator.save(self.fitted, file)
            files = {file.name: sha256(file)}
            write_manifest(beside / "manifest.json", {**self.manifest, "files": files})


def _column_of(frame: Frame, name: str) -> Any:
    """The text column of a frame; raises UserError where it has none or several."""
    names = list(frame.names)
    if name not in names:
        raise UserError(
            f"the model reads the column {name!r}, and there are {', '.join(names)}"
            f"{did_you_mean(name, names)}"
        )
    if names.count(name) > 1:
        raise UserError(f"the frame has {names.count(name)} columns {name!r}: leave one")
    return frame.columns[names.index(name)]


def _as_trained(values: Any, name: str) -> list[str | None] | None:
    """A column as the text that training makes of it; None where Arrow has no type for it."""
    import pyarrow as pa

    try:
        column = as_arrow(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
    check_kinds(pa.schema([(name, column.type)]), [name], "the data")
    return list(as_texts(column).to_list())


def _text_of(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    # NaN and NaT differ from themselves; whether pandas' NA does is neither true nor false.
    missing = value is None or type(value).__name__ == "NAType" or value != value
    return None if missing else str(value)


def _encodable(texts: list[str | None]) -> list[str | None]:
    """The texts as UTF-8 can hold them; a warning says in which ones something was replaced."""
    found = [text and without_half_pairs(text) for text in texts]
    both = enumerate(zip(texts, found, strict=True))
    places = [n for n, (text, mended) in both if text != mended and "\ufffd" in str(mended)]
    if places:
        logger.warning(
            "half of a surrogate pair, which is no text, is replaced in %d of %d texts; the first"
            " is text %d, counted from 0", len(places), len(texts), places[0],
        )  # fmt: skip
    return found


@contextmanager
def _memory_told(rows: int) -> Iterator[None]:
    """Within the block a lack of memory is an error that says what to raise."""
    with memory_as_exception() as limit:
        try:
            yield
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise FanfoldError(
                f"out of memory: the final fit, of all {rows:,} training rows, had"
                f" {limit / 2**30:.2f} GiB; raise train_final_memory, or lower text__max_tokens"
                " or max_depth"
            ) from None


def train(corpus: Corpus, candidate: Candidate, estimator: Estimator, *, seed: int) -> Model:
    """The candidate fitted on every row of the corpus, on all processors.

    Raises:
        FanfoldError: memory does not suffice for all rows.
    """
    parameters = candidate.model_parameters
    with _memory_told(corpus.rows), calm():
        threads = fits_at_once(usable_cpus())  # memory for their stacks
        features, matrix = fit_text(corpus.text, np.ones(corpus.rows, dtype=bool), candidate.text)
        target = np.asarray(corpus.target)
        scale = estimator.target_scale(target, parameters)
        data = estimator.prepare(matrix, scale.apply(target), parameters, threads)
        fitted = estimator.fit(data, parameters, seed, threads)
    manifest = {
        "format": FORMAT if scale == AS_IT_IS else SCALED_FORMAT,
        "estimator": estimator.name,
        "candidate": candidate.id,
        "parameters": candidate.parameters,
        "target_scale": asdict(scale),
        "text": candidate.text.as_parameters(),
        "tokens": list(features.tokens),
        "idf": features.idf.tolist(),
        "settings": corpus.settings,
        "data": corpus.data,
        "corpus_digest": corpus.digest,
        "rows_train": corpus.rows,
        "versions": versions(),
        "git": git_revision(),
    }
    return Model(features, estimator, fitted, manifest, scale)


def load_model(folder: str | Path) -> Model:
    """The model in `folder`, or below a `gs://` or `s3://` prefix, checked against its SHA-256.

    Args:
        folder: holds `manifest.json`, or the results of a search, with the model in `model/`.

    Raises:
        UserError: there is no such folder, or no model in it.
        DamagedError: a file is missing, changed or not fanfold's.
    """
    with fetched(folder) as here:
        return _load(here, str(folder))


def holds_model(uri: str) -> bool:
    """Whether a model, or the results of a search with one, lie at `uri`."""
    return any(exists(join(uri, *below, MODEL_FILES[0])) for below in ((), (BELOW_RESULTS,)))


def _is_model(folder: Path) -> bool:
    return any((folder / name).exists() for name in MODEL_FILES)


def _load(folder: Path, shown: str) -> Model:
    """The model in a folder of this machine, which messages call `shown`."""
    below = folder / BELOW_RESULTS
    if not _is_model(folder) and _is_model(below):
        logger.info("model_of_results folder=%r", join(shown, BELOW_RESULTS))
        folder = below
    if not _is_model(folder):
        raise UserError(
            f"no model at {shown!r}: give the folder that a search wrote, or the one that holds"
            " manifest.json"
        )
    manifest = read_manifest(folder / "manifest.json", (FORMAT, SCALED_FORMAT))
    check_files(folder, manifest["files"])
    estimator = get_estimator(manifest["estimator"])
    features = TextFeatures(
        tuple(manifest["tokens"]),
        np.array(manifest["idf"], dtype=np.float64),
        TextSettings.of(manifest["text"]),
    )
    file = folder / estimator.model_file
    try:
        fitted = estimator.load(file)
    except Exception as error:
        raise DamagedError(f"{str(file)!r} cannot be loaded: {error}") from error
    scale = TargetScale(**manifest.get("target_scale", {}))  # models from before it have none
    return Model(features, estimator, fitted, manifest, scale)
