"""A trained model: fitted, saved without pickle, loaded and checked, predicting from text.

A model is a folder: the estimator's own file (`booster.ubj` or `estimator.skops`) and
`manifest.json`, which holds the vocabulary and its weights, the target's scale, settings,
versions, the identity of the data, and the SHA-256 of that file and of itself.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fanfold.arrays import Floats
from fanfold.errors import DamagedError, UserError
from fanfold.estimators.base import Estimator, get_estimator
from fanfold.estimators.scikit_learn import SklearnEstimator
from fanfold.estimators.xgboost import XGBoost
from fanfold.features.text import TextSettings
from fanfold.features.text_features import TextFeatures
from fanfold.models.texts import texts_of
from fanfold.settings.paths import check_model_folder
from fanfold.storage import exists, fetched, join, published
from fanfold.storage.sealed import check_files, read_manifest, sha256, write_manifest
from fanfold.tasks.target_scale import AS_IT_IS, TargetScale

if TYPE_CHECKING:
    from fanfold.models.texts import Table, Texts

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
        texts = texts_of(data, self.manifest["settings"]["text_column"])
        batches = (texts[at : at + BATCH_ROWS] for at in range(0, len(texts), BATCH_ROWS))
        found = [
            self.estimator.predict(self.fitted, self.features.matrix(batch)) for batch in batches
        ]
        return self.scale.undo(np.concatenate([np.zeros(0), *found]))

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
