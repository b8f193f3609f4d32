"""A client of the Docker daemon, the same one that kfp.local asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from fanfold.errors import UserError


@contextmanager
def client() -> Iterator[Any]:
    """Within the block: a client of the daemon.

    Raises:
        UserError: the package is missing, or no daemon answers.
    """
    try:
        import docker
    except ImportError:
        raise UserError(
            'containers need the package docker: install it with pip install "fanfold[kfp]"'
        ) from None
    try:
        connected = docker.from_env()
    except docker.errors.DockerException:
        where = os.environ.get("DOCKER_HOST", "its usual socket")
        raise UserError(
            f"no Docker daemon answers at {where}: start Docker, see that you may use it"
            " (docker info), or name another in DOCKER_HOST"
        ) from None
    with closing(connected):
        yield connected
