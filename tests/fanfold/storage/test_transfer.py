"""Whole folders to a store: whoever finds the last of their files, finds all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from fanfold.errors import UserError
from fanfold.storage import Entry, download, upload


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


class Bucket:
    """A bucket of these keys."""

    root = "s3://bucket"

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def list(self) -> Iterator[Entry]:
        yield from (Entry(key, 0, "1") for key in self.keys)

    def open_reader(self, key: str, version: str) -> BinaryIO:
        return io.BytesIO()


@pytest.mark.parametrize("key", ["a/b", "a/b/c"])
def test_a_key_that_is_also_the_folder_of_another_is_named(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.storage.transfer.open_storage", lambda uri: Bucket("a", key))
    with pytest.raises(UserError, match=f"^s3://bucket/{key} cannot be copied here, as a part of"):
        download("s3://bucket/", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_behind_a_link_is_copied_too(tmp_path: Path) -> None:
    for folder in ("from", "disk"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").touch()
    (tmp_path / "from/linked").symlink_to(tmp_path / "disk")
    upload(tmp_path / "from", str(tmp_path / "to"))
    assert (tmp_path / "to/file").exists() and (tmp_path / "to/linked/file").exists()
