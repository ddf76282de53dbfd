"""HTTP to an upstream: one session, calls that another thread can end, errors mapped once.

`requests` has no total deadline and cannot be interrupted, so each call knows its socket: the
watchdog, a fence or a cancel shuts it down and the reading thread wakes up.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from shared.catalog import Deadlines
from shared.errors import LeaseLost, UpstreamError

_log = logging.getLogger("respool.upstream")

# One idle for longer may be closing just as we send, and the outcome would be unknown; the shortest
# limit of servers in use is 2 seconds.
IDLE_CONNECTION_SECONDS = 1.5
CHUNK = 65_536
LINGER_SECONDS = 0.02  # for the end of a body whose last event is read
FENCED = "fenced"

_current = threading.local()


class Call:
    """One upstream call: its deadlines, and the means to end it from another thread."""

    def __init__(self, deadlines: Deadlines, *, total_seconds: float) -> None:
        now = time.monotonic()
        self.deadlines = deadlines
        self._ends_at = now + min(deadlines.total, total_seconds)
        self._progress_at = now
        self._answered = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self.ended_by: str | None = None  # why another thread ended it

    def attach(self, sock: socket.socket) -> None:
        with self._lock:
            self._socket = sock
            if self.ended_by is not None:
                _shut(sock)

    def detach(self) -> None:
        """The call is over: its connection may serve another one, which a late fence must not hit."""
        with self._lock:
            self._socket = None

    def answered(self) -> None:
        self._answered = True
        self._progress_at = time.monotonic()

    def progressed(self) -> None:
        self._progress_at = time.monotonic()

    def end(self, reason: str) -> None:
        """Shut the call's socket; its reader raises. The first reason counts."""
        with self._lock:
            if self.ended_by is None:
                self.ended_by = reason
            if self._socket is not None:
                _shut(self._socket)

    def renew(self) -> bool:
        """Ready for another connection to the same generation; False where time is up, or it was fenced."""
        with self._lock:
            if self.ended_by in (FENCED, "total"):
                return False
            self.ended_by = None
            self._socket = None
        self._answered = False
        self._progress_at = time.monotonic()
        return True

    def fence(self) -> None:
        self.end(FENCED)

    def overdue(self, now: float) -> str | None:
        """Which deadline has passed, if any. Connecting has a timeout of its own."""
        if now >= self._ends_at:
            return "total"
        limit = (
            self.deadlines.progress if self._answered else self.deadlines.first_byte + self.deadlines.connect
        )
        if now >= self._progress_at + limit:
            return "progress" if self._answered else "first byte"
        return None

    def check(self) -> None:
        """Raises what ended the call: LeaseLost or UpstreamError."""
        if self.ended_by == FENCED:
            raise LeaseLost("fenced during the upstream call")
        if self.ended_by is not None:
            raise UpstreamError("upstream_timeout", f"The upstream missed its {self.ended_by} deadline.")


def _shut(sock: socket.socket) -> None:
    try:
        # the plain method: TLS sockets would first try to say goodbye
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        _log.debug("socket was closed already")


class HttpClient:
    """One per process: pooled connections to all upstreams."""

    def __init__(self, *, pool_size: int) -> None:
        self._adapter = _Adapter(pool_connections=32, pool_maxsize=pool_size, max_retries=0, pool_block=False)

    def post(self, url: str, body: bytes, headers: dict[str, str], call: Call) -> requests.Response:
        """Send once. UpstreamError(unbilled=True) only when the request cannot have been sent."""
        return self._send("POST", url, body, {"Content-Type": "application/json", **headers}, call)

    def _send(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], call: Call
    ) -> requests.Response:
        _current.call = call
        try:
            # straight to the adapter: what a session adds (cookies, redirects, proxies) is not wanted
            request = requests.Request(method, url, {"Accept-Encoding": "identity", **headers}, data=body)
            response = self._adapter.send(
                request.prepare(), stream=True, timeout=(call.deadlines.connect, call.deadlines.first_byte)
            )
        except requests.exceptions.ConnectTimeout as error:
            raise _unreachable("did not accept a connection in time") from error
        except requests.exceptions.RequestException as error:
            call.check()
            raise _connection_error(error) from error
        finally:
            _current.call = None
        call.answered()
        return response

    def get(self, url: str, headers: dict[str, str], call: Call) -> requests.Response:
        """Reading costs nothing, so every failure may be tried again. Raises as `post`."""
        return self._send("GET", url, None, headers, call)

    def attempt(self, method: str, url: str, headers: dict[str, str]) -> None:
        """Best effort, briefly; the outcome does not matter to any response."""
        try:
            request = requests.Request(method, url, headers)
            self._adapter.send(request.prepare(), timeout=(5, 5)).close()
        except requests.exceptions.RequestException as error:
            _log.info("%s upstream: %s", method, type(error).__name__)

    def close(self) -> None:
        self._adapter.close()


