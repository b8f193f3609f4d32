"""What is in the image, and that it works with next to no rights."""

from __future__ import annotations

import json
import re
import shutil
from importlib.metadata import files
from pathlib import Path

import pandas as pd
import pytest

import fanfold
from tests.contract import FILES
from tests.image.conftest import HARDENED, docker

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
GRID = '{"max_depth": [2, 3], "n_estimators": [5, 10], "text__weighting": ["tfidf", "count"]}'
MEASURED = ["fit_seconds", "cpu_seconds"]
# All that pytest needs, in pure Python: it works in whatever Python the image has.
PYTEST = ("iniconfig", "pluggy", "pytest")


def test_the_image_is_under_700_megabytes(image: str) -> None:
    assert int(docker("image", "inspect", "--format", "{{.Size}}", image)) < 700 * MEGABYTE


def test_the_image_says_what_it_was_made_from_and_has_a_numeric_user(image: str) -> None:
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))
    assert re.fullmatch(r"[1-9]\d*(:\d+)?", config["User"])
    labels = {
        name.removeprefix("org.opencontainers.image."): value
        for name, value in config["Labels"].items()
    }
    assert labels["version"] == docker("run", "--rm", image, "fanfold", "--version").split()[1]
    assert image.endswith(f":{labels['revision']}")
    assert "source" in labels
    told = "from fanfold.versions import git_revision; print(git_revision())"
    assert docker("run", "--rm", image, "python3", "-c", told) == labels["revision"]


def test_what_built_the_image_is_not_in_it(image: str) -> None:
    script = """
    for each in pip pip3 uv cc gcc g++ ld strip make git; do
        test -x "/opt/fanfold/bin/$each" && echo "$each"
    done
    command -v gcc cc ld strip
    find / -xdev \\( -path '*/pip/cache' -o -name '*.whl' -path '/opt/*' -o -name 'pip.conf' \\
        -o -path '/run/secrets/*' -o -path '/build' -o -name 'tests' -path '/opt/*' \\) 2>/dev/null
    true
    """
    assert docker("run", "--rm", image, "sh", "-c", script) == ""
    assert "secrets" not in docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)


def test_nothing_but_tmp_can_be_written_and_nobody_reached(image: str) -> None:
    program = """
import pathlib, socket
for place in ("/", "/opt/fanfold", "/var/tmp"):
    try:
        (pathlib.Path(place) / "x").write_text("")
    except OSError:
        continue
    print(place)
(pathlib.Path.home() / "x").write_text("")
print(pathlib.Path.home(), [name for _, name in socket.if_nameindex()])
"""
    for user in ("10001", "54321"):
        told = docker("run", "--rm", *HARDENED, "--user", user, image, "python3", "-c", program)
        assert told == "/tmp ['lo']"


@pytest.mark.parametrize("user", ["10001", "54321:54321"])
def test_a_search_in_the_image_gives_what_it_gives_outside(
    image: str, user: str, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o777)
    settings = {"target": "up_votes + down_votes", "folds": "3", "grid": GRID}
    docker(
        *("run", "--rm", *HARDENED, "--user", user, "--volume", f"{tmp_path / 'out'}:/out"),
        *(image, "fanfold", "tune", "sample:400", "--output", "/out/found"),
        *(part for name, value in settings.items() for part in ("--set", f"{name}={value}")),
    )
    found = tmp_path / "out" / "found"
    tuned = fanfold.tune("sample:400", **settings, output=tmp_path / "tuned")
    assert {path.name for path in found.iterdir()} == FILES
    boards = [
        pd.read_csv(folder / "leaderboard.csv", dtype=str, keep_default_na=False)
        for folder in (found, tmp_path / "tuned")
    ]
    assert len(boards[0]) == 9
    pd.testing.assert_frame_equal(*(each.drop(columns=MEASURED) for each in boards))
    assert json.loads((found / "metrics.json").read_text()) == tuned.metrics
    texts = ["a good one", "", "nothing known"]
    model = fanfold.load_model(found / "model")
    assert model.predict(texts).tolist() == tuned.model.predict(texts).tolist()
    scripts = [
        re.findall(r"<script[^>]*>(.*?)</script>", (folder / "report.html").read_text(), re.S)
        for folder in (found, tmp_path / "tuned")
    ]
    assert max(scripts[0], key=len) == max(scripts[1], key=len)  # the library that draws


def test_the_golden_results_are_the_same_in_the_image(image: str, tmp_path: Path) -> None:
    for name in PYTEST:
        for file in files(name) or ():
            if file.suffix == ".py" and ".." not in file.parts:
                target = tmp_path / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.locate(), target)
    tmp_path.chmod(0o755)
    told = docker(
        *("run", "--rm", *HARDENED, "--user", "10001", "--env", "PYTHONPATH=/pytest:/house"),
        *("--volume", f"{tmp_path}:/pytest:ro", "--volume", f"{ROOT / 'tests'}:/house/tests:ro"),
        *(image, "python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest"),
        *("--import-mode=importlib", "/house/tests/fanfold/test_golden.py"),
    )
    assert re.search(r"\n[1-9]\d* passed in", f"\n{told}")
