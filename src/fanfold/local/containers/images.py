"""Images of the Docker daemon: whether one is there, and the digest that pins it."""

from __future__ import annotations

import logging

from fanfold.errors import UserError
from fanfold.local.containers.daemon import client

logger = logging.getLogger(__name__)


def usable_image(image: str) -> str:
    """The name under which kfp.local will find this image; it is pulled where it is missing.

    Raises:
        UserError: no daemon answers, or it has no such image and cannot pull it.
    """
    with client() as docker:
        from docker.errors import APIError, ImageNotFound

        try:
            found = docker.images.get(image)
        except ImageNotFound:
            logger.info("image_pulled image=%r", image)
            try:
                found = docker.images.pull(image)
            except APIError as error:
                raise UserError(
                    f"there is no image {image!r} here, and it cannot be pulled: build one (make"
                    f" image) and name it with --image ({error.explanation})"
                ) from None
    names = [*found.tags, *found.attrs["RepoDigests"]]
    return image if image in names or not names else str(names[0])


def pinned(image: str) -> str | None:
    """The image by the digest that its registry knows it by; None where nothing here says it.

    The daemon knows the digest of what it has pushed or pulled; one that keeps its images in
    containerd also that which a push will give to what it has built.
    """
    if "@" in image:
        return image
    try:
        with client() as docker:
            from docker.errors import DockerException

            try:
                digests = docker.images.get(image).attrs["RepoDigests"]
            except DockerException:
                return None
    except UserError:
        return None
    repository = _repository(image)
    for each in digests:
        of, _, digest = each.partition("@")
        if _in_full(of) == _in_full(repository):
            return f"{repository}@{digest}"
    return None


def _repository(image: str) -> str:
    """The name without its tag: a colon before the last slash is that of a port."""
    before, slash, last = image.rpartition("/")
    return f"{before}{slash}{last.partition(':')[0]}"


def _in_full(repository: str) -> str:
    """The name with what Docker leaves out of it: its own registry, and there `library/`."""
    first, slash, _ = repository.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return repository.replace("index.docker.io/", "docker.io/", 1)
    return f"docker.io/{repository}" if slash else f"docker.io/library/{repository}"
