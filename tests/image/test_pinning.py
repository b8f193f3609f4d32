"""A compiled pipeline names the image by the digest that its registry knows it by."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.fanfold.command import FANFOLD
from tests.image.conftest import docker
from tests.servers.ports import HOST, Ports

CONFIG = """
version: 0.1
storage:
  filesystem: {{rootdirectory: {folder}}}
http:
  addr: {host}:{port}
"""
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry of this test's own, which Docker trusts as it is on loopback."""
    program = shutil.which("docker-registry")
    if program is None:
        how = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        how("there is no docker-registry here (Debian: apt install docker-registry)")
    folder, ports = tmp_path_factory.mktemp("registry"), Ports()
    port = ports.take()
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder / "data", host=HOST, port=port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", config], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while head(f"{HOST}:{port}", "/v2/") is None:
            assert process.poll() is None and time.monotonic() < deadline, folder / "log"
            time.sleep(0.1)
        yield f"{HOST}:{port}"
    finally:
        process.kill()
        process.wait()
        ports.release()


def head(address: str, path: str) -> str | None:
    """The digest that a registry gives with what lies there; None where nobody answers."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("HEAD", path, headers={"Accept": MANIFEST})
        return connection.getresponse().getheader("Docker-Content-Digest") or ""
    except OSError:
        return None
    finally:
        connection.close()


def images_after_compiling(image: str, folder: Path) -> tuple[set[str], str]:
    """The images that the compiled pipeline names, and what the command told."""
    output = folder / "tune.yaml"
    ended = subprocess.run(
        [*FANFOLD, "compile", "--image", image, "--output", output, "--overwrite"],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    executors = next(yaml.safe_load_all(output.read_text()))["deploymentSpec"]["executors"]
    return {each["container"]["image"] for each in executors.values()}, ended.stderr


def test_an_image_that_was_pushed_is_named_by_its_digest(registry: str, tmp_path: Path) -> None:
    name = f"{registry}/team/python-small"
    (tmp_path / "content").write_text("something")
    content = subprocess.run(["tar", "-c", "content"], cwd=tmp_path, capture_output=True).stdout
    docker("import", "-", f"{name}:1", stdin=content)
    try:
        before, told = images_after_compiling(f"{name}:1", tmp_path)
        docker("push", f"{name}:1")
        digest = head(registry, "/v2/team/python-small/manifests/1")
        if "io.containerd.snapshotter" in docker("info", "--format", "{{json .DriverStatus}}"):
            assert before == {f"{name}@{digest}"}  # containerd keeps the images: known beforehand
        else:
            assert before == {f"{name}:1"}
            assert f"no digest of {name}:1 is known here" in told
        assert images_after_compiling(f"{name}:1", tmp_path) == ({f"{name}@{digest}"}, "")
        assert images_after_compiling(f"{name}@{digest}", tmp_path) == ({f"{name}@{digest}"}, "")
    finally:
        docker("image", "rm", "--force", f"{name}:1")
