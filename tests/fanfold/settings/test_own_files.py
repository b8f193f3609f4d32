"""A folder of an earlier search is told from one that holds anything else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import fanfold
from fanfold.errors import UserError
from fanfold.models.model import MODEL_FILES
from fanfold.settings import own_files
from fanfold.settings.own_files import MODEL, SEARCH
from fanfold.settings.paths import check_file, check_folder, check_model_folder
from tests.contract import FILES
from tests.fanfold.earlier import write_earlier


@pytest.fixture
def found(tmp_path: Path) -> Path:
    write_earlier(tmp_path / "found")
    return tmp_path / "found"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real search."""
    folder = tmp_path_factory.mktemp("searched") / "found"
    fanfold.tune("sample:300", grid={"n_estimators": [5]}, folds=2, output=folder)
    return folder


def test_the_names_are_those_that_a_search_and_a_model_promise() -> None:
    assert {name.partition("/")[0] for name in SEARCH.names} == FILES
    assert set(own_files.MODEL_FILES) == set(MODEL_FILES) == set(MODEL.names)


def test_all_that_a_real_search_wrote_may_be_replaced(searched: Path) -> None:
    files = {
        each.relative_to(searched).as_posix() for each in searched.rglob("*") if each.is_file()
    }
    assert files | {"model"} == set(check_folder(str(searched), overwrite=True))
    model = {each.name for each in (searched / "model").iterdir()}
    assert model == set(check_model_folder(searched / "model") or {})


def put_file(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("mine")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("thesis.tex", "thesis.tex"),
        ("data/unit.csv", "data/"),
        (".gitignore", ".gitignore"),
        ("model/notes.txt", "model/notes.txt"),
        ("model/plots/a.png", "model/plots/"),
        ("Report.html", "Report.html"),
    ],
)
def test_a_folder_with_one_file_that_no_search_wrote_is_refused(
    name: str, said: str, found: Path
) -> None:
    put_file(found, name)
    with pytest.raises(UserError, match=rf"is not replaced, as it holds .* \({said}\): name"):
        check_folder(str(found), overwrite=True)
    with pytest.raises(UserError, match=rf"is not empty: name another; it holds .* \({said}\)"):
        check_folder(str(found), overwrite=False)


def test_links_and_empty_folders_are_strangers_too(found: Path) -> None:
    (found / "plots").mkdir()
    os.rename(found / "scores.csv", found.parent / "scores.csv")
    (found / "scores.csv").symlink_to(found.parent / "scores.csv")
    with pytest.raises(UserError, match=r"\(plots/, scores\.csv\)"):
        check_folder(str(found), overwrite=True)


@pytest.mark.parametrize("content", ["{}", "[]", "no JSON", '{"accuracy": 0.9}'])
def test_files_of_the_same_names_that_another_tool_wrote_are_strangers(
    content: str, found: Path
) -> None:
    (found / "summary.json").write_text(content)
    with pytest.raises(UserError, match=r"best\.json, leaderboard\.csv, .* and 3 more\)"):
        check_folder(str(found), overwrite=True)
    (found / "summary.json").unlink()
    with pytest.raises(UserError, match=r"and 2 more\)"):
        check_folder(str(found), overwrite=True)


@pytest.mark.parametrize("name", [".DS_Store", "model/.DS_Store", ".ipynb_checkpoints/a.csv"])
def test_what_a_file_manager_or_a_notebook_leaves_blocks_nothing(name: str, found: Path) -> None:
    put_file(found, name)
    assert check_folder(str(found), overwrite=True)
    put_file(found.parent / "new", name.rpartition("/")[2])
    if "ipynb" not in name:
        assert check_folder(str(found.parent / "new"), overwrite=False) == {}


@pytest.mark.parametrize("where", [".", "./", "../project", "/", "/proc"])
def test_the_current_folder_and_a_mount_are_refused_and_what_is_in_them_named(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file(tmp_path / "project", "thesis.tex")
    monkeypatch.chdir(tmp_path / "project")
    held = "thesis.tex" if where.startswith(".") else "more"
    with pytest.raises(UserError, match=f"cannot be replaced, as .*: name one .*{held}"):
        check_folder(where, overwrite=True)


def test_the_users_home_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_file(tmp_path / "home", "thesis.tex")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(UserError, match=r"'.*home' is not replaced, .* \(thesis\.tex\)"):
        fanfold.tune("sample:300", output="~", overwrite=True)
    assert (tmp_path / "home" / "thesis.tex").read_text() == "mine"


def test_a_model_is_saved_over_a_model_and_over_nothing_else(
    searched: Path, tmp_path: Path
) -> None:
    model = fanfold.load_model(searched / "model")
    model.save(tmp_path / "model")
    model.save(tmp_path / "model")
    assert fanfold.load_model(tmp_path / "model").manifest == model.manifest
    put_file(tmp_path / "model", "notes.txt")
    put_file(tmp_path, "file")
    for folder, said in ((tmp_path / "model", "notes.txt"), (searched, "best.json")):
        with pytest.raises(UserError, match=rf"is no part of a model \(.*{said}"):
            model.save(folder)
    with pytest.raises(UserError, match="is a file: name a folder"):
        model.save(tmp_path / "file")
    assert (tmp_path / "model" / "notes.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    model.save(tmp_path / "empty")
    assert fanfold.load_model(tmp_path / "empty").manifest == model.manifest


@pytest.mark.parametrize("holds_model", [True, False])
def test_a_model_does_not_replace_the_current_folder_nor_a_mount(
    holds_model: bool, searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fanfold.load_model(searched / "model")
    here = tmp_path / "here"
    if holds_model:
        model.save(here)
    here.mkdir(exist_ok=True)
    monkeypatch.chdir(here)
    with pytest.raises(UserError, match=r"this command runs in it: name one below it.*'model'"):
        model.save(".")
    assert os.path.samefile(".", here)


@pytest.mark.parametrize("write", [check_folder, check_file])
def test_an_output_without_a_name_is_not_the_current_folder(write: Any) -> None:
    with pytest.raises(UserError, match="the output '' has no name"):
        write("", overwrite=True)


@pytest.mark.parametrize("data", ["sample:300", pd.DataFrame({"text": ["a"] * 9, "y": range(9)})])
def test_data_that_is_no_file_lies_in_no_folder(
    data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="as this command runs in it"):
        fanfold.tune(data, text_column="text", target="y", output=".")


def test_a_search_does_not_replace_a_model(searched: Path) -> None:
    with pytest.raises(UserError, match=r"holds what no search wrote \(booster\.ubj, manifest"):
        check_folder(str(searched / "model"), overwrite=True)


def test_what_may_be_replaced_of_a_file_is_the_file(tmp_path: Path) -> None:
    assert check_file(str(tmp_path / "new.csv"), overwrite=True) == {}
    put_file(tmp_path, "old.csv")
    (seen,) = check_file(str(tmp_path / "old.csv"), overwrite=True)
    assert seen == ""
