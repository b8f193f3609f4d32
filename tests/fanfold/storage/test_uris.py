"""Functions on URIs, on a folder and on each server."""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold.errors import UserError
from fanfold.storage import (
    NotFound,
    download,
    exists,
    is_remote,
    join,
    open_reader,
    open_storage,
    read_bytes,
    stat,
    upload,
    write_bytes,
)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("uri", "remote"),
    [
        ("gs://bucket/key", True),
        ("s3://bucket", True),
        ("s3", False),
        ("s3:/bucket", False),
        ("folder/s3://bucket", False),
        ("/folder", False),
        ("http://host/key", False),
        ("", False),
    ],
)
def test_what_is_remote(uri: str, remote: bool) -> None:
    assert is_remote(uri) is remote


@pytest.mark.parametrize(
    ("uri", "parts", "joined"),
    [
        ("s3://bucket", ("a",), "s3://bucket/a"),
        ("s3://bucket/", ("a/", "/b", "c.txt"), "s3://bucket/a/b/c.txt"),
        ("gs://bucket/a b", ("c#d",), "gs://bucket/a b/c#d"),
        ("folder", ("a", "b"), "folder/a/b"),
        ("/folder/", ("a",), "/folder/a"),
        (".", ("a",), "a"),
    ],
)
def test_parts_are_joined(uri: str, parts: tuple[str, ...], joined: str) -> None:
    assert join(uri, *parts) == joined


@pytest.mark.parametrize("uri", ["ftp://a/b", "https://host/table.csv", "S3://bucket/key", "://a"])
def test_another_scheme_is_refused(uri: str, tmp_path: Path) -> None:
    for refused in (open_reader, open_storage, stat, read_bytes, exists):
        with pytest.raises(UserError, match="is not supported; give gs://bucket/key, s3://"):
            refused(uri)
    with pytest.raises(UserError, match="is not supported"):
        write_bytes(uri, b"")
    with pytest.raises(UserError, match="is not supported"):
        download(uri, tmp_path / "file")


@pytest.mark.parametrize("uri", ["s3:/bucket/key", "gs:/bucket"])
def test_an_address_that_was_a_path_is_refused(uri: str, tmp_path: Path) -> None:
    as_it_was = uri.replace(":/", "://")
    assert str(Path(as_it_was)) == uri
    for refused in (open_reader, open_storage, stat, read_bytes, exists):
        with pytest.raises(
            UserError, match=f"lacks a / .*: give it as text, such as '{as_it_was}'"
        ):
            refused(uri)
    with pytest.raises(UserError, match="lacks a /"):
        write_bytes(uri, b"")


@pytest.mark.parametrize("uri", ["s3://", "gs://", "s3:///key"])
def test_a_bucket_must_be_named(uri: str) -> None:
    for refused in (open_reader, open_storage, stat, exists):
        with pytest.raises(UserError, match="names no bucket: give .*://bucket/key"):
            refused(uri)


@pytest.mark.parametrize("uri", ["s3://bucket", "gs://bucket/", "s3://bucket/folder/"])
def test_an_object_must_be_named(uri: str) -> None:
    for refused in (open_reader, stat, read_bytes):
        with pytest.raises(UserError, match="names no object: give .*://bucket/key"):
            refused(uri)


@pytest.mark.parametrize("uri", ["s3://bucket/a/../b", "gs://bucket/..", "s3://bucket/found/./"])
def test_a_key_leads_nowhere_else(uri: str) -> None:
    for refused in (open_reader, open_storage, stat, exists):
        with pytest.raises(UserError, match=r"has a part \. or \.\.: give .*://bucket/key"):
            refused(uri)


@pytest.mark.parametrize("bucket", ["ab", "a_b!", "-bucket", "192.168.0.1", "a..b"])
def test_a_bucket_that_cannot_be_is_said(bucket: str) -> None:
    with pytest.raises(UserError, match="cannot be the name of an S3 bucket"):
        open_storage(f"s3://{bucket}/key")


def test_a_bucket_that_cannot_be_on_google_cloud_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="cannot be the name of a bucket on Google Cloud"):
        open_storage("gs://-bucket/key")


def test_one_object(root: str) -> None:
    uri = join(root, "a/b?c#d%20e.txt")
    assert not exists(uri)
    write_bytes(uri, b"content")
    assert exists(uri)
    assert read_bytes(uri) == b"content"
    assert stat(uri).key == "b?c#d%20e.txt"
    assert stat(uri).size == 7
    with open_reader(uri, stat(uri).version) as stream:
        assert stream.read(3) == b"con"


def test_what_lies_below_a_prefix_exists(root: str) -> None:
    assert not exists(root)
    write_bytes(join(root, "a/b/c"), b"")
    for there in ("", "a", "a/b", "a/b/c"):
        assert exists(join(root, there))
    assert exists(join(root, "a") + "/")
    for absent in ("a/", "b", "a/bc", "a/b/c/d", "a/b/"):
        assert exists(join(root, absent)) is (absent in ("a/", "a/b/"))
    bucket = "/".join(root.split("/", 3)[:3])
    assert not is_remote(root) or exists(bucket)


def test_a_file_goes_there_and_back(root: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    upload(tmp_path / "file", join(root, "a/file"))
    (tmp_path / "back").write_bytes(b"a longer old content")
    download(join(root, "a/file"), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"content"
    download(join(root, "a/file"), tmp_path / "new/folder/back")
    assert (tmp_path / "new/folder/back").read_bytes() == b"content"


def test_a_folder_goes_there_and_back(root: str, tmp_path: Path) -> None:
    written = {"a": b"1", "b/c": b"2", "b/d e#é": b"3", "empty": b"", ".hidden/f": b"4"}
    for name, content in written.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    upload(tmp_path / "folder", join(root, "copy"))
    assert [entry.key for entry in open_storage(join(root, "copy")).list()] == sorted(written)
    (tmp_path / "back").mkdir()
    (tmp_path / "back/old").write_bytes(b"")
    download(join(root, "copy"), tmp_path / "back")
    assert files(tmp_path / "back") == written
    download(join(root, "copy") + "/", tmp_path / "again")
    assert files(tmp_path / "again") == written


def test_nothing_to_copy_is_said(root: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(NotFound, match="nothing is at '.*missing'"):
        download(join(root, "missing"), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "old"
    with pytest.raises(NotFound, match="no file at"):
        upload(tmp_path / "missing", join(root, "missing"))
