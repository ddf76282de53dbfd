"""One keep-alive HTTP/1.1 connection on asyncio, with as little in the way as can be.

A load generator shares its core with the upstream: each microsecond spent here is one that nobody
else has. Requests are bytes made beforehand; of an answer only what frames it is parsed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import cast

Sink = Callable[[bytes], None]


class Disconnected(ConnectionError):
    """The server closed before its answer was whole."""


def request_bytes(
    method: str, path: str, *, host: str, headers: Mapping[str, str], body: object = None
) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


class Connection(asyncio.Protocol):
    """One request at a time; `ask` opens the socket anew where the server has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[int] | None = None
        self._sink: Sink | None = None
        self.body = bytearray()
        self._rest = b""  # not understood yet
        self._headed = False
        self._chunked = False
        self._left: int | None = None  # bytes of the body, or of the chunk with its line end
        self._status = 0
        self._closing = False

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, *self._address)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def ask(self, request: bytes, sink: Sink | None = None) -> int:
        """The status, once the answer is whole. Its body went to the sink, or is in `body`."""
        if self._transport is None:
            await self.open()
        assert self._transport is not None
        self.body.clear()
        self._sink = sink or self.body.extend
        self._reset()
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiter

    # -- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiter is None or self._waiter.done():
            return
        if self._headed and self._left is None and not self._chunked and exc is None:
            self._finish()  # an answer without a length ends with its connection
        else:
            self._waiter.set_exception(Disconnected())

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
            self._rest = b""
        if not self._headed:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            self._read_head(data[:end])
            data = data[end + 4 :]
        if self._chunked:
            self._take_chunks(data)
        else:
            self._take_plain(data)

    # -- one answer

    def _reset(self) -> None:
        self._rest = b""
        self._headed = self._chunked = self._closing = False
        self._left = None
        self._status = 0

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        self._status = int(first[9:12])
        self._headed = True
        for line in lines:
            name, _, value = line.partition(b":")
            name, value = name.lower(), value.strip().lower()
            if name == b"content-length":
                self._left = int(value)
            elif name == b"transfer-encoding":
                self._chunked = b"chunked" in value
            elif name == b"connection":
                self._closing = value == b"close"
        if self._chunked:
            self._left = 0

    def _take_plain(self, data: bytes) -> None:
        assert self._sink is not None
        if data:
            self._sink(data)
        if self._left is not None:
            self._left -= len(data)
            if self._left <= 0:
                self._finish()

    def _take_chunks(self, data: bytes) -> None:
        assert self._sink is not None and self._left is not None
        parts, at, size, left, ended = [], 0, len(data), self._left, False
        while at < size:
            if left:
                stop = min(at + left, size)
                parts.append(data[at : max(at, min(stop, at + left - 2))])  # not its line end
                left -= stop - at
                at = stop
                continue
            line_end = data.find(b"\r\n", at)
            if line_end < 0 or (data[at:line_end] == b"0" and line_end + 4 > size):
                self._rest = data[at:]
                break
            left = int(data[at:line_end].partition(b";")[0], 16)
            at = line_end + 2
            if left == 0:
                ended = True
                break
            left += 2
        self._left = left
        if parts:
            self._sink(b"".join(parts))
        if ended:
            self._finish()

    def _finish(self) -> None:
        if self._closing and self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(self._status)
