"""The client of an S3 server, from the environment variables that every S3 tool reads."""

from __future__ import annotations

import os
from functools import lru_cache

from minio import Minio

from fanfold.errors import UserError
from fanfold.storage.environment import Variables, first_set, server_address, variables
from fanfold.storage.patient_pool import PatientPool
from fanfold.storage.retry import Patience, answer_seconds
from fanfold.storage.s3_credentials import EnvironmentCredentials

ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT")
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
AMAZON = "https://s3.amazonaws.com"


def s3_client() -> Minio:
    """A client for the endpoint, region and credentials that the environment names.

    Raises:
        UserError: the endpoint or the patience is malformed.
    """
    prefixes = ("AWS_", "S3_", "SSL_CERT_FILE", "FANFOLD_STORAGE_", "HOME")
    return _client(os.getpid(), variables(*prefixes))


@lru_cache(maxsize=4)
def _client(process: int, environment: Variables) -> Minio:
    """One client for as long as the environment stays: its connections are used again.

    The arguments are the cache's key; connections must not be shared between processes.
    """
    endpoint = endpoint_url()
    scheme, _, host = endpoint.partition("://")
    region = first_set(*REGION_VARIABLES)
    if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        region = region or "us-east-1"  # what other servers take; asking needs a permission more
    try:
        return Minio(
            host,
            secure=scheme == "https",
            region=region,
            http_client=PatientPool(Patience(), answer_seconds()),
            credentials=EnvironmentCredentials(),
        )
    except ValueError:
        raise UserError(
            f"the S3 endpoint {endpoint} and the region {region!r} (AWS_REGION) do not go together"
        ) from None


def endpoint_url() -> str:
    """The server's address, `https://` unless the environment says `http://`.

    Raises:
        UserError: it is not an address of a server, or holds a user and password.
    """
    given = first_set(*ENDPOINT_VARIABLES)
    if given is None:
        return AMAZON
    return server_address(given, next(n for n in ENDPOINT_VARIABLES if os.environ.get(n)))
