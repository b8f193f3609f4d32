"""Sealed manifests: whatever changes in a file, the file is named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fanfold.errors import DamagedError
from fanfold.storage.sealed import check_files, digest, read_manifest, sha256, write_manifest

FACTS = {"format": "test-1", "tokens": ["the", "größe", "\u2028"], "idf": [0.1, 1e-300, 2.0]}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
facts = st.dictionaries(st.text().filter(lambda name: name != "sha256"), json_values, max_size=4)


@given(facts)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_facts_come_back_as_they_were_written(tmp_path: Path, facts: dict[str, Any]) -> None:
    whole = {**facts, "format": "test-1"}
    write_manifest(tmp_path / "manifest.json", whole)
    assert read_manifest(tmp_path / "manifest.json", "test-1") == whole


def test_no_order_of_keys_changes_the_digest_and_any_value_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert len({digest(each) for each in ({"a": 1}, {"a": 1.5}, {"a": "1"}, {"b": 1}, {})}) == 5


def test_a_files_checksum_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"fanfold" * 100_000)
    assert sha256(tmp_path / "file") == hashlib.sha256(b"fanfold" * 100_000).hexdigest()


def test_a_manifest_with_any_one_byte_changed_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, FACTS)
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        try:
            same = read_manifest(path, "test-1") == FACTS  # white space may be other white space
        except DamagedError as error:
            assert str(path) in str(error)
        else:
            assert same


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a manifest that fanfold wrote"),
        (b"{", "is not a manifest that fanfold wrote"),
        (b"[]", "is not a manifest that fanfold wrote"),
        (b"null", "is not a manifest that fanfold wrote"),
        (b"\xff\xfe", "is not a manifest that fanfold wrote"),
        (b'{"format": "test-1"}', "is not a manifest that fanfold wrote"),
        (b'{"sha256": ""}', "is not a manifest that fanfold wrote"),
        (b'{"format": "test-1", "sha256": ""}', "was changed since it was written"),
        (b'{"format": "test-0", "sha256": ""}', "is of format 'test-0', and 'test-1' is needed"),
    ],
)
def test_what_is_no_manifest_is_refused_and_named(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(DamagedError) as refused:
        read_manifest(path, "test-1")
    assert repr(str(path)) in str(refused.value) and message in str(refused.value)


def test_a_missing_manifest_and_a_folder_in_its_place_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match=r"manifest\.json' is missing"):
        read_manifest(tmp_path / "manifest.json", "test-1")
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(DamagedError, match="is not a manifest that fanfold wrote"):
        read_manifest(tmp_path / "manifest.json", "test-1")


def test_a_manifest_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_manifest(path, FACTS)
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedError):
            read_manifest(path, "test-1")


def test_the_first_file_that_is_missing_or_changed_is_named(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(name)
    checksums = {name: sha256(tmp_path / name) for name in ("one", "two", "three")}
    check_files(tmp_path, checksums)
    (tmp_path / "two").write_text("tw0")
    with pytest.raises(DamagedError, match=r"two' was changed since it was written"):
        check_files(tmp_path, checksums)
    (tmp_path / "one").unlink()
    with pytest.raises(DamagedError, match=r"one' is missing"):
        check_files(tmp_path, checksums)


def test_a_manifest_is_json_that_people_can_read(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", FACTS)
    text = (tmp_path / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(text)["tokens"] == FACTS["tokens"]
    assert "größe" in text and text.endswith("}\n")
