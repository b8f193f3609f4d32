"""The image under test, which `make test-image` builds, and images made from it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DOCKER = os.environ.get("DOCKER", "docker")
HARDENED = (
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--network", "none"),
)


def docker(*arguments: str | Path, stdin: bytes | None = None) -> str:
    """What a command of Docker prints; it must succeed."""
    command = [DOCKER, *map(str, arguments)]
    ended = subprocess.run(command, input=stdin, capture_output=True, timeout=300)
    assert ended.returncode == 0, f"{command}\n{ended.stdout.decode()}\n{ended.stderr.decode()}"
    return ended.stdout.decode().strip()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.image)


@pytest.fixture(scope="session")
def image() -> str:
    name = os.environ.get("FANFOLD_TEST_IMAGE")
    if name is None:
        how = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        how("no image is named: make test-image builds one, and names it in FANFOLD_TEST_IMAGE")
    return name


@pytest.fixture
def derived(image: str, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes an image in which Python runs this code before anything else."""
    made = "fanfold/test-python:derived"

    def derive(code: str) -> str:
        context = tmp_path / "context"
        context.mkdir()
        (context / "first.py").write_text(code)
        (context / "first.pth").write_text("import first\n")
        site = docker("run", "--rm", image, "python3", "-c", SITE)
        (context / "Dockerfile").write_text(f"FROM {image}\nCOPY first.py first.pth {site}/\n")
        docker("build", "--quiet", "--tag", made, context)
        return made

    yield derive
    docker("image", "rm", "--force", made)


SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"
