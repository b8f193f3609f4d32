"""Whole folders to a store: whoever finds the last of their files, finds all."""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold.errors import UserError
from fanfold.storage import upload


def test_the_last_file_of_an_older_folder_is_gone_until_all_of_the_new_are_there(
    tmp_path: Path,
) -> None:
    new, there = tmp_path / "new", tmp_path / "there"
    for folder in (new, there):
        folder.mkdir()
        for name in ("best.json", "summary.json"):
            (folder / name).write_text(folder.name)
    (new / "scores.csv").write_text("new")
    (there / "scores.csv").mkdir()  # which no file can replace
    with pytest.raises(UserError, match="is a folder"):
        upload(new, str(there))
    assert sorted(each.name for each in there.iterdir()) == ["best.json", "scores.csv"]
    (there / "scores.csv").rmdir()
    upload(new, str(there))
    assert {each.read_text() for each in there.iterdir()} == {"new"}
