"""Names of images, as Docker and people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold.local.containers import pinned
from fanfold.local.containers.images import _in_full, _repository


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("python", "python"),
        ("python:3.12", "python"),
        ("localhost:5000/python", "localhost:5000/python"),
        ("localhost:5000/me/python:3.12", "localhost:5000/me/python"),
    ],
)
def test_the_repository_is_the_name_without_its_tag(image: str, repository: str) -> None:
    assert _repository(image) == repository


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("python", "docker.io/library/python"),
        ("me/python", "docker.io/me/python"),
        ("me/python", "index.docker.io/me/python"),
        ("localhost/python", "localhost/python"),
    ],
)
def test_two_ways_to_write_a_repository_are_one(name: str, same: str) -> None:
    assert _in_full(name) == _in_full(same)


@pytest.mark.parametrize(
    ("name", "other"),
    [("me/python", "you/python"), ("me/python", "registry.example/me/python")],
)
def test_two_repositories_of_one_name_are_two(name: str, other: str) -> None:
    assert _in_full(name) != _in_full(other)


def test_without_a_daemon_no_digest_is_known_and_one_that_is_given_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert pinned("python:3.12") is None
    digest = f"python@sha256:{'0' * 64}"
    assert pinned(digest) == digest
