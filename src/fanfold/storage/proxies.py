"""The proxies by which servers are reached: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import urllib3
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from fanfold.errors import UserError

OF_ROLES = ipaddress.ip_network("fd00:ec2::/32")
"""Where AWS's services that give a role its keys have their IPv6 addresses."""


class ProxyPools:
    """Connections by proxies, kept; the `options` are those of `urllib3.PoolManager`."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._pools: dict[str, urllib3.ProxyManager] = {}

    def pool(self, url: str) -> urllib3.ProxyManager | None:
        """The connections to the proxy for `url`; None where it is reached directly.

        Raises:
            UserError: the environment names a proxy that cannot be one.
        """
        proxy = proxy_for(url)
        if proxy is not None and proxy not in self._pools:
            user = parse_url(proxy).auth
            right = b64encode(unquote(user).encode()).decode() if user else ""
            headers = {"proxy-authorization": f"Basic {right}"} if user else None
            self._pools[proxy] = urllib3.ProxyManager(proxy, proxy_headers=headers, **self._options)
        return None if proxy is None else self._pools[proxy]


def proxy_for(url: str) -> str | None:
    """The address of the proxy for `url`; None where it is reached directly.

    This machine itself, and what answers on its own link (a cloud's service that gives a role its
    keys), are reached directly, whatever the environment says.

    Raises:
        UserError: the environment names a proxy that cannot be one.
    """
    parts, named = urlsplit(url), getproxies()
    proxy, other = (_addressed(named.get(scheme, "")) for scheme in (parts.scheme, "all"))
    if not proxy and _is_usable(other):  # else it may be meant for other programs
        proxy = other
    if not proxy or _is_near(parts.hostname or ""):
        return None
    from requests.utils import should_bypass_proxies  # which knows networks in NO_PROXY

    if should_bypass_proxies(url, no_proxy=None):
        return None
    if not _is_usable(proxy):  # not shown: it may hold a password
        raise UserError(
            f"{parts.scheme.upper()}_PROXY names no proxy that can be used: give http://host:port"
        )
    return proxy


def _addressed(proxy: str) -> str:
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _is_usable(proxy: str) -> bool:
    try:
        parts = parse_url(proxy)
    except LocationParseError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.host)


def _is_near(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_link_local or address in OF_ROLES
