"""The built wheel is all that a user needs: installed elsewhere, every command works from it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.contract import FILES

ROOT = Path(__file__).parents[1]
PINS = ROOT / "requirements" / "dev.txt"
GRID = '{"max_depth": [2, 3], "n_estimators": [5, 10]}'


def succeed(*command: str | Path, cwd: Path) -> None:
    """Run a command as a user would, with nothing of this checkout on Python's path."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"


def uv(*arguments: str | Path, cwd: Path) -> None:
    """Run the uv that `make setup` installed beside this Python."""
    succeed(sys.executable, "-m", "uv", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--no-build-isolation", "--python", sys.executable, "-o", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def fanfold(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `fanfold` command of a fresh environment that holds the wheel and its pinned needs."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    bin_folder = venv / ("Scripts" if os.name == "nt" else "bin")
    (wheel,) = dist.glob("*.whl")
    uv("venv", "--python", sys.executable, venv, cwd=dist)
    uv(
        *("pip", "install", "--python", bin_folder / "python"),
        *("--constraints", PINS, f"fanfold[kfp] @ {wheel.as_uri()}"),
        cwd=dist,
    )
    return bin_folder / "fanfold"


def test_the_wheel_carries_the_package_and_the_compiled_pipeline_and_nothing_else(
    dist: Path,
) -> None:
    (wheel,) = dist.glob("*.whl")
    package = ROOT / "src" / "fanfold"
    wanted = {
        f"fanfold/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert held == wanted | {"fanfold/tune.yaml"}
        assert "fanfold/report/library.js" in held
        committed = (ROOT / "pipelines" / "tune.yaml").read_bytes()
        assert archive.read("fanfold/tune.yaml") == committed


def test_the_sdist_carries_what_the_wheel_and_the_tests_are_made_of(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert held >= {"LICENSE", "README.md", "pyproject.toml", "pipelines/tune.yaml"}
    assert held >= {"src/fanfold/cli/app.py", "tests/test_wheel.py", "requirements/dev.txt"}


@pytest.mark.slow
def test_an_installed_wheel_does_all_that_the_readme_says_in_an_empty_folder(
    fanfold: Path, tmp_path: Path
) -> None:
    def run(*arguments: str) -> None:
        succeed(fanfold, *arguments, cwd=tmp_path)

    run("sample", "--rows", "400", "--output", "words.csv")
    columns = ("--text-column", "definition", "--target", "up_votes + down_votes")
    small = ("--grid", GRID, "--folds", "2")
    run("tune", "words.csv", *columns, *small, "--output", "tuned")
    assert {path.name for path in (tmp_path / "tuned").iterdir()} == FILES

    run("predict", "tuned/model", "words.csv", "--output", "predictions.csv")
    header, *rows = (tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert "prediction" in header.split(",")
    assert len(rows) == 400

    run("compile", "--image", "registry.example/python-fanfold:1", "--output", "mine.yaml")
    assert "registry.example/python-fanfold:1" in (tmp_path / "mine.yaml").read_text("utf-8")

    chosen = ("--set", "data=sample:400", "--set", f"grid={GRID}", "--set", "folds=2")
    run("run", *chosen, "--output", "ran")
    assert {path.name for path in (tmp_path / "ran").iterdir()} >= FILES
