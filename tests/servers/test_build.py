"""Servers are built once; a build that fails or is killed leaves nothing that looks like one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers import build

ROOT = Path(__file__).parents[2]
# Stands in for Go: notes that it was called, takes a while, and writes what is not yet whole.
GO = """#!/bin/sh
echo "$@" >> "$CALLS"
while [ "$1" != -o ]; do shift; done
echo half > "$2"
sleep "$SLEEP"
[ "$FAIL" ] && { echo 'package such: cannot find module' >&2; exit 1; }
echo whole > "$2"
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A cache of its own and a quick `go`, also for this process."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "go").write_text(GO)
    (folder / "go").chmod(0o755)
    mine = {
        "PATH": f"{folder}{os.pathsep}{os.defpath}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "CALLS": str(tmp_path / "calls"),
        "SLEEP": "0",
        "FAIL": "",
        "CI": "",
    }
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **mine}


def start(environment: dict[str, str], *names: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.servers.build", *names],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def calls(environment: dict[str, str]) -> list[str]:
    path = Path(environment["CALLS"])
    return path.read_text().splitlines() if path.exists() else []


def left_in_cache() -> set[str]:
    return {path.name for path in build.cache().iterdir() if not path.name.endswith(".lock")}


def test_a_server_is_built_once(environment: dict[str, str]) -> None:
    path = build.build("versitygw")
    assert path.read_text() == "whole\n"
    assert build.build("versitygw") == build.binary("versitygw") == path
    assert len(calls(environment)) == 1
    assert left_in_cache() == {"versitygw"}


def test_two_that_build_at_once_build_once(environment: dict[str, str]) -> None:
    both = [start({**environment, "SLEEP": "0.5"}, "versitygw", "minio") for _ in range(2)]
    assert [each.communicate() and each.returncode for each in both] == [0, 0]
    assert len(calls(environment)) == 2  # one for each server
    assert left_in_cache() == {"versitygw", "minio"}


def test_a_build_that_fails_leaves_nothing_and_says_why(environment: dict[str, str]) -> None:
    failed = start({**environment, "FAIL": "yes"}, "versitygw")
    _, said = failed.communicate()
    assert failed.returncode == 0
    assert "cannot find module" in said
    assert "tests that need versitygw will be skipped" in said
    assert build.binary("versitygw") is None
    assert left_in_cache() == set()


def test_a_build_that_is_killed_leaves_nothing_that_is_taken_for_a_server(
    environment: dict[str, str],
) -> None:
    killed = start({**environment, "SLEEP": "1"}, "versitygw")
    while not calls(environment):
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert build.binary("versitygw") is None
    assert build.build("versitygw").read_text() == "whole\n"
    assert left_in_cache() == {"versitygw"}


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_go_the_tests_go_on_and_in_ci_they_do_not(
    ci: str, status: int, environment: dict[str, str], tmp_path: Path
) -> None:
    without = start({**environment, "PATH": str(tmp_path), "CI": ci}, "versitygw")
    _, said = without.communicate()
    assert without.returncode == status
    assert "built with Go, and there is no `go` on PATH" in said


def test_each_version_has_a_folder_of_its_own(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = build.cache()
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_bytes((build.HERE / name).read_bytes())
    monkeypatch.setattr(build, "HERE", tmp_path)
    assert build.cache() == before
    (tmp_path / "go.sum").write_text("other hashes")
    assert build.cache() != before


def test_every_server_is_a_pinned_tool() -> None:
    text = (build.HERE / "go.mod").read_text()
    tools = text.partition("tool (")[2].partition(")")[0].split()
    assert sorted(tools) == sorted(build.PACKAGES.values())