def chunks(response: requests.Response, call: Call) -> Iterator[bytes]:
    """The body as it comes, undecoded. Raises like `Call.check`, or UpstreamError when it breaks off."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UpstreamError("upstream_invalid_response", "The upstream compressed its answer unasked.")
    raw: Any = response.raw
    # urllib3's layer doubles what a chunk costs; it is needed to see that a body of known length is cut short
    read: Callable[[int], bytes] = raw._original_response.read1 if raw.chunked else raw.read1
    while True:
        try:
            data = read(CHUNK)
            if not data:
                raw.read1(CHUNK)  # urllib3 sees the end too, and the connection is free
        except (HTTPException, HTTPError, OSError, ValueError) as error:
            response.close()  # nobody knows what would come next on its connection
            call.check()
            raise UpstreamError("upstream_disconnected", "The upstream's stream broke off.") from error
        if not data:
            call.detach()
            call.check()
            return
        yield data


def release(response: requests.Response, call: Call) -> None:
    """Nothing more is wanted of this answer: its connection serves another call if it has ended, else goes.

    The bytes after the last event are read where they are there: a body that is not at its end costs
    the connection, and the next generation a new one.
    """
    call.detach()
    try:
        connection = response.raw.connection
        if response.status_code == 200 and connection is not None and connection.sock is not None:
            connection.sock.settimeout(LINGER_SECONDS)
            response.raw.read1(CHUNK, decode_content=False)
            response.raw.read1(CHUNK, decode_content=False)  # sees that it was the last
    except (HTTPError, OSError, ValueError) as error:
        _log.debug("connection not kept: %s", type(error).__name__)
    finally:
        response.close()


def body_start(response: requests.Response, call: Call, limit: int) -> bytes:
    """At most `limit` bytes of a body; what a broken one gave until then."""
    data = b""
    try:
        for part in chunks(response, call):
            data += part
            if len(data) >= limit:
                break
    except UpstreamError:
        _log.debug("error answer was cut short")
    return data[:limit]


def _unreachable(what: str) -> UpstreamError:
    return UpstreamError("upstream_unreachable", f"The upstream {what}.", unbilled=True)


def _connection_error(error: requests.exceptions.RequestException) -> UpstreamError:
    if isinstance(error, requests.exceptions.SSLError):
        return _unreachable("could not be reached securely")
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if type(reason).__name__ in ("NewConnectionError", "NameResolutionError"):
        return _unreachable("could not be reached")
    if isinstance(error, requests.exceptions.ReadTimeout):
        return UpstreamError("upstream_timeout", "The upstream missed its first byte deadline.")
    return UpstreamError("upstream_disconnected", "The upstream closed the connection without an answer.")


def _attach(connection: Any) -> None:
    call = getattr(_current, "call", None)
    if call is not None and connection.sock is not None:
        call.attach(connection.sock)


class _Plain(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _attach(self)


class _Secure(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _attach(self)


class _Reusing:
    """Pool behaviour: hand a connection's socket to the call, drop those idle for long."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        if time.monotonic() - getattr(connection, "used_at", 0) > IDLE_CONNECTION_SECONDS:
            connection.close()
        _attach(connection)
        return connection

    def _put_conn(self, connection: Any) -> None:
        if connection is not None:
            connection.used_at = time.monotonic()
        super()._put_conn(connection)  # type: ignore[misc]


class _PlainPool(_Reusing, HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(_Reusing, HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kw: Any) -> None:
        connections, maxsize = args[0], args[1]
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=False)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """What of it is read here: without the cookies, which nobody sends back, and a guessed encoding."""
        response = requests.Response()
        response.status_code = resp.status
        response.reason = resp.reason
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.url = req.url or ""
        response.request = req
        return response
