"""Requests to a KFP: with a time limit, asked again where that is safe, one clear line an error.

They are made here and not by kfp's generated classes, which wait without end, take a page to log
in for an answer, and print.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from fanfold.client.errors import Gone, NotAnswering, Refused
from fanfold.errors import UserError
from fanfold.storage.proxies import ProxyPools

API = "/apis/v2beta1"
TIMEOUT = urllib3.Timeout(connect=10, read=60)
PAUSES = (1.0, 3.0)
"""Seconds before each further try of a request that only reads."""

PORT_FORWARD = "kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80"


class Kfp:
    """A KFP backend.

    Attributes:
        host: the address of its API.
        ui: the address of its pages, which also serve artifacts; mostly the same.
        namespace: of the user, or empty where KFP has but one.
    """

    def __init__(self, api: Any, ui: str, namespace: str) -> None:
        self._api = api
        self._direct: urllib3.PoolManager = api.rest_client.pool_manager
        self._proxies = ProxyPools(**self._direct.connection_pool_kw)
        self.host: str = api.configuration.host.rstrip("/")
        self.ui = (ui if "://" in ui else f"http://{ui}").rstrip("/")
        self.namespace = namespace

    def link(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self.ui}/#/runs/details/{run_id}"

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """What KFP says of `path`; asked again where it does not answer at once."""
        return self._json(self._patiently(self._url(path, query)))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What KFP says after it was told `body`; told once."""
        content = {"body": json.dumps(body or {}), "headers": {"Content-Type": "application/json"}}
        return self._json(self._once("POST", self._url(path, {}), **content))

    def upload(self, path: str, content: str, **query: Any) -> dict[str, Any]:
        """What KFP says after it was given a pipeline's YAML."""
        fields = {"uploadfile": ("pipeline.yaml", content, "application/yaml")}
        return self._json(self._once("POST", self._url(path, query), fields=fields))

    def artifact(self, **query: Any) -> bytes:
        """The content of an artifact that is one object, as KFP's pages serve it."""
        return self._patiently(f"{self.ui}/artifacts/get?{urlencode(query)}").data

    def artifact_link(self, **query: Any) -> str:
        """Where a browser finds that artifact."""
        return f"{self.ui}/artifacts/get?{urlencode(query)}"

    def _url(self, path: str, query: Mapping[str, Any]) -> str:
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return f"{self.host}{API}{path}" + (f"?{urlencode(given)}" if given else "")

    def _patiently(self, url: str) -> urllib3.BaseHTTPResponse:
        for pause in PAUSES:
            try:
                return self._once("GET", url)
            except NotAnswering:
                time.sleep(pause)
        return self._once("GET", url)

    def _once(self, method: str, url: str, **content: Any) -> urllib3.BaseHTTPResponse:
        headers = {**self._api.default_headers, **content.pop("headers", {})}
        if self._api.cookie:
            headers["Cookie"] = self._api.cookie
        self._api.update_params_for_auth(headers, [], ["Bearer"])
        pool = self._proxies.pool(url) or self._direct
        try:
            answer = pool.request(
                method, url, headers=headers, timeout=TIMEOUT, retries=False, **content
            )
        except SSLError as error:
            raise _not_trusted(error, self.host) from None
        except HTTPError as error:
            raise NotAnswering(
                f"KFP at {self.host} does not answer: {_line(error)}; if that is a forwarded port,"
                f" is it still up? {PORT_FORWARD}"
            ) from None
        except ValueError:  # which holds the header
            raise UserError(
                f"the token or the cookies for KFP at {self.host} hold a character that no header"
                " may have, such as a line end"
            ) from None
        self._check(answer)
        return answer

    def _check(self, answer: urllib3.BaseHTTPResponse) -> None:
        """Raise the error that the status of `answer` stands for."""
        status, said = answer.status, self._said(answer)
        where = f"KFP at {self.host}"
        if status < 300:
            return
        if status < 400:
            raise UserError(f"{where} sends one elsewhere: {_elsewhere(answer, self.host)}")
        if status == 401:
            raise UserError(
                f"{where} does not know you (401){said}: give --token or --cookies, or newer ones"
            )
        if status == 403:
            raise UserError(
                f"{where} does not let you (403){said}: ask for the right to, give another --token,"
                " or name your own --namespace"
            )
        if status == 404:
            raise Gone(f"{where} has no such thing (404){said}")
        if status == 429 or status >= 500:
            raise NotAnswering(f"{where} failed to answer ({status}){said}")
        raise Refused(f"{where} refuses that ({status}){said}")

    def _json(self, answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
        try:
            return dict(json.loads(answer.data or b"{}"))
        except ValueError:
            raise UserError(
                f"KFP at {self.host} answers with a page for people, one to log in perhaps: give"
                " --token or --cookies; or the address is not that of KFP"
            ) from None

    def _said(self, answer: urllib3.BaseHTTPResponse) -> str:
        """`: ` and the reason that a refusal gives, if it gives one that a person can read."""
        try:
            body = json.loads(answer.data)
            said = body.get("message") or body.get("error_message") or body.get("error")
        except (ValueError, AttributeError):
            said = None
        if not isinstance(said, str):
            return ""
        config = self._api.configuration
        for secret in (config.api_key.get("authorization"), self._api.cookie):
            said = said.replace(secret, "...") if secret else said
        return f": {' '.join(said.split())[:500]}"


def _not_trusted(error: SSLError, host: str) -> UserError:
    """The error of an answer that is not encrypted as it should be."""
    if "WRONG_VERSION_NUMBER" in str(error):  # the answer is no TLS at all
        return UserError(
            f"KFP at {host} answers without encryption: give its address with http://, as"
            f" http{host.removeprefix('https')}"
        )
    return UserError(
        f"KFP at {host} cannot be trusted: {_line(error)}; name the file of its certificate"
        " authority by --ca-cert"
    )


def _elsewhere(answer: urllib3.BaseHTTPResponse, host: str) -> str:
    """Where a redirection leads, without what its query may tell."""
    target = urlsplit(answer.headers.get("Location", ""))
    place = f"{target.scheme}://{target.netloc}" if target.netloc else ""
    if target.netloc and target.path.endswith("/healthz"):
        return f"to {place}{target.path.partition(API)[0]}, so give that as --host"
    return f"to {place}{target.path}, a page to log in perhaps: give --token or --cookies"


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rpartition(": ")[2]
