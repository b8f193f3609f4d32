"""Disks of some KiB, for what happens when one is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SmallDisk = Callable[[int], Path]
"""Mounts a new disk of that many KiB."""


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    mounted: list[Path] = []

    def mount(kib: int) -> Path:
        where = tmp_path_factory.mktemp("disk")
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(where)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this user may not mount a small disk")
        mounted.append(where)
        return where

    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    yield mount
    for where in mounted:
        subprocess.run(["umount", "--lazy", str(where)], check=True)
