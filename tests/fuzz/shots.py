"""One fuzzed request and what must hold of its answer, whatever was sent.

Requests go out as raw bytes on a socket of their own: no client tidies them up. `Report` keeps the
slowest, printed at the end of the run; times are shown and never asserted.
"""

from __future__ import annotations

import heapq
import itertools
import json
import re
import socket
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.support.contract import check_error
from tests.support.stack import Stack

MAX_ERROR_BYTES = 4096
MAX_ECHO = 200
_SLOWEST = 10
_SECONDS = 30
_STACK_TRACE = re.compile(rb'Traceback|File "[^"]+", line \d+|\.py\b|site-packages')
_HTML = re.compile(rb"<!doctype|<html|<title", re.IGNORECASE)


@dataclass(frozen=True)
class Shot:
    """A request, to the byte. Its length is told by the sender unless a header does."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    def raw(self, host: str) -> bytes:
        names = {name.lower() for name, _ in self.headers}
        own = [(b"Host", host.encode()), (b"Connection", b"close")]
        if self.body or self.method in (b"POST", b"PUT", b"PATCH"):
            own.append((b"Content-Length", str(len(self.body)).encode()))
        lines = [b"%b: %b\r\n" % pair for pair in own if pair[0].lower() not in names]
        lines += [b"%b: %b\r\n" % pair for pair in self.headers]
        return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (self.method, self.target, b"".join(lines), self.body)

    def __str__(self) -> str:
        return f"{self.method!r} {self.target[:60]!r} {len(self.headers)} headers, {len(self.body)} bytes"


@dataclass
class Report:
    shots: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    _slowest: list[tuple[float, int, str]] = field(default_factory=list)
    _number: Any = field(default_factory=itertools.count)

    def add(self, shot: object, status: int, seconds: float) -> None:
        self.shots += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        heapq.heappush(self._slowest, (seconds, next(self._number), f"{status} {shot}"))
        if len(self._slowest) > _SLOWEST:
            heapq.heappop(self._slowest)

    def lines(self) -> list[str]:
        counts = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        slowest = [
            f"  {seconds * 1000:8.1f} ms  {what}" for seconds, _, what in sorted(self._slowest, reverse=True)
        ]
        return [f"fuzz report: {self.shots} requests ({counts}); the slowest:", *slowest]


def fire(stack: Stack, shot: Shot, report: Report) -> tuple[int, dict[bytes, bytes], bytes]:
    """Send it, read the answer to the end of the connection, check it."""
    return send(stack, shot.raw(urlsplit(stack.base_url).netloc), shot, report)


def send(stack: Stack, data: bytes, name: object, report: Report) -> tuple[int, dict[bytes, bytes], bytes]:
    address = urlsplit(stack.base_url)
    began = time.monotonic()
    with socket.create_connection((address.hostname or "", address.port or 0), _SECONDS) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it answered, and closed, before it had read everything
        answer = _read(sock)
    if not answer:
        # nothing was asked in full: the only right answer is none
        report.add(name, 0, time.monotonic() - began)
        return 0, {}, b""
    status, headers, body = _parsed(answer)
    report.add(name, status, time.monotonic() - began)
    check_answer(status, headers, body, data)
    return status, headers, body


def check_answer(status: int, headers: dict[bytes, bytes], body: bytes, sent: bytes) -> None:
    """What holds of every answer."""
    assert status < 500 or status in (502, 503), body[:500]
    assert headers[b"x-request-id"]
    assert not _STACK_TRACE.search(body) and not _HTML.search(body)
    if status < 400:
        return
    assert headers[b"content-type"] == b"application/json"
    assert len(body) < MAX_ERROR_BYTES
    if body:  # HEAD has none
        message = check_error(status, json.loads(body))["message"]
        assert _longest_echo(message, sent) <= MAX_ECHO


def _longest_echo(message: str, sent: bytes) -> int:
    """The longest run of a message that stands in the request as it was sent."""
    window = MAX_ECHO + 1
    runs = (message[start : start + window] for start in range(len(message) - window + 1))
    return window if any(run.encode() in sent for run in runs) else 0


def _read(sock: socket.socket) -> bytes:
    data = b""
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


def _parsed(answer: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    head, blank, body = answer.partition(b"\r\n\r\n")
    assert blank, answer[:200]
    first, *lines = head.split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    return int(first.split(b" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}, body
