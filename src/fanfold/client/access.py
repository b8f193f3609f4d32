"""The way to a KFP: its address and the credentials, found as kfp.Client finds them."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from fanfold.client.connection import PORT_FORWARD, Kfp
from fanfold.client.errors import Gone
from fanfold.errors import UserError


def connect(
    host: str = "", *, namespace: str = "", token: str = "", cookies: str = "", ca_cert: str = ""
) -> Kfp:
    """The KFP at `host`, which has answered.

    Args:
        host: its address, such as http://localhost:8080; by default what `KF_PIPELINES_ENDPOINT`
            says, or else, as kfp.Client does, the service of the cluster that this pod or the
            kubectl here belongs to.
        namespace: of the user, where KFP has several.
        token: sent as bearer token; by default, the service account's token of this pod
            (`KF_PIPELINES_SA_TOKEN_PATH`) or what else kfp.Client finds.
        cookies: sent as they are, such as `authservice_session=...`.
        ca_cert: file of the certificates to trust, beside the usual ones.

    Raises:
        UserError: the address or the credentials are not right, or kfp is not installed.
        NotAnswering: nobody is there.
    """
    try:
        import kfp  # noqa: F401
    except ImportError:
        raise UserError('KFP needs kfp: install it with pip install "fanfold[kfp]"') from None
    if "@" in host:
        raise UserError("the host holds an @: give credentials by --token or --cookies instead")
    if ca_cert and not Path(ca_cert).is_file():
        raise UserError(f"no file of certificates at {ca_cert!r}")
    found = _kfp_client(host, namespace, token, cookies, ca_cert)
    api = found._run_api.api_client
    told = host or os.environ.get("KF_PIPELINES_ENDPOINT")
    if not told and api.configuration.host == "http://localhost":  # kfp.Client found nothing
        raise UserError(
            f"which KFP? Give --host or KF_PIPELINES_ENDPOINT, such as http://localhost:8080"
            f" after {PORT_FORWARD}"
        )
    # Not what kfp.Client takes for it: of an address without a scheme, one without encryption.
    pages = os.environ.get("KF_PIPELINES_UI_ENDPOINT") or api.configuration.host
    answered = Kfp(api, pages, namespace or found.get_user_namespace())
    try:
        health = answered.get("/healthz")
    except Gone:
        raise UserError(f"there is no KFP at {answered.host}: is the address right?") from None
    if not answered.namespace and (health.get("multi_user") or health.get("apiServerMultiUser")):
        answered.namespace = _namespace_of_pod(found)
    return answered


def _kfp_client(host: str, namespace: str, token: str, cookies: str, ca_cert: str) -> Any:
    import kfp
    from kfp.client import KF_PIPELINES_SA_TOKEN_ENV, KF_PIPELINES_SA_TOKEN_PATH
    from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

    class Client(kfp.Client):  # type: ignore[misc]
        """Asks the server nothing: kfp.Client would try for half a minute, and log traces."""

        def get_kfp_healthz(self, sleep_duration: int = 5) -> Any:
            import kfp_server_api

            return kfp_server_api.V2beta1GetHealthzResponse(multi_user=False)

    credentials = None
    path = os.environ.get(KF_PIPELINES_SA_TOKEN_ENV) or KF_PIPELINES_SA_TOKEN_PATH
    if not token and not cookies and os.path.exists(path):
        credentials = ServiceAccountTokenVolumeCredentials()
    told = host or os.environ.get("KF_PIPELINES_ENDPOINT")
    printed = sys.stderr if told else io.StringIO()  # without a kubectl here it says so, twice over
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
        warnings.simplefilter("ignore")
        return Client(
            host=host or None,
            namespace=namespace or "kubeflow",
            existing_token=token.strip() or None,
            cookies=cookies.strip() or None,
            ssl_ca_cert=ca_cert or None,
            credentials=credentials,
        )


def _namespace_of_pod(found: Any) -> str:
    try:
        return str(Path(found._NAMESPACE_PATH).read_text(encoding="utf-8").strip())
    except OSError:
        raise UserError("this KFP has several users: say whose by --namespace") from None
