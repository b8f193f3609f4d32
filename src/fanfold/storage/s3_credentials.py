"""Credentials for S3, from where every S3 tool looks for them."""

from __future__ import annotations

import os

from minio.credentials.credentials import Credentials
from minio.credentials.providers import (
    AWSConfigProvider,
    ChainedProvider,
    EnvAWSProvider,
    IamAwsProvider,
    Provider,
)

from fanfold.storage.environment import first_set
from fanfold.storage.errors import AccessDenied, Unreachable
from fanfold.storage.patient_pool import PatientPool
from fanfold.storage.retry import Patience, patience_seconds

ROLE_SECONDS = 10.0
"""How long each answer of the service that gives a role its credentials is waited for."""
METADATA_SECONDS = 2.0
"""The same of the metadata service that a machine in a cloud has: most machines have none."""


class _Variables(EnvAWSProvider):
    """Keys in the environment, without the line end of the file that they may have come from."""

    def retrieve(self) -> Credentials:
        """The keys; ValueError where there are none."""
        found = super().retrieve()
        token = (found.session_token or "").strip()
        return Credentials(found.access_key.strip(), found.secret_key.strip(), token or None)


class EnvironmentCredentials(Provider):
    """Keys in the environment, then ~/.aws, then the role of a service account, task or machine."""

    def __init__(self) -> None:
        providers: list[Provider] = [_Variables(), AWSConfigProvider()]
        token_file = os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
        of_container = first_set(
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
        )
        self._has_role = bool(token_file or of_container)
        if self._has_role or os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true":
            providers.append(self._role(token_file, of_container))
        self._chain = ChainedProvider(providers)

    def _role(self, token_file: str | None, of_container: str | None) -> Provider:
        address = os.environ.get("AWS_ENDPOINT_URL_STS")
        if not token_file:
            address = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        patience = patience_seconds() if self._has_role else 0.0
        seconds = ROLE_SECONDS if self._has_role else METADATA_SECONDS
        return IamAwsProvider(
            custom_endpoint=None if of_container and not token_file else address or None,
            http_client=PatientPool(Patience(patience), seconds),
        )

    def retrieve(self) -> Credentials:
        """The credentials, as long as they are valid.

        Raises:
            AccessDenied: there are none.
        """
        try:
            return self._chain.retrieve()
        except Unreachable:
            if self._has_role:
                raise AccessDenied(
                    "the service that gives this role its credentials does not answer"
                ) from None
        except Exception:  # the library's own are of many kinds, and hold tokens
            pass
        refused = " (the role's were refused)" if self._has_role else ""
        raise AccessDenied(
            f"no credentials for S3{refused}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "AWS_PROFILE, or run where a role is given"
        ) from None
