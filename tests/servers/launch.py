"""How each server is started: its command line, its accounts, and what says that it serves."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.ports import HOST, Ports

REGION = "us-east-1"


@dataclass(frozen=True)
class Account:
    """An access key and its secret, new for each server: what leaks is worth nothing."""

    access: str
    secret: str = field(repr=False, default_factory=lambda: secrets.token_hex(20))


@dataclass(frozen=True)
class Launch:
    """A command, what it needs in its environment, and the URLs that answer 200 once it serves."""

    port: int
    command: tuple[str, ...]
    ready: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What a server is started with.

    The owner may do everything, the stranger nothing: it is known, and denied.
    """

    program: Path
    folder: Path
    ports: Ports
    owner: Account
    stranger: Account

    def data(self) -> str:
        """The folder for what clients store, made if need be."""
        folder = self.folder / "data"
        folder.mkdir(exist_ok=True)
        return str(folder)


def gcs(request: Request) -> Launch:
    """fake-gcs-server over a folder, since what it holds in memory does not outlive it."""
    port = request.ports.take()
    address = f"{HOST}:{port}"
    command = (
        *(str(request.program), "-scheme", "http", "-host", HOST, "-port", str(port)),
        *("-external-url", f"http://{address}", "-public-host", address),
        *("-backend", "filesystem", "-filesystem-root", request.data(), "-log-level", "warn"),
    )
    return Launch(port, command, (f"http://{address}/storage/v1/b?project=test",))


def versitygw(request: Request) -> Launch:
    """versitygw over a folder; metadata lie beside, so that any file system will do."""
    port = request.ports.take()
    for name in ("metadata", "accounts"):
        (request.folder / name).mkdir()
    stranger = {"access": request.stranger.access, "secret": request.stranger.secret}
    accounts = {"accessAccounts": {request.stranger.access: {**stranger, "role": "user"}}}
    (request.folder / "accounts" / "users.json").write_text(json.dumps(accounts))
    command = (
        *(str(request.program), "--port", f"{HOST}:{port}", "--region", REGION),
        *("--health", "/health", "--iam-dir", str(request.folder / "accounts")),
        *("posix", "--sidecar", str(request.folder / "metadata"), request.data()),
    )
    keys = {"ROOT_ACCESS_KEY": request.owner.access, "ROOT_SECRET_KEY": request.owner.secret}
    return Launch(port, command, (f"http://{HOST}:{port}/health",), keys)


def minio(request: Request) -> Launch:
    port = request.ports.take()
    command = (
        *(str(request.program), "server", request.data()),
        *("--address", f"{HOST}:{port}", "--quiet"),
    )
    environment = {
        "MINIO_ROOT_USER": request.owner.access,
        "MINIO_ROOT_PASSWORD": request.owner.secret,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
    }
    return Launch(port, command, (f"http://{HOST}:{port}/minio/health/cluster",), environment)


def seaweedfs(request: Request) -> Launch:
    """SeaweedFS whole: master, volume server, filer and S3 gateway in one process.

    It serves once the gateway answers and the master can assign space on a volume.
    """
    identities = [
        {
            "name": account.access,
            "credentials": [{"accessKey": account.access, "secretKey": account.secret}],
            "actions": actions,
        }
        for account, actions in ((request.owner, ["Admin"]), (request.stranger, []))
    ]
    config = request.folder / "identities.json"
    config.write_text(json.dumps({"identities": identities}))
    parts = ("master", "volume", "filer", "s3")
    ports = {part: request.ports.take() for part in parts}
    command = (
        *(str(request.program), "server", f"-dir={request.data()}"),
        *(f"-ip={HOST}", f"-ip.bind={HOST}", "-filer", "-s3", f"-s3.config={config}"),
        *(f"-{part}.port={ports[part]}" for part in parts),
        *(f"-{part}.port.grpc={request.ports.take()}" for part in parts),
        # In the folder that it is started in: the path of a socket must be short.
        *("-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock"),
        # A bucket has volumes of its own, and each test a bucket: many small volumes.
        *("-master.volumeSizeLimitMB=128", "-volume.max=1000"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        # As S3 has it: buckets are made by who owns them, and a backslash is no slash.
        *("-s3.autoCreateBucket=false", "-s3.allowBackslashInKey=true"),
        # No others to elect a leader with: it starts again in 15 s, not in 30.
        *("-master.peers=none", "-master.telemetry=false"),
    )
    ready = (
        f"http://{HOST}:{ports['s3']}/healthz",
        f"http://{HOST}:{ports['master']}/dir/assign",
    )
    return Launch(ports["s3"], command, ready, {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"})


LAUNCHES: dict[str, Callable[[Request], Launch]] = {
    "gcs": gcs,
    "versitygw": versitygw,
    "minio": minio,
    "seaweedfs": seaweedfs,
}
