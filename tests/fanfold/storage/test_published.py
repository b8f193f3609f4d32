"""What was made is at its address, or stays on this machine and is named."""

from __future__ import annotations

import errno
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import FanfoldError, UserError
from fanfold.storage import AccessDenied, Changed, Unreachable, exists, fetched, published
from tests.servers.servers import Server

S3 = pytest.mark.parametrize("server", ["versitygw"], indirect=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; temporary files lie beside it."""
    for name in ("here", "scratch"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    return tmp_path / "here"


def refuse(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def upload(path: Path, uri: str) -> None:
        raise error

    monkeypatch.setattr(sys.modules[published.__module__], "upload", upload)


def publish(uri: str) -> None:
    with published(uri) as beside:
        beside.mkdir()
        (beside / "best.json").write_text("{}")


def kept_in(folder: Path) -> Path:
    """All that lies in `folder`: one new folder, and what is kept in it."""
    (new,) = folder.iterdir()
    assert new.name.startswith("fanfold-kept-")
    (kept,) = new.iterdir()
    return kept


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AccessDenied("access is denied"), AccessDenied),
        (Unreachable("nobody answers"), Unreachable),
        (Changed("has changed"), Changed),
        (RuntimeError("a defect"), FanfoldError),
    ],
)
def test_what_a_bucket_does_not_take_is_kept_and_named(
    error: Exception, kind: type[FanfoldError], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, error)
    with pytest.raises(kind) as raised:
        publish("s3://bucket/models/best")
    kept = kept_in(here)
    assert type(raised.value) is kind and "\n" not in str(raised.value)
    for part in (str(error), repr(str(kept)), "copied to s3://bucket/models/best"):
        assert part in str(raised.value)
    assert kept.name == "best" and (kept / "best.json").read_text() == "{}"
    assert list((here.parent / "scratch").iterdir()) == []


def test_a_file_is_kept_under_its_own_name(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, AccessDenied("access is denied"))
    with pytest.raises(AccessDenied), published("gs://bucket/found.csv") as beside:
        beside.write_text("row,prediction\n")
    assert kept_in(here).name == "found.csv"
    assert kept_in(here).read_text() == "row,prediction\n"


def test_where_the_current_folder_takes_nothing_it_is_kept_with_temporary_files(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, AccessDenied("access is denied"))
    monkeypatch.chdir("/proc")
    with pytest.raises(AccessDenied, match="scratch/fanfold-kept-"):
        publish("s3://bucket/best")
    assert (kept_in(here.parent / "scratch") / "best.json").exists()


def test_a_full_disk_keeps_no_half(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copytree

    def full_here(source: Path, target: Path) -> Any:
        if target.is_relative_to(here):
            target.mkdir()
            raise OSError(errno.ENOSPC, "No space left on device")
        return copy(source, target)

    refuse(monkeypatch, AccessDenied("access is denied"))
    monkeypatch.setattr(shutil, "copytree", full_here)
    with pytest.raises(AccessDenied, match="scratch/fanfold-kept-"):
        publish("s3://bucket/best")
    assert list(here.iterdir()) == []
    assert (kept_in(here.parent / "scratch") / "best.json").exists()


def test_a_second_signal_leaves_what_was_made_whole(
    here: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stopped(source: Path, target: Path) -> None:
        target.mkdir()
        raise KeyboardInterrupt

    refuse(monkeypatch, AccessDenied("access is denied"))
    monkeypatch.setattr(shutil, "copytree", stopped)
    with pytest.raises(KeyboardInterrupt):
        publish("s3://bucket/best")
    kept = kept_in(here.parent / "scratch")
    assert (kept / "best.json").exists() and repr(str(kept)) in caplog.text
    assert list(here.iterdir()) == []


def test_what_temporary_files_have_no_room_for_is_kept_in_the_current_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkdtemp

    def full(prefix: str, dir: str | None = None) -> str:
        if dir is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return make(prefix=prefix, dir=dir)

    refuse(monkeypatch, AccessDenied("access is denied"))
    with pytest.raises(AccessDenied, match="nothing is lost"), published("s3://b/best") as beside:
        beside.mkdir()
        (beside / "best.json").write_text("{}")
        monkeypatch.setattr(tempfile, "mkdtemp", full)
    assert (kept_in(here) / "best.json").exists()


def test_where_nothing_can_be_kept_the_error_is_still_the_buckets(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**how: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    refuse(monkeypatch, AccessDenied("access is denied"))
    with (
        pytest.raises(AccessDenied, match="access is denied; and it could not be kept"),
        published("s3://bucket/best") as beside,
    ):
        beside.mkdir()
        monkeypatch.setattr(tempfile, "mkdtemp", full)


def test_what_is_made_when_a_signal_comes_is_kept(
    here: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(monkeypatch, KeyboardInterrupt())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        publish("s3://bucket/best")
    assert (kept_in(here) / "best.json").exists()
    assert repr(str(kept_in(here))) in caplog.text


@S3
def test_what_may_not_be_written_to_a_real_bucket_is_kept(
    server: Server, bucket: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(server.uri(bucket, "mine"))
    assert exists(server.uri(bucket, "mine/best.json")) and list(here.iterdir()) == []
    for name, value in server.environment_at(server.endpoint, server.stranger).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AccessDenied, match="is denied: .*; nothing is lost: .*fanfold-kept-"):
        publish(server.uri(bucket, "theirs"))
    assert (kept_in(here) / "best.json").exists()


def test_the_users_home_may_be_a_tilde(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here.parent / "home"))
    publish("~/found/best")
    assert (here.parent / "home/found/best/best.json").exists() and list(here.iterdir()) == []
    with fetched(Path("~/found/best")) as found:
        assert found == here.parent / "home/found/best"


def test_an_address_that_is_no_text_is_refused(here: Path) -> None:
    for uri in (Path("s3://bucket/best"), Path("gs://bucket/best")):
        scheme = str(uri)[:2]
        for way in (published, fetched):
            with (
                pytest.raises(UserError, match=f"lacks a / .* such as '{scheme}://bucket/best'"),
                way(uri),
            ):
                pass
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("uri", ["s3://bucket/..", "az://container/best", "s3://"])
def test_what_is_no_address_is_refused_before_anything_is_made(uri: str, here: Path) -> None:
    with pytest.raises(UserError, match=r"part \. or \.\.|is not supported|names no bucket"):
        publish(uri)
    assert list(here.iterdir()) == []
