"""The proxy by which an address is reached, as the environment says: HTTPS_PROXY, NO_PROXY..."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit
from urllib.request import getproxies


def proxy_for(url: str) -> str | None:
    """The address of the proxy for `url`; None where it is reached directly.

    This machine itself, and what answers on its own link (a cloud's service that gives a role its
    keys), are reached directly, whatever the environment says.
    """
    if not getproxies():
        return None
    from requests.utils import get_environ_proxies, select_proxy  # which know networks in NO_PROXY

    if _is_near(urlsplit(url).hostname or ""):
        return None
    found = select_proxy(url, get_environ_proxies(url))
    return found if found is None or "://" in found else f"http://{found}"


def _is_near(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_link_local
