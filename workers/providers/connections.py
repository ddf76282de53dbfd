"""Connections to upstreams: requests' adapter over urllib3's pools, which connect, speak TLS and name errors.

What is sent and read on them goes past http.client: a request is one call to the kernel, an answer a `Reply`.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ProtocolError

from workers.providers.reply import Reply

# One idle for longer may be closing just as we send, and the outcome would be unknown; the shortest
# limit of servers in use is 2 seconds.
IDLE_CONNECTION_SECONDS = 1.5
_HOSTS = 1024  # more than accounts have: a pool that went would take its connections along

_current = threading.local()  # `attach` of the request that this thread sends


class Adapter(HTTPAdapter):
    def __init__(self, *, pool_size: int) -> None:
        self._pools: dict[str, Any] = {}  # by scheme and authority
        super().__init__(pool_connections=_HOSTS, pool_maxsize=pool_size, max_retries=0, pool_block=False)

    def init_poolmanager(self, *args: Any, **kw: Any) -> None:
        connections, maxsize = args[0], args[1]
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=False)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def exchange(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        timeout: tuple[float, float],
        attach: Callable[[socket.socket], None],
    ) -> Reply:
        """Send once; the answer's head has come. `timeout`: of connecting, and of each wait for bytes.

        `attach` is given the connection's socket, once it has one, before anything is sent. Headers are
        sent as they are: their values have no line breaks. Raises requests' exceptions.
        """
        request = requests.PreparedRequest()
        request.method, request.url, request.body = method, _quoted(url), body
        size = {} if body is None else {"Content-Length": str(len(body))}
        request.headers = {"Accept-Encoding": "identity", **headers, **size}  # type: ignore[assignment]
        _current.attach = attach
        try:
            return self.send(request, stream=True, timeout=timeout)  # type: ignore[return-value]
        finally:
            del _current.attach

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Of the upstream itself: there are no proxies here, and one way to verify."""
        address = urlsplit(request.url)
        origin = f"{address.scheme}://{address.netloc}"
        pool = self._pools.get(origin)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self._pools[origin] = pool
        return pool

    def request_url(self, request: Any, proxies: Any) -> str:
        path_url: str = request.path_url
        return path_url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> Any:
        return resp


@lru_cache(maxsize=1024)
def _quoted(url: str) -> str:
    return requests.Request("GET", url).prepare().url or url


class _Exchanging:
    """Of a connection: what goes out and comes in."""

    host: str
    port: int
    default_port: int
    timeout: Any
    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.attach()

    def attach(self) -> None:
        attach = getattr(_current, "attach", None)
        if attach is not None and self.sock is not None:
            attach(self.sock)

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        if self.sock is None:
            self.connect()
        self.sock.settimeout(self.timeout)
        # by their names in lower case: of two of one name the last counts, as everywhere in requests
        lines = {"host": f"Host: {self._authority()}"}
        lines.update((name.lower(), f"{name}: {value}") for name, value in (headers or {}).items())
        head = "\r\n".join((f"{method} {url} HTTP/1.1", *lines.values(), "", ""))
        with _begun():
            self.sock.sendall(head.encode("latin-1") + (body or b""))

    def getresponse(self) -> Reply:
        self.sock.settimeout(self.timeout)
        with _begun():
            return Reply(self.sock)

    def _authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == self.default_port else f"{host}:{self.port}"


@contextmanager
def _begun() -> Iterator[None]:
    """From here on something may have been sent: a fault of TLS is none of connecting any more."""
    try:
        yield
    except ssl.SSLError as error:
        raise ProtocolError("TLS broke off") from error


class _Plain(_Exchanging, HTTPConnection):  # type: ignore[misc]
    pass


class _Secure(_Exchanging, HTTPSConnection):  # type: ignore[misc]
    pass


class _Reusing:
    """Pool behaviour: hand a connection's socket to the call, drop those idle for long."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        if time.monotonic() - getattr(connection, "used_at", 0) > IDLE_CONNECTION_SECONDS:
            connection.close()
        connection.attach()
        return connection

    def _put_conn(self, connection: Any) -> None:
        if connection is not None:
            connection.used_at = time.monotonic()
        super()._put_conn(connection)  # type: ignore[misc]


class _PlainPool(_Reusing, HTTPConnectionPool):
    ConnectionCls = _Plain  # type: ignore[assignment]


class _SecurePool(_Reusing, HTTPSConnectionPool):
    ConnectionCls = _Secure  # type: ignore[assignment]
