"""What networks and servers do wrong, and what comes of it: each server, behind a faulty proxy."""

from __future__ import annotations

import io
import logging
import random
import threading
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from fanfold.storage import (
    Changed,
    NotFound,
    Unreachable,
    download,
    gcs_client,
    open_storage,
    read_bytes,
    retry,
)
from fanfold.storage.retry import PATIENCE_VARIABLE
from tests.servers.proxy import FaultyProxy
from tests.servers.servers import Server

MEBIBYTE = 1 << 20
CONTENT = random.Random(1).randbytes(3 * MEBIBYTE + 7)
LARGE = random.Random(2).randbytes(40 * MEBIBYTE + 7)


@pytest.fixture
def uri(server: Server, bucket: str, proxy: FaultyProxy) -> str:
    """An object that has been written; the proxy has seen nothing yet."""
    uri = server.uri(bucket, "folder/object")
    open_storage(server.uri(bucket)).write("folder/object", CONTENT)
    proxy.requests.clear()
    return uri


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses begin at a hundredth of a second."""
    for module in (retry, gcs_client):
        monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATIENCE_VARIABLE, "1.5")


def root_of(uri: str) -> str:
    return uri.rpartition("/folder/")[0]


@pytest.mark.parametrize("after", [0, 1, 1_000_000])
def test_a_stream_goes_on_where_it_broke(
    after: int, uri: str, proxy: FaultyProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.cut(after, times=2, path="object")
    assert read_bytes(uri) == CONTENT
    broken = [record for record in caplog.records if "storage_retry" in record.message]
    assert len(broken) == 2
    assert all(record.levelno == logging.WARNING for record in broken)


def test_only_what_is_missing_is_asked_for_again(
    uri: str, server: Server, proxy: FaultyProxy
) -> None:
    proxy.cut(2_000_000, path="object")
    assert read_bytes(uri) == CONTENT
    begins = [seen.range for seen in proxy.requests if seen.method == "GET"]
    assert len(begins) == 2
    assert begins[1].startswith("bytes=2000000-")


def test_a_stream_that_breaks_again_and_again_is_read_to_its_end(
    uri: str, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    proxy.cut(300_000, times=None, path="object")
    assert read_bytes(uri) == CONTENT


def half_read(uri: str, proxy: FaultyProxy) -> BinaryIO:
    """A stream over the object "half" whose next request comes after its first bytes."""
    storage = open_storage(root_of(uri))
    if uri.startswith("gs://"):  # gives 16 MiB in a request
        storage.write("half", LARGE)
    else:
        storage.write("half", CONTENT)
        proxy.cut(2 * MEBIBYTE, path="half")
    stream = storage.open_reader("half")
    stream.read(100)
    return stream


def test_a_stream_that_breaks_goes_on_only_with_the_same_version(
    uri: str, proxy: FaultyProxy
) -> None:
    with half_read(uri, proxy) as stream:
        open_storage(root_of(uri)).write("half", CONTENT[::-1])
        with pytest.raises(Changed, match="half has changed"):
            stream.read()


def test_a_stream_that_breaks_does_not_go_on_with_what_was_removed(
    uri: str, proxy: FaultyProxy
) -> None:
    with half_read(uri, proxy) as stream:
        open_storage(root_of(uri)).remove("half")
        with pytest.raises((Changed, NotFound), match="half"):
            stream.read()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_waited_out(
    hasty: None, status: int, uri: str, proxy: FaultyProxy
) -> None:
    storage = open_storage(root_of(uri))
    for act in (
        lambda: storage.stat("folder/object"),
        lambda: storage.write("folder/object", b"new"),
        lambda: storage.write("large", LARGE),
        lambda: list(storage.list()),
        lambda: read_bytes(uri),
        lambda: storage.remove("folder/object"),
    ):
        proxy.answer(status, times=2)
        act()
    assert [entry.key for entry in storage.list()] == ["large"]
    assert read_bytes(f"{root_of(uri)}/large") == LARGE


def test_each_part_of_an_upload_is_tried_again_by_itself(uri: str, proxy: FaultyProxy) -> None:
    storage = open_storage(root_of(uri))
    proxy.answer(503, times=2, method="PUT")
    storage.write("large", io.BytesIO(LARGE))
    assert read_bytes(f"{root_of(uri)}/large") == LARGE
    assert proxy.count("PUT") == 5  # of three parts


def test_an_answer_that_is_lost_is_asked_for_again(uri: str, proxy: FaultyProxy) -> None:
    storage = open_storage(root_of(uri))
    proxy.lose(method="POST")
    proxy.lose(method="PUT")
    proxy.lose(method="DELETE")
    storage.write("small", b"small")
    storage.write("large", LARGE)
    storage.remove("folder/object")
    assert [(entry.key, entry.size) for entry in storage.list()] == [
        ("large", len(LARGE)),
        ("small", 5),
    ]
    assert read_bytes(f"{root_of(uri)}/large") == LARGE


@pytest.mark.parametrize("left", [1, 2])
def test_joining_the_parts_may_be_answered_twice(left: int, uri: str, proxy: FaultyProxy) -> None:
    proxy.lose(times=left, method="POST", path="uploadId=")
    open_storage(root_of(uri)).write("large", LARGE)
    assert read_bytes(f"{root_of(uri)}/large") == LARGE


def test_a_server_that_comes_back_is_waited_for(uri: str, proxy: FaultyProxy) -> None:
    proxy.refuse()
    threading.Timer(2, proxy.heal).start()
    assert read_bytes(uri) == CONTENT


def test_a_server_that_is_killed_while_it_is_read_is_waited_for(
    uri: str, server: Server, proxy: FaultyProxy
) -> None:
    storage = open_storage(root_of(uri))
    storage.write("large", LARGE)
    with storage.open_reader("large") as stream:
        begin = stream.read(1000)
        server.stop()
        restart = threading.Thread(target=lambda: (time.sleep(1), server.start()))
        restart.start()
        assert begin + stream.read() == LARGE
        restart.join()
    storage.write("after", b"1")
    assert read_bytes(f"{root_of(uri)}/after") == b"1"


def test_a_server_that_is_gone_is_given_up_in_time(
    impatient: None, uri: str, server: Server, proxy: FaultyProxy, tmp_path: Path
) -> None:
    proxy.refuse()
    storage = open_storage(root_of(uri))
    for act in (
        lambda: storage.stat("folder/object"),
        lambda: storage.write("folder/object", b"new"),
        lambda: storage.write("folder/object", LARGE),
        lambda: list(storage.list()),
        lambda: read_bytes(uri),
        lambda: storage.remove("folder/object"),
        lambda: download(uri, tmp_path / "file"),
    ):
        begin = time.monotonic()
        with pytest.raises(
            Unreachable, match="not answer: .*refused|not answer .*refused"
        ) as raised:
            act()
        assert time.monotonic() - begin < 5
        assert proxy.endpoint in str(raised.value)
        assert root_of(uri) in str(raised.value)
        assert raised.value.exit_code == 1
    assert list(tmp_path.glob("*")) == []


def test_a_server_that_keeps_failing_is_given_up_in_time(
    impatient: None, uri: str, proxy: FaultyProxy
) -> None:
    proxy.answer(503, times=None)
    begin = time.monotonic()
    with pytest.raises(Unreachable, match="status 503"):
        read_bytes(uri)
    assert time.monotonic() - begin < 5


def test_a_stream_that_always_breaks_at_once_is_given_up_in_time(
    impatient: None, uri: str, proxy: FaultyProxy
) -> None:
    proxy.cut(0, times=None, path="object")
    begin = time.monotonic()
    with pytest.raises(Unreachable, match="folder/object"):
        read_bytes(uri)
    assert time.monotonic() - begin < 6


def test_a_server_that_falls_silent_is_asked_again(
    impatient: None, uri: str, proxy: FaultyProxy
) -> None:
    proxy.stall(times=None)
    begin = time.monotonic()
    with pytest.raises(Unreachable, match="(?i)time"):
        read_bytes(uri)
    assert time.monotonic() - begin < 8


def test_what_cannot_be_downloaded_whole_leaves_what_was_there(
    impatient: None, uri: str, proxy: FaultyProxy, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("old")
    proxy.cut(1_000_000, path="object")
    proxy.cut(0, times=None, path="object")
    with pytest.raises(Unreachable):
        download(uri, tmp_path / "file")
    with pytest.raises(Unreachable):
        download(root_of(uri), tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"
