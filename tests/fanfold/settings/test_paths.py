"""Where a search may write: what would lose something is refused before anything is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import fanfold
from fanfold.errors import UserError
from fanfold.settings.paths import NOWHERE, check_apart, check_file, check_folder, check_places
from fanfold.settings.search import Settings
from fanfold.tables.table import FRAME, SAMPLE
from tests.fanfold.earlier import write_earlier


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in, with a table and what an earlier search found."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.csv").write_text("text,votes\na,1\n")
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "words.csv").write_text("text,votes\na,1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("data", "ledger", "output"),
    [
        ("words.csv", "new/ledger", "new"),
        ("words.csv", "new", "new"),
        ("words.csv", "found/../new/ledger", "./new"),
        ("found/words.csv", "", "found"),
    ],
)
def test_what_would_be_gone_with_the_output_that_is_replaced_is_named(
    data: str, ledger: str, output: str, folder: Path
) -> None:
    settings = Settings(data=data, ledger=ledger)
    with pytest.raises(UserError, match=r"=.* lies in the output folder .*, which is replaced"):
        check_places(settings, output, overwrite=True)


def test_places_side_by_side_and_an_output_within_the_ledger_are_fine(folder: Path) -> None:
    settings = Settings(data="words.csv", ledger="ledger")
    write_earlier(folder / "earlier")
    for output in ("new", folder / "earlier", "ledger/found", None):
        check_places(settings, output, overwrite=True)
    check_places(Settings(ledger="found"), None, overwrite=False)


def test_a_ledger_that_can_hold_nothing_is_named(folder: Path) -> None:
    for ledger, said in (
        ("words.csv", "is a file: name a folder"),
        ("/proc/l", "cannot write"),
        ("/proc", "cannot write '/proc/folds'"),  # it is there, and takes nothing
    ):
        with pytest.raises(UserError, match=said):
            check_places(Settings(ledger=ledger), None, overwrite=False)


def test_where_a_link_leads_is_what_must_be_writable(folder: Path) -> None:
    (folder / "there").symlink_to("/proc/nothing")
    with pytest.raises(UserError, match="cannot write 'there'"):
        check_folder("there", overwrite=True)


@pytest.mark.parametrize("output", [".", "..", "../{name}"])
def test_the_folder_that_a_command_runs_in_is_not_replaced(output: str, folder: Path) -> None:
    (folder / "in" / "side").mkdir(parents=True)
    os.chdir(folder / "in" / "side" if output == ".." else folder / "found")
    with pytest.raises(UserError, match="cannot be replaced, as this command runs in it: name one"):
        check_folder(output.format(name="found"), overwrite=True)


def test_the_folder_that_a_command_runs_in_is_kept_when_it_is_empty_too(folder: Path) -> None:
    (folder / "empty").mkdir()
    os.chdir(folder / "empty")
    with pytest.raises(UserError, match=r"this command runs in it: name one below it.*'found'"):
        fanfold.tune(folder / "words.csv", text_column="text", target="votes", output=".")


def test_a_mount_is_not_replaced() -> None:
    with pytest.raises(UserError, match=r"as something is mounted there: .* '/proc/found'"):
        check_folder("/proc", overwrite=True)


@pytest.mark.parametrize("overwrite", [True, False])
def test_an_output_of_no_storage_is_refused_also_where_it_may_be_replaced(
    overwrite: bool, folder: Path
) -> None:
    for check in (check_file, check_folder):
        with pytest.raises(UserError, match="az:// is not supported"):
            check("az://container/found.csv", overwrite)


def test_a_place_that_cannot_be_written_is_told_before_the_table_is_read() -> None:
    with pytest.raises(UserError, match=r"cannot write '/proc/o'"):
        fanfold.tune("nowhere.csv", output="/proc/o")


def test_a_folder_that_holds_only_a_link_to_another_is_not_empty(folder: Path) -> None:
    (folder / "new").mkdir()
    (folder / "new" / "link").symlink_to(folder / "found")
    with pytest.raises(UserError, match="'new' exists and is not empty"):
        check_folder("new", overwrite=False)


def test_a_tilde_is_the_users_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    with pytest.raises(UserError, match=f"'{folder}/found' exists and is not empty"):
        check_folder("~/found", overwrite=False)
    with pytest.raises(UserError, match=f"'{folder}/words.csv' exists"):
        check_file("~/words.csv", overwrite=False)
    settings = Settings(data=str(folder / "found" / "words.csv"))
    with pytest.raises(UserError, match="lies in the output folder"):
        check_places(settings, Path("~/found"), overwrite=True)


def test_an_address_that_is_a_path_is_refused_before_the_table_is_read(folder: Path) -> None:
    for how in ({"data": "nowhere.csv", "output": Path("s3://b/out")}, {"data": Path("gs://b/d")}):
        with pytest.raises(UserError, match=r"'(s3|gs):/b/.*' lacks a / .*: give it as text"):
            fanfold.tune(**how)
    assert {each.name for each in folder.iterdir()} == {"words.csv", "found"}


def test_a_link_that_leads_to_itself_is_named_wherever_it_is_given(folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    settings = Settings(data="words.csv")
    for check in (
        lambda: check_places(settings, "a", overwrite=True),
        lambda: check_places(settings, "a/found", overwrite=False),
        lambda: check_places(Settings(ledger="a"), None, overwrite=False),
        lambda: check_file("a", overwrite=True),
        lambda: check_folder("a", overwrite=True),
        lambda: check_apart("a", "c.csv"),
        lambda: check_apart("words.csv", "a"),
        lambda: fanfold.tune("a"),
        lambda: fanfold.load_model("a"),
    ):
        with pytest.raises(UserError, match="no file can be reached at 'a.*a link leads back"):
            check()


def test_data_that_lies_nowhere_is_what_the_tables_call_so() -> None:
    assert NOWHERE == (SAMPLE, FRAME)
