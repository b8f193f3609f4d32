"""A large object is written and read with memory that does not grow with it: a process tells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MEBIBYTE = 1 << 20
OBJECT_MEBIBYTES = 160
MOST_MEBIBYTES = 80
"""An upload's part of 16 MiB is held a few times, on its way through the client's layers."""

PROGRAM = r"""
import io, re, sys
from fanfold.storage import open_storage

class Source(io.RawIOBase):
    left = int(sys.argv[2])
    def readable(self):
        return True
    def readinto(self, buffer):
        count = min(self.left, len(buffer))
        buffer[:count] = bytes([self.left % 251]) * count
        self.left -= count
        return count

def peak():  # in KiB; not getrusage's, which begins with that of the process that started this
    return int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1])

storage = open_storage(sys.argv[1])
storage.write("small", b"x" * 1000)  # all is imported, and connected
assert storage.open_reader("small").read() == b"x" * 1000
before = peak()
storage.write("large", io.BufferedReader(Source(), 1 << 20))
written = peak()
size = 0
with storage.open_reader("large") as stream:
    while part := stream.read(1 << 20):
        size += len(part)
assert size == int(sys.argv[2]), size
print((written - before) // 1024, (peak() - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says the peak")
def test_a_large_object_needs_little_memory(root: str) -> None:
    command = [sys.executable, "-c", PROGRAM, root, str(OBJECT_MEBIBYTES * MEBIBYTE)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stderr
    grown = [int(mebibytes) for mebibytes in done.stdout.split()]
    assert max(grown) < MOST_MEBIBYTES, grown
