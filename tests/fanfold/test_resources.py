"""What a process may use: the container's share, by files such as the kernel shows."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import xgboost

from fanfold import resources
from fanfold.resources import (
    cpu_seconds,
    fits_at_once,
    is_out_of_memory,
    memory_as_exception,
    peak_memory,
    usable_cpus,
    usable_memory,
)

GIB = 2**30
MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA works on Linux only")


@pytest.fixture(autouse=True)
def many_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 64 processors, so that each limit shows by itself."""
    monkeypatch.delenv("FANFOLD_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)


def cgroup(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return folder


def v1(quota: int, period: int = 100_000) -> dict[str, str]:
    return {"cpu/cpu.cfs_quota_us": str(quota), "cpu/cpu.cfs_period_us": str(period)}


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({}, 64),
        ({"cpu.max": "max 100000"}, 64),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "250000 100000"}, 3),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "1000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, 64),
        ({"cpu.max": ""}, 64),
        (v1(-1), 64),
        (v1(400_000), 4),
        (v1(150_000), 2),
        (v1(25_000, 50_000), 1),
        ({"cpu/cpu.cfs_quota_us": "400000"}, 64),
        ({"cpu.max": "300000 100000", **v1(900_000)}, 3),
    ],
)
def test_threads_are_the_containers_quota_rounded_up(
    files: dict[str, str], cpus: int, tmp_path: Path
) -> None:
    assert usable_cpus(cgroup(tmp_path, files)) == cpus


