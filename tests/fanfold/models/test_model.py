"""A model comes back from its folder as it was, or not at all."""

from __future__ import annotations

import datetime
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import fanfold
from fanfold.errors import DamagedError, UserError
from fanfold.models.model import Model
from fanfold.models.texts import texts_of
from fanfold.storage import published

ESTIMATORS = {
    "xgboost": '{"n_estimators": [5]}',
    "sklearn.linear_model.Ridge": '{"alpha": [0.1]}',
}
TEXTS = ["love the party", None, "", "nothing known here", "love love love school"]


@pytest.fixture(scope="module", params=ESTIMATORS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("found") / "out"
    grid = ESTIMATORS[request.param]
    fanfold.tune("sample:500", estimator=request.param, grid=grid, folds=2, output=output)
    return output


@pytest.fixture
def model(found: Path) -> Model:
    return fanfold.load_model(found / "model")


def test_a_model_saved_again_and_loaded_predicts_the_same_bits(
    model: Model, tmp_path: Path
) -> None:
    model.save(tmp_path / "again")
    again = fanfold.load_model(tmp_path / "again")
    assert again.predict(TEXTS).tobytes() == model.predict(TEXTS).tobytes()
    assert np.ptp(model.predict(TEXTS)) > 0


def test_a_list_a_series_and_a_frame_are_predicted_alike(model: Model) -> None:
    expected = model.predict(TEXTS)
    assert expected.shape == (5,) and expected.dtype == np.float64
    series = pd.Series(TEXTS, index=[9, 8, 7, 6, 5])
    np.testing.assert_array_equal(model.predict(series), expected)
    frame = pd.DataFrame({"other": range(5), "definition": TEXTS})
    np.testing.assert_array_equal(model.predict(frame), expected)
    one_by_one = [model.predict([text])[0] for text in TEXTS]
    np.testing.assert_array_equal(one_by_one, expected)


def test_a_missing_text_is_an_empty_document(model: Model) -> None:
    missing, nan, empty = model.predict([None, float("nan"), ""])  # type: ignore[list-item]
    assert missing == nan == empty


@pytest.mark.parametrize("dtype", ["string", "string[pyarrow]", object])
def test_pandas_own_missing_value_is_an_empty_document(dtype: Any, model: Model) -> None:
    series = pd.Series([pd.NA, "love the party"], dtype=dtype)
    np.testing.assert_array_equal(model.predict(series), model.predict([None, "love the party"]))


def test_a_column_may_have_a_number_for_a_name(model: Model) -> None:
    settings = {**model.manifest["settings"], "text_column": "1"}
    numbered = replace(model, manifest={**model.manifest, "settings": settings})
    frame = pd.DataFrame({0: range(5), 1: TEXTS})
    np.testing.assert_array_equal(numbered.predict(frame), model.predict(TEXTS))


def test_a_frame_with_two_columns_of_that_name_is_refused(model: Model) -> None:
    frame = pd.DataFrame([[text, text] for text in TEXTS], columns=["definition"] * 2)
    with pytest.raises(UserError, match="has 2 columns 'definition'"):
        model.predict(frame)


def test_no_text_gives_no_prediction(model: Model) -> None:
    assert model.predict([]).shape == (0,)


def test_one_text_in_place_of_a_list_is_refused(model: Model) -> None:
    with pytest.raises(UserError, match=r"list of texts"):
        model.predict("love the party")


def test_a_frame_without_the_text_column_is_refused_with_the_nearest_name(model: Model) -> None:
    with pytest.raises(UserError, match=r"'definition'.*did you mean 'definitions'"):
        model.predict(pd.DataFrame({"definitions": TEXTS}))


def test_a_model_from_before_there_were_scales_reads_the_target_as_it_is(
    model: Model, tmp_path: Path
) -> None:
    before = {name: value for name, value in model.manifest.items() if name != "target_scale"}
    replace(model, manifest=before).save(tmp_path / "before")
    loaded = fanfold.load_model(tmp_path / "before")
    assert loaded.predict(TEXTS).tobytes() == model.predict(TEXTS).tobytes()


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_file_is_refused_by_its_name(
    model: Model, found: Path, tmp_path: Path, damage: str
) -> None:
    for name in sorted(path.name for path in (found / "model").iterdir()):
        folder = tmp_path / name
        model.save(folder)
        path = folder / name
        content = bytearray(path.read_bytes())
        # In the manifest a letter: a long number may change its last digit and stay the same.
        letter = content.find(b"text_column") + 1
        content[letter or len(content) // 2] ^= 1
        if damage == "flipped":
            path.write_bytes(content)
        elif damage == "cut":
            path.write_bytes(content[:-10])
        else:
            path.unlink()
        with pytest.raises(DamagedError, match=name):
            fanfold.load_model(folder)


def test_a_folder_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no model at"):
        fanfold.load_model(tmp_path / "nowhere")


def test_the_results_of_a_search_are_taken_for_the_model_in_them(
    model: Model, found: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fanfold")
    texts = ["a word", "another"]
    assert fanfold.load_model(found).predict(texts).tolist() == model.predict(texts).tolist()
    assert f"model_of_results folder={str(found / 'model')!r}" in caplog.text


def test_a_model_folder_holds_no_pickle(found: Path) -> None:
    names = {path.name for path in (found / "model").iterdir()}
    assert names in ({"booster.ubj", "manifest.json"}, {"estimator.skops", "manifest.json"})


def test_a_model_is_saved_to_an_address_and_to_the_users_home(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded: dict[str, set[str]] = {}

    def upload(path: Path, uri: str) -> None:
        uploaded[uri] = {each.name for each in path.iterdir()}

    monkeypatch.setattr(sys.modules[published.__module__], "upload", upload)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    model.save("s3://bucket/models/best")
    assert uploaded == {"s3://bucket/models/best": {"manifest.json", model.estimator.model_file}}
    model.save("~/best")
    assert fanfold.load_model("~/best").manifest["tokens"] == model.manifest["tokens"]
    with pytest.raises(UserError, match="'s3:/bucket/best' lacks a /"):
        model.save(Path("s3://bucket/best"))
    assert [each.name for each in tmp_path.iterdir()] == ["home"]


def test_a_series_of_neither_text_nor_numbers_is_refused(model: Model) -> None:
    for series, kind in (
        (pd.Series(pd.to_timedelta([1, 2], unit="s")), "duration"),
        (pd.Series(pd.period_range("2020", periods=2, freq="Y")), "extension"),
        (pd.Series([[1], [2]]), "list"),
        (pd.Series(pd.cut([1, 2], 2)), "extension"),
    ):
        with pytest.raises(UserError, match=f"'definition' of the data holds {kind}.* are needed"):
            model.predict(series)
        with pytest.raises(UserError, match=f"'definition' of the data holds {kind}.* are needed"):
            model.predict(pd.DataFrame({"definition": series}))


def test_texts_and_others_in_one_series_are_predicted_as_text(model: Model) -> None:
    mixed = pd.Series(["love", 1, None, datetime.date(2020, 1, 1)], dtype=object)
    # The texts, since no tree knows these words.
    assert texts_of(mixed, "definition") == ["love", "1", None, "2020-01-01"]


HALVES = ["love the party", "half \ud83d of", None, "\ude00\ud83d", "whole \ud83d\ude00", "love"]
"""Texts as `json.loads` gives them; polars and Arrow take those of whole characters only."""


@pytest.mark.parametrize("given", [list, np.array, pd.Series, pd.DataFrame])
def test_a_text_with_half_a_character_is_predicted_and_told_and_so_are_all_others(
    given: Any, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    mended = ["love the party", "half \ufffd of", None, "\ufffd\ufffd", "whole \U0001f600", "love"]
    series = pd.Series(HALVES, dtype=object)
    table = pd.DataFrame({"definition": series})
    data = {list: HALVES, np.array: np.array(HALVES, dtype=object), pd.Series: series}
    with caplog.at_level("WARNING", "fanfold"):
        found = model.predict(data.get(given, table))
        np.testing.assert_array_equal(found, model.predict(mended))
    (told,) = caplog.records
    assert texts_of(HALVES, "definition") == mended
    assert "in 2 of 6 texts; the first is text 1, counted from 0" in told.getMessage()


def test_a_model_on_a_scale_of_its_own_has_a_format_that_older_versions_refuse(
    tmp_path: Path,
) -> None:
    for target, wanted in (("up_votes", "fanfold-model-1"), ("up_votes * 1e-9", "fanfold-model-2")):
        found = fanfold.tune("sample:300", target=target, grid={"n_estimators": [3]}, folds=2).model
        found.save(tmp_path / "model")
        manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
        assert manifest["format"] == wanted
        texts = ["love", "the party"]
        again = fanfold.load_model(tmp_path / "model")
        np.testing.assert_array_equal(again.predict(texts), found.predict(texts))


@pytest.mark.parametrize(
    "given", [b"apple", bytearray(b"apple"), None, 3, Path("apple"), np.array("apple")]
)
def test_what_is_no_list_of_texts_is_refused(given: Any, model: Model) -> None:
    with pytest.raises(UserError, match=r"^predict takes .* given "):
        model.predict(given)


@pytest.mark.parametrize("given", [[b"apple"], [["a", "b"]], pd.Series(["a", b"b"], dtype=object)])
def test_a_value_that_is_no_text_is_refused(given: Any, model: Model) -> None:
    with pytest.raises(UserError, match=r"predict takes texts, and one of them is|holds"):
        model.predict(given)
