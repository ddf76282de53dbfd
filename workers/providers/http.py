"""HTTP to an upstream: calls that another thread can end, errors mapped once.

`requests` has no total deadline and cannot be interrupted, so each call knows its socket: the
watchdog, a fence or a cancel shuts it down and the reading thread wakes up.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator

import requests
from urllib3.exceptions import HTTPError

from shared.catalog import Deadlines
from shared.errors import LeaseLost, UpstreamError
from workers.providers.connections import Adapter
from workers.providers.reply import Reply

_log = logging.getLogger("respool.upstream")

SPARE_SECONDS = 5.0  # the watchdog goes first: it knows which deadline has passed
LINGER_SECONDS = 0.02  # for the end of a body whose last event is read
FENCED = "fenced"


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
        self._adapter = Adapter(pool_size=pool_size)

    def post(self, url: str, body: bytes, headers: dict[str, str], call: Call) -> Reply:
        """Send once. UpstreamError(unbilled=True) only when the request cannot have been sent."""
        return self._send("POST", url, body, {"Content-Type": "application/json", **headers}, call)

    def get(self, url: str, headers: dict[str, str], call: Call) -> Reply:
        """Reading costs nothing, so every failure may be tried again. Raises as `post`."""
        return self._send("GET", url, None, headers, call)

    def _send(self, method: str, url: str, body: bytes | None, headers: dict[str, str], call: Call) -> Reply:
        timeout = (call.deadlines.connect, call.deadlines.first_byte)
        try:
            # straight to the adapter: what a session adds (cookies, redirects, proxies) is not wanted
            reply = self._adapter.exchange(method, url, body, headers, timeout=timeout, attach=call.attach)
        except requests.exceptions.ConnectTimeout as error:
            raise _unreachable("did not accept a connection in time") from error
        except requests.exceptions.RequestException as error:
            call.check()
            raise _connection_error(error) from error
        call.answered()
        reply.wait(call.deadlines.progress + SPARE_SECONDS)
        return reply

    def attempt(self, method: str, url: str, headers: dict[str, str]) -> None:
        """Best effort, briefly; the outcome does not matter to any response."""
        try:
            body = b"" if method == "POST" else None
            self._adapter.exchange(method, url, body, headers, timeout=(5, 5), attach=_nobody).close()
        except requests.exceptions.RequestException as error:
            _log.info("%s upstream: %s", method, type(error).__name__)

    def close(self) -> None:
        self._adapter.close()


def chunks(reply: Reply, call: Call) -> Iterator[bytes]:
    """The body as it comes, undecoded. Raises like `Call.check`, or UpstreamError when it breaks off."""
    if reply.headers.get("content-encoding", "identity").lower() != "identity":
        raise UpstreamError("upstream_invalid_response", "The upstream compressed its answer unasked.")
    while True:
        try:
            data = reply.read()
        except (HTTPError, OSError) as error:
            reply.close()  # nobody knows what would come next on its connection
            call.check()
            raise UpstreamError("upstream_disconnected", "The upstream's stream broke off.") from error
        if not data:
            call.detach()
            call.check()
            return
        yield data


def release(reply: Reply, call: Call) -> None:
    """Nothing more is wanted of this answer: its connection serves another call if it has ended, else goes.

    The bytes after the last event are read where they are there: a body that is not at its end costs
    the connection, and the next generation a new one.
    """
    call.detach()
    try:
        if reply.status == 200 and not reply.is_whole:
            reply.wait(LINGER_SECONDS)
            reply.read()
            reply.read()  # sees that it was the last
    except (HTTPError, OSError) as error:
        _log.debug("connection not kept: %s", type(error).__name__)
    finally:
        reply.close()


def body_start(reply: Reply, call: Call, limit: int) -> bytes:
    """At most `limit` bytes of a body; what a broken one gave until then."""
    data = b""
    try:
        for part in chunks(reply, call):
            data += part
            if len(data) >= limit:
                break
    except UpstreamError:
        _log.debug("error answer was cut short")
    return data[:limit]


def _nobody(_: socket.socket) -> None:
    """Nobody ends this call before its time."""


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
