"""A table larger than the memory of its container is searched like any other."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.image.conftest import DOCKER, HARDENED, docker

MEBIBYTE = 1 << 20
MEMORY = 512 * MEBIBYTE
# Not a file system in memory, which would count as memory of the container.
ON_DISK = [argument for argument in HARDENED if argument not in ("--tmpfs", "/tmp")]
WORDS, WORDS_A_ROW = 5000, 2000


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A CSV of 640 MiB, each row one of 200 long texts."""
    rng = np.random.default_rng(0)
    texts = [
        " ".join(f"word{word}" for word in rng.permutation(WORDS)[:WORDS_A_ROW]) for _ in range(200)
    ]
    path = tmp_path / "data" / "long.csv"
    path.parent.mkdir()
    with path.open("w") as file:
        file.write("text,number\n")
        while file.tell() < 640 * MEBIBYTE:
            file.writelines(f"{text},{number}\n" for number, text in enumerate(texts))
    return path


def test_a_table_larger_than_memory_is_searched(image: str, table: Path, tmp_path: Path) -> None:
    for name in ("tmp", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    limited = (
        *("run", "--rm", *ON_DISK, "--volume", f"{tmp_path / 'tmp'}:/tmp"),
        *("--memory", str(MEMORY), "--memory-swap", str(MEMORY)),
        *("--volume", f"{table.parent}:/data:ro", "--volume", f"{tmp_path / 'out'}:/out", image),
    )
    whole = [DOCKER, *limited, "python3", "-c", "len(open('/data/long.csv', 'rb').read())"]
    assert subprocess.run(whole, capture_output=True).returncode == 137  # killed by the kernel

    docker(
        *(*limited, "fanfold", "tune", "/data/long.csv", "--text-column", "text"),
        *("--target", "number", "--folds", "2", "--grid", '{"n_estimators": [5]}'),
        *("--set", "text__min_times=0", "--output", "/out/found"),
    )
    summary = json.loads((tmp_path / "out" / "found" / "summary.json").read_text())
    with table.open("rb") as file:
        rows = sum(1 for _ in file) - 1
    assert summary["rows_read"] == rows == summary["rows_train"] + summary["rows_test"]
    assert summary["tokens"] == WORDS_A_ROW * summary["rows_train"]
    assert summary["vocabulary"] == WORDS