@pytest.mark.parametrize(
    ("own", "files", "cpus", "memory"),
    [
        ("0::/a.slice/b.scope", {"a.slice/b.scope/cpu.max": "200000 100000"}, 2, MACHINE),
        ("0::/a.slice/b.scope", {"a.slice/cpu.max": "100000 100000"}, 1, MACHINE),
        ("0::/a", {"a/cpu.max": "400000 100000", "cpu.max": "200000 100000"}, 2, MACHINE),
        ("0::/a", {"a/memory.max": str(GIB // 4), "memory.max": "max"}, 64, GIB // 4),
        ("0::/a", {"b/memory.max": "1", "b/cpu.max": "1 1"}, 64, MACHINE),
        ("0::/../a", {"a/memory.max": "1"}, 64, MACHINE),
        ("0::/a..b\ngarbage", {"a..b/memory.max": str(GIB // 4)}, 64, GIB // 4),
        ("0::/a\u2028b", {"a\u2028b/memory.max": str(GIB // 4)}, 64, GIB // 4),
        (
            "5:cpu,cpuacct:/a\n4:memory:/b\n0::/",
            {
                "cpu/a/cpu.cfs_quota_us": "300000",
                "cpu/a/cpu.cfs_period_us": "100000",
                "memory/b/memory.limit_in_bytes": str(GIB // 8),
            },
            3,
            GIB // 8,
        ),
    ],
)
def test_each_group_that_the_process_is_in_may_limit_it(
    own: str,
    files: dict[str, str],
    cpus: int,
    memory: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "own").write_bytes(b"7:pids:/\xff\n" + own.encode() + b"\n")
    monkeypatch.setattr("fanfold.resources.OWN_GROUPS", tmp_path / "own")
    root = cgroup(tmp_path / "groups", files)
    assert (usable_cpus(root), usable_memory(root)) == (cpus, memory)


def test_threads_are_no_more_than_the_processors_that_this_process_may_run_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 9}, raising=False)
    assert usable_cpus(tmp_path) == 3
    assert usable_cpus(cgroup(tmp_path, {"cpu.max": "200000 100000"})) == 2


@linux_only
def test_affinity_is_read_from_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    monkeypatch.delenv("FANFOLD_THREADS", raising=False)
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cpus(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cpus(tmp_path) == len(before)


@pytest.mark.parametrize(
    ("told", "cpus"),
    [("3", 3), ("1", 1), ("99", 64), ("0", 64), ("", 64), ("many", 64), ("-2", 64)],
)
def test_fanfold_threads_can_only_lower_the_number(
    told: str, cpus: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FANFOLD_THREADS", told)
    assert usable_cpus(tmp_path) == cpus


@pytest.mark.parametrize(
    ("files", "memory"),
    [
        ({}, MACHINE),
        ({"memory.max": "max"}, MACHINE),
        ({"memory.max": str(GIB // 4)}, GIB // 4),
        ({"memory/memory.limit_in_bytes": str(GIB // 8)}, GIB // 8),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, MACHINE),
        ({"memory.max": str(2**62)}, MACHINE),
    ],
)
def test_memory_is_the_containers_limit_or_the_machines(
    files: dict[str, str], memory: int, tmp_path: Path
) -> None:
    assert usable_memory(cgroup(tmp_path, files)) == memory


@linux_only
def test_memory_that_is_not_there_raises_and_the_limit_is_put_back() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = peak_memory() + 4 * GIB
    with memory_as_exception(limit) as said:
        assert said == limit
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] not in (
            before[0],
            resource.RLIM_INFINITY,
        )
        with pytest.raises(MemoryError) as refused:
            np.ones(16 * GIB, dtype=np.uint8)
        assert is_out_of_memory(refused.value)
        np.ones(1000)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@linux_only
def test_the_threads_of_a_search_start_and_data_is_limited_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fanfold.resources.fits_at_once", lambda cpus, limit: 4)
    left = 32 * 2**20  # of stacks alone the system counts 64 MiB
    limit = int((resources._status()["RssAnon"] + left) / resources.DATA_SHARE)
    started: list[threading.Thread] = []
    over = threading.Event()
    try:
        with memory_as_exception(limit):
            for _ in range(2 * 4):
                thread = threading.Thread(target=over.wait)
                thread.start()
                started.append(thread)
            with pytest.raises(MemoryError):
                np.ones(8 * left, dtype=np.uint8)
    finally:
        over.set()
        for thread in started:
            thread.join()


@linux_only
@pytest.mark.parametrize(
    ("cpus", "limit"), [(1, GIB // 4), (2, GIB // 2), (64, GIB), (64, 64 * GIB)]
)
def test_data_may_take_little_more_than_there_is_however_many_threads_may_start(
    cpus: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.resources.usable_cpus", lambda: cpus)
    set_to: list[int] = []
    real = resources.resource.setrlimit
    monkeypatch.setattr(
        resources.resource, "setrlimit", lambda what, to: set_to.append(to[0]) or real(what, to)
    )
    empty = resources._mapped_and_empty()
    with memory_as_exception(limit):
        pass
    stacks = 2 * min(cpus, max(1, limit // (128 << 20))) * (8 << 20)
    assert abs(set_to[0] - empty - int(0.92 * limit) - stacks) < 4 << 20
    assert stacks <= limit / 8


LARGE_STACKS = """
import resource
from concurrent.futures import ThreadPoolExecutor

import fanfold
import numpy as np
from fanfold.estimators.base import get_estimator
from fanfold.resources import memory_as_exception
from scipy.sparse import csr_matrix

assert resource.getrlimit(resource.RLIMIT_STACK)[0] == 1 << 30
rows = np.random.default_rng(0).random((500, 3))
matrix, target = csr_matrix(rows), rows[:, 0]

def fitted(name, parameters):
    estimator = get_estimator(name)
    data = estimator.prepare(matrix, target, parameters, 2)
    return len(estimator.predict(estimator.fit(data, parameters, 1, 2), matrix))

with memory_as_exception(2 << 30), ThreadPoolExecutor(2) as pool:
    for name in ("xgboost", "sklearn.ensemble.RandomForestRegressor"):
        fits = [pool.submit(fitted, name, {"n_estimators": 3}) for _ in "12"]
        print([fit.result() for fit in fits])
"""


@linux_only
def test_threads_start_where_stacks_may_be_large() -> None:
    _, hard = resources.resource.getrlimit(resources.resource.RLIMIT_STACK)
    if hard != resources.resource.RLIM_INFINITY and hard < GIB:
        pytest.skip("a stack may not be that large here")
    own = {name: value for name, value in os.environ.items() if "STACKSIZE" not in name}
    ran = subprocess.run(
        ["bash", "-c", 'ulimit -s 1048576 && exec "$0" -c "$1"', sys.executable, LARGE_STACKS],
        capture_output=True,
        text=True,
        env={**own, "FANFOLD_THREADS": "2"},
    )
    assert ran.stdout == "[500, 500]\n" * 2, ran.stderr


@pytest.mark.parametrize(
    ("cpus", "limit", "expected"),
    [(2, 2 * GIB, 2), (64, 2 * GIB, 16), (64, 1, 1), (1, 64 * GIB, 1)],
)
def test_fits_run_side_by_side_as_memory_allows(cpus: int, limit: int, expected: int) -> None:
    assert fits_at_once(cpus, limit) == expected


@linux_only
def test_the_limit_is_put_back_after_an_exception_too() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(KeyboardInterrupt), memory_as_exception(64 * GIB):
        raise KeyboardInterrupt
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@linux_only
def test_a_tighter_limit_that_is_already_there_stays() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    tight = peak_memory() + 8 * GIB
    with memory_as_exception(int(tight / 0.5)):
        resource.setrlimit(resource.RLIMIT_DATA, (tight, before[1]))
        with memory_as_exception(1000 * GIB):
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == tight
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == tight
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize(
    ("error", "starved"),
    [
        (MemoryError(), True),
        (np.exceptions.AxisError(3, 1), False),
        (xgboost.core.XGBoostError("[10:00:00] bad_malloc: Failed to allocate 9 bytes"), True),
        (xgboost.core.XGBoostError("std::bad_alloc"), True),
        (RuntimeError("Cannot allocate memory"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("can't start new thread"), True),
        (ValueError("max_depth must not be negative"), False),
        (xgboost.core.XGBoostError("label set contains NaN"), False),
    ],
)
def test_want_of_memory_is_told_from_other_errors(error: Exception, starved: bool) -> None:
    assert is_out_of_memory(error) is starved


def test_memory_and_processor_time_used_so_far_are_in_bytes_and_seconds() -> None:
    held = np.ones(200 * 2**20, dtype=np.uint8)
    assert held.nbytes < peak_memory() < MACHINE
    before = cpu_seconds()
    sum(range(1_000_000))
    assert 0 < cpu_seconds() - before < 60
