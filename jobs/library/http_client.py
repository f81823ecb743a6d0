"""The connections that requests to models go through: aiohttp's, in the place of httpx's."""

import functools
import ipaddress
import json as json_text
import os
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
import httpx

KEEP_SECONDS = 5.0  # that a connection is kept which nobody uses, as httpx does: a server hangs up in its own time
OK = 200
CODED = "Content-Encoding"
NO_LIMIT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


class PlainAnswer(NamedTuple):
    """What came with status 200 and needs no decoding, as far as the library reads it."""

    status_code: int
    content: bytes
    url: str
    headers: Mapping[str, str]

    def json(self) -> Any:
        """Read the body, which is JSON."""
        return json_text.loads(self.content)


class PooledClient:
    """Posts JSON over connections that are kept, and speaks of answers and errors in httpx's words.

    httpx takes a third of the thread that all requests of a job run on, aiohttp with its compiled parser a tenth.
    The loop thread that first posts is the one to post and close on. Time limits are the caller's.
    """

    def __init__(self, most_connections: int) -> None:
        self._most_connections = most_connections
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self,
        url: str,
        *,
        json: Any,
        headers: Mapping[str, str],
        timeout: object,  # noqa: ARG002 - httpx's signature
    ) -> PlainAnswer | httpx.Response:
        """Send an object and read the whole answer.

        Raises:
            httpx.TransportError: there was no connection, it broke, or what came was no HTTP.
        """
        if self._session is None:
            self._session = _open_session(self._most_connections)
        body = json_text.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        secure = _make_tls_context() if url.startswith("https:") else False
        sent = {**headers, "Content-Type": "application/json"}
        try:
            async with self._session.post(
                url, data=body, headers=sent, allow_redirects=False, ssl=secure, proxy=find_proxy(url)
            ) as answer:
                content = await answer.read()
                if answer.status == OK and CODED not in answer.headers:
                    return PlainAnswer(OK, content, url, answer.headers)
                asked = httpx.Request("POST", url)
                return httpx.Response(answer.status, headers=list(answer.raw_headers), content=content, request=asked)
        except aiohttp.ClientConnectorError as exc:
            number = exc.os_error.errno or 0
            is_plain = number > 0 and not isinstance(exc.os_error, ssl.SSLError)
            why = os.strerror(number) if is_plain else str(exc.os_error)
            raise httpx.ConnectError(f"no connection to {exc.host}:{exc.port} ({why})") from exc
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as exc:
            raise httpx.ReadError(f"the connection broke ({exc or type(exc).__name__})") from exc
        except aiohttp.ClientHttpProxyError as exc:
            raise httpx.ProxyError(f"the proxy does not let through: HTTP {exc.status} {exc.message}") from exc
        except aiohttp.ClientResponseError as exc:
            raise httpx.RemoteProtocolError(f"what came is no HTTP ({exc.message})") from exc

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _open_session(most_connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=most_connections, keepalive_timeout=KEEP_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=NO_LIMIT,
        auto_decompress=False,  # httpx.Response does it
    )


def find_proxy(url: str) -> str | None:
    """Find the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name for an address; none on the way to loopback."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(f"{host}:{parts.port}" if parts.port else host):
        return None
    proxies: Mapping[str, str] = getproxies_environment()
    proxy = proxies.get(parts.scheme)
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Tell whether a host, by name or address, is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@functools.cache
def _make_tls_context() -> ssl.SSLContext:
    """Trust whom httpx trusts: what SSL_CERT_FILE names, else certifi's list."""
    return httpx.create_ssl_context()
