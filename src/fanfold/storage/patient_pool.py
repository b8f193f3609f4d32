"""HTTP connections on which a request is tried again while its failure is a passing one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import certifi
import urllib3
from urllib3.exceptions import HTTPError, ProxyError, SSLError

from fanfold.errors import UserError
from fanfold.storage.environment import first_set
from fanfold.storage.errors import Unreachable
from fanfold.storage.proxies import ProxyPools
from fanfold.storage.retry import TRANSIENT_STATUSES, Patience, reason

CONNECT_SECONDS = 10.0


class PatientPool(urllib3.PoolManager):
    """Connections on which a request is tried again while its failure is a passing one."""

    def __init__(self, patience: Patience, read_seconds: float) -> None:
        connect_seconds = min(CONNECT_SECONDS, read_seconds)
        options: dict[str, Any] = {
            "maxsize": 10,
            "timeout": urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": first_set("AWS_CA_BUNDLE", "SSL_CERT_FILE") or certifi.where(),
        }
        super().__init__(**options)
        self._proxies = ProxyPools(**options)
        self._patience = patience

    def urlopen(  # type: ignore[override]
        self, method: str, url: str, redirect: bool = True, **kwargs: Any
    ) -> urllib3.BaseHTTPResponse:
        """The response, whatever its status once patience has run out.

        A redirection is not followed: the signature is of the host that was asked.

        Raises:
            Unreachable: nobody answered for as long as one waits.
            UserError: the server does not speak TLS, or shows a certificate that is not trusted;
                or a credential can be in no header, or there is no such proxy.
        """
        parts = urlsplit(url)
        what = f"{method} {parts.scheme}://{parts.netloc}{parts.path}"  # a query may hold a token
        proxy = self._proxies.pool(url)
        ask = super().urlopen if proxy is None else proxy.urlopen
        while True:
            try:
                response = ask(method, url, redirect=False, retries=False, **kwargs)
            except (HTTPError, OSError) as error:
                _check_tls(error, f"{parts.scheme}://{parts.netloc}")
                why = reason(error)
                if self._patience.wait(what, why):
                    continue
                by_proxy = "the proxy (HTTPS_PROXY), " if isinstance(error, ProxyError) else ""
                raise Unreachable(
                    f"{parts.scheme}://{parts.netloc} does not answer ({why}): check {by_proxy}the"
                    " endpoint (AWS_ENDPOINT_URL_S3), the network and the server"
                ) from None
            except ValueError:  # which holds the header
                raise UserError(
                    f"a credential for {parts.scheme}://{parts.netloc} holds a character that no"
                    " header may have, such as a line end"
                ) from None
            if response.status in TRANSIENT_STATUSES:
                if self._patience.wait(what, f"status {response.status}"):
                    response.drain_conn()
                    response.release_conn()
                    continue
            else:
                self._patience.succeeded()
            return response


def _check_tls(error: BaseException, server: str) -> None:
    """Raise for what waiting does not mend: no TLS at the other end, or no trust in it."""
    if not isinstance(error, SSLError):
        return
    if "WRONG_VERSION_NUMBER" in str(error) or "record layer" in str(error).lower():
        raise UserError(
            f"{server} does not speak TLS: its address may begin with http://"
        ) from None
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise UserError(
            f"the certificate of {server} is not trusted: name the authority's in AWS_CA_BUNDLE"
        ) from None
