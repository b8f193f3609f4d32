"""Runs a server for as long as whoever asked for it lives: `watchdog.py FOLDER COMMAND...`.

The asker holds the other end of standard input. When that closes, the server is killed; the system
closes it also when the asker itself was killed. The server's folder is removed then, unless the
asker has said `keep`. Imports nothing of this project, so that it starts in no time.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys

POLL_SECONDS = 0.2


def main(folder: str, *command: str) -> int:
    """Return the server's exit status, where it ended by itself."""
    asker = sys.stdin.fileno()
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while server.poll() is None:
        if select.select([asker], [], [], POLL_SECONDS)[0]:
            said = os.read(asker, 100)
            server.kill()
            server.wait()
            if said != b"keep":
                shutil.rmtree(folder, ignore_errors=True)
            return 0
    return server.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
