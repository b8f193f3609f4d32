"""What every storage does, be it a folder or a bucket on a real server."""

from __future__ import annotations

import hashlib
import io
import random
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from fanfold.errors import UserError
from fanfold.storage import Changed, NotFound, Storage, join, open_storage

ODD_KEYS = [
    "with space",
    " begins and ends with one ",
    "a+b",
    "100%",
    "a%20b",
    "a%2Fb",
    "a#b",
    "a?b=c&d",
    "größe/ключ/鍵/🗝",
    "quotes'\"`",
    "a=b:c;d,e@f!$(x)[y]{z}~^|",
    "...",
    ".hidden/file",
    "-dash",
]
MEBIBYTE = 1 << 20


class Pipe(io.RawIOBase):
    """A stream that cannot seek, does not know its size and gives little at a time."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        return self._inner.readinto(buffer[:100_000])


def keys(storage: Storage, prefix: str = "") -> list[str]:
    return [entry.key for entry in storage.list(prefix)]


def content(storage: Storage, key: str) -> bytes:
    with storage.open_reader(key) as stream:
        return stream.read()


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def test_what_is_written_is_read(storage: Storage) -> None:
    storage.write("a/b/c.txt", b"\x00\xffcontent")
    assert content(storage, "a/b/c.txt") == b"\x00\xffcontent"


def test_an_empty_object_is_an_object(storage: Storage) -> None:
    storage.write("empty", b"")
    assert content(storage, "empty") == b""
    assert storage.stat("empty").size == 0
    assert [(entry.key, entry.size) for entry in storage.list()] == [("empty", 0)]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_key_may_hold_any_character(key: str, storage: Storage) -> None:
    storage.write(key, key.encode())
    assert content(storage, key) == key.encode()
    entry = storage.stat(key)
    assert list(storage.list()) == [entry]
    assert entry.key == key
    storage.remove(key)
    assert keys(storage) == []


def test_keys_that_are_alike_are_told_apart(storage: Storage) -> None:
    alike = ["a b", "a+b", "a%20b", "a%2Bb"]
    for key in alike:
        storage.write(key, key.encode())
    assert {key: content(storage, key).decode() for key in alike} == {key: key for key in alike}


@pytest.mark.parametrize("key", ["", "/", "/a", "a/", "..", "a/../b", "./a", "a/.", "\0"])
def test_a_key_that_means_another_place_is_refused(key: str, storage: Storage) -> None:
    for refused in (storage.stat, storage.open_reader, storage.remove):
        with pytest.raises(UserError, match="cannot be a key in"):
            refused(key)
    with pytest.raises(UserError, match="cannot be a key in"):
        storage.write(key, b"")


def test_an_object_is_replaced(storage: Storage) -> None:
    storage.write("key", b"a long old content")
    storage.write("key", b"new")
    assert content(storage, "key") == b"new"
    assert storage.stat("key").size == 3


def test_a_stream_is_written_from_where_it_stands(storage: Storage) -> None:
    source = io.BytesIO(b"skipped|kept")
    source.seek(8)
    storage.write("key", source)
    assert content(storage, "key") == b"kept"


def test_a_stream_that_knows_no_size_is_written(storage: Storage) -> None:
    storage.write("small", io.BufferedReader(Pipe(b"small")))
    assert content(storage, "small") == b"small"
    storage.write("none", io.BufferedReader(Pipe(b"")))
    assert content(storage, "none") == b""


@pytest.mark.parametrize("known", [True, False], ids=["size known", "size unknown"])
@pytest.mark.parametrize("size", [16 * MEBIBYTE, 40 * MEBIBYTE + 1])
def test_a_large_object_is_written_in_parts(size: int, known: bool, storage: Storage) -> None:
    large = noise(size)
    storage.write("large", io.BytesIO(large) if known else io.BufferedReader(Pipe(large)))
    assert storage.stat("large").size == size
    with storage.open_reader("large") as stream:
        assert hashlib.file_digest(stream, "sha256").digest() == hashlib.sha256(large).digest()


def test_a_source_that_fails_leaves_what_was_there(storage: Storage) -> None:
    class Failing(Pipe):
        def readinto(self, buffer: memoryview) -> int:
            return super().readinto(buffer) or self.fail()

        def fail(self) -> int:
            raise OSError("the source broke")

    storage.write("key", b"old")
    for size in (10, 40 * MEBIBYTE):
        with pytest.raises(OSError, match="the source broke"):
            storage.write("key", io.BufferedReader(Failing(noise(size))))
        with pytest.raises(OSError, match="the source broke"):
            storage.write("other", io.BufferedReader(Failing(noise(size))))
    assert content(storage, "key") == b"old"
    assert keys(storage) == ["key"]


def test_entries_are_listed_in_order_at_any_depth(storage: Storage) -> None:
    written = ["b", "a/c", "a/b/c", "a-b", "a.b", "a/b.c", "ab", "é", "z", "B", "a0"]
    for key in written:
        storage.write(key, key.encode())
    assert keys(storage) == sorted(written)
    assert {entry.key: entry.size for entry in storage.list()} == {
        key: len(key.encode()) for key in written
    }


def test_a_prefix_is_the_beginning_of_a_key(storage: Storage) -> None:
    for key in ("ab/c", "ab/d", "abc", "b", "a"):
        storage.write(key, b"")
    assert keys(storage, "ab") == ["ab/c", "ab/d", "abc"]
    assert keys(storage, "ab/") == ["ab/c", "ab/d"]
    assert keys(storage, "ab/c") == ["ab/c"]
    assert keys(storage, "c") == []
    assert keys(storage, "b/") == []


def test_what_lies_beside_the_root_is_not_listed(root: str) -> None:
    open_storage(root).write("in", b"")
    open_storage(f"{root}-beside").write("out", b"")
    assert keys(open_storage(root)) == ["in"]
    assert keys(open_storage(f"{root}/")) == ["in"]
    assert open_storage(f"{root}/").root == root


def test_nothing_is_listed_where_nothing_is(storage: Storage) -> None:
    assert keys(storage) == []
    assert keys(storage, "a/b") == []


@pytest.mark.slow
def test_more_objects_are_listed_than_one_answer_holds(storage: Storage) -> None:
    written = [f"{number % 7}/{number:04d}" for number in range(2100)]
    with ThreadPoolExecutor(8) as threads:
        for _ in threads.map(storage.write, written, [b"x"] * len(written)):
            pass
    assert keys(storage) == sorted(written)


def test_a_listed_entry_is_the_one_that_stat_gives(storage: Storage) -> None:
    storage.write("a", b"1")
    storage.write("large", noise(20 * MEBIBYTE))
    assert list(storage.list()) == [storage.stat("a"), storage.stat("large")]


def test_a_version_changes_with_the_content_and_only_then(storage: Storage) -> None:
    storage.write("key", b"1")
    first = storage.stat("key")
    assert storage.stat("key") == first
    assert content(storage, "key") == b"1"
    assert storage.stat("key") == first
    storage.write("key", b"2")
    assert storage.stat("key").version != first.version


def test_a_version_is_read_or_it_is_said_that_it_is_gone(storage: Storage) -> None:
    storage.write("key", b"1")
    version = storage.stat("key").version
    with storage.open_reader("key", version) as stream:
        assert stream.read() == b"1"
    storage.write("key", b"2")
    with pytest.raises(Changed, match="key.* changed"):
        storage.open_reader("key", version)
    with pytest.raises(Changed):
        storage.open_reader("key", "a version of another kind")


def test_what_is_read_is_of_one_version_if_it_is_replaced_meanwhile(storage: Storage) -> None:
    # On Google's, more than one request gives; MinIO holds a writer up while one gives much.
    size = (20 if storage.root.startswith("gs://") else 1) * MEBIBYTE
    old, new = noise(size), noise(size + 1)
    storage.write("key", old)
    with storage.open_reader("key") as stream:
        begin = stream.read(100)
        storage.write("key", new)
        try:
            assert begin + stream.read() == old
        except Changed as error:
            assert "key" in str(error)
    assert content(storage, "key") == new


def test_reading_can_begin_anywhere(storage: Storage) -> None:
    whole = noise(20 * MEBIBYTE)
    storage.write("key", whole)
    with storage.open_reader("key") as stream:
        assert stream.seekable()
        for position in (17 * MEBIBYTE, 5, 0, len(whole) - 3, 16 * MEBIBYTE - 1):
            assert stream.seek(position) == position
            assert stream.tell() == position
            assert stream.read(10) == whole[position : position + 10]
        assert stream.seek(-4, io.SEEK_END) == len(whole) - 4
        assert stream.read() == whole[-4:]
        assert stream.read() == b""
        assert stream.seek(len(whole) + 100) == len(whole) + 100
        assert stream.read() == b""


def test_lines_are_read(storage: Storage) -> None:
    storage.write("key", b"one\ntwo\n\nlast")
    with storage.open_reader("key") as stream:
        assert list(stream) == [b"one\n", b"two\n", b"\n", b"last"]


def test_what_is_compressed_is_read_as_it_is_stored(storage: Storage) -> None:
    compressed = zlib.compress(b"text" * 1000)
    storage.write("key.gz", compressed)
    assert content(storage, "key.gz") == compressed


def test_what_is_removed_is_gone(storage: Storage) -> None:
    storage.write("a/key", b"")
    storage.write("a/other", b"")
    storage.remove("a/key")
    assert keys(storage) == ["a/other"]
    with pytest.raises(NotFound):
        storage.stat("a/key")


def test_removing_nothing_is_no_error(storage: Storage) -> None:
    storage.remove("key")
    storage.write("a/b", b"")
    storage.remove("a")
    storage.remove("a/b/c")
    assert keys(storage) == ["a/b"]


def test_what_is_not_there_is_named(storage: Storage) -> None:
    storage.write("folder/key", b"")
    for key in ("missing", "folder", "folder/key/below"):
        for asked in (storage.stat, storage.open_reader):
            with pytest.raises(NotFound) as raised:
                asked(key)
            assert join(storage.root, key) in str(raised.value)
            assert "\n" not in str(raised.value)
            assert raised.value.exit_code == 2


def test_two_who_write_one_key_do_no_harm(storage: Storage) -> None:
    contents = [noise(size) for size in range(100_000, 100_016)]
    with ThreadPoolExecutor(8) as threads:
        for _ in threads.map(storage.write, ["key"] * len(contents), contents):
            pass
    assert content(storage, "key") in contents
    assert keys(storage) == ["key"]
