"""What this process may use: processors and memory, of the container and not of its host."""

from __future__ import annotations

import math
import os
import resource
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
DATA_SHARE = 0.92
"""Part of the memory that data may take; the rest is code, stacks and the allocator's slack."""
STACK = 8 * 2**20
"""Bytes of a thread's stack: what `ulimit -s` is on nearly every Linux. Those of OpenMP's threads
are set to it where fanfold is imported."""
FIT_BYTES = 128 * 2**20
"""Memory that there must be for each fit that is begun beside others."""


def usable_cpus(cgroup: Path = CGROUP) -> int:
    """Threads worth starting: the least of `FANFOLD_THREADS`, affinity and cgroup quota, 1 up."""
    limits = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()]
    limits.append(_quota(cgroup))
    told = os.environ.get("FANFOLD_THREADS", "")
    limits.append(int(told) if told.isdigit() else None)
    return max(1, min(limit for limit in limits if limit))


def _groups(root: Path, controller: str = "") -> Iterator[Path]:
    """The folders of the control groups that this process is in, from the outermost on.

    Each may limit it. A container's own group is mostly the outermost that it sees; that of a
    service or of a `systemd-run` lies deeper.

    Args:
        root: where the groups lie.
        controller: of v1, which has a tree for each, `cpu` or `memory`; v2 has one tree.
    """
    yield root
    for line in _read(OWN_GROUPS).split("\n"):
        controllers, colon, path = line.partition(":")[2].partition(":")
        parts = Path(path).parts[1:]
        if colon and controller in controllers.split(",") and ".." not in parts:
            yield from (root.joinpath(*parts[: n + 1]) for n in range(len(parts)))


def _quota(cgroup: Path) -> int | None:
    """CPUs by cgroup quota, rounded up (v2: `cpu.max`; v1: `cpu.cfs_quota_us`), if limited."""
    told = [_read(each / "cpu.max").split()[:2] or ["max", "1"] for each in _groups(cgroup)]
    for each in _groups(cgroup / "cpu", "cpu"):
        told.append([_read(each / "cpu.cfs_quota_us"), _read(each / "cpu.cfs_period_us")])
    limits = [
        max(1, math.ceil(int(quota) / int(period)))
        for quota, period in told
        if quota.isdigit() and period.isdigit() and int(quota) > 0
    ]
    return min(limits, default=None)


def usable_memory(cgroup: Path = CGROUP) -> int:
    """Bytes that this process may use: the cgroup's limit (v2, v1) or the machine's memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_read(each / "memory.max") for each in _groups(cgroup)]
    v1 = _groups(cgroup / "memory", "memory")
    limits += [_read(each / "memory.limit_in_bytes") for each in v1]
    return min([machine, *(int(limit) for limit in limits if limit.isdigit())])


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape").strip()
    except OSError:
        return ""


@contextmanager
def memory_as_exception(limit: int | None = None) -> Iterator[int]:
    """Within the block an allocation that `limit` bytes cannot hold raises, and kills nothing.

    A container that outgrows its limit is killed without a word; with `RLIMIT_DATA` a little
    under it numpy raises `MemoryError` and xgboost `XGBoostError: bad_malloc` first. Yields
    the limit in force. Where the system has no such limit (macOS) nothing is set.

    What is mapped so far and holds nothing is let off: the system counts it, but it takes no
    memory, and pyarrow alone maps 1 GiB at its first use. So are the stacks of the threads that
    a search starts: each counts in full and holds next to nothing.
    """
    limit = usable_memory() if limit is None else limit
    if sys.platform != "linux":
        yield limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    stacks = 2 * fits_at_once(usable_cpus(), limit) * STACK  # of a fit, and of one more within it
    wanted = int(limit * DATA_SHARE) + _mapped_and_empty() + stacks
    for existing in (soft, hard):
        if existing != resource.RLIM_INFINITY:
            wanted = min(wanted, existing)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    before = threading.stack_size(STACK)
    try:
        yield limit
    finally:
        threading.stack_size(before)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _mapped_and_empty() -> int:
    """Bytes that count as data but hold none: reserves of allocators, stacks of threads."""
    status = _status()
    return max(0, status.get("VmData", 0) - status.get("RssAnon", 0))


def fits_at_once(cpus: int, limit: int | None = None) -> int:
    """Fits that may run side by side: one a processor, if there is memory to begin each."""
    limit = usable_memory() if limit is None else limit
    return max(1, min(cpus, limit // FIT_BYTES))


def _status() -> dict[str, int]:
    """Linux's figures of this process's memory by their names there, in bytes."""
    lines = (line.partition(":") for line in _read(Path("/proc/self/status")).splitlines())
    return {name: int(value.split()[0]) * 1024 for name, _, value in lines if value.endswith("kB")}


@contextmanager
def calm() -> Iterator[None]:
    """Within the block BLAS has one thread, and no warning is shown.

    Several threads add up in another order, to other bits; and a search visits settings that
    do not converge. Both hold for the whole process: enter before other threads begin.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, in Python's, numpy's or C++'s words."""
    words = (
        *("bad_alloc", "bad_malloc", "cannot allocate memory", "failed to allocate"),
        "can't start new thread",  # there is no room for its stack
    )
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(word in text for word in words)


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes.

    On Linux not by `getrusage`, where a process begins with its parent's peak.
    """
    status = _status()
    if "VmHWM" in status:
        return status["VmHWM"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak_memory() -> None:
    """Let `peak_memory` begin anew, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def cpu_seconds() -> float:
    """Processor time that this process has used so far, user and system, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
