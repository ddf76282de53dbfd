"""A small HTTP/1.1 server on asyncio: keep-alive, chunked answers, and ways to misbehave.

A handler gets a `Request` and its `Connection`. When the client goes away the handler's task is
cancelled at once, whatever it waits for: that is how a disconnect is noticed between two words.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl

MAX_BODY = 32 * 1024 * 1024
_MAX_HEAD = 64 * 1024
_FLUSH_SECONDS = 0.05  # what was written has left for the client before a reset drops it
_BACKLOG = 2048


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    keep_alive: bool = True


Handler = Callable[[Request, "Connection"], Awaitable[None]]


class BadRequest(Exception):
    """What arrived is not a request this server can read."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Connection(asyncio.Protocol):
    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._inbox = bytearray()
        self._pending: Request | None = None  # its head was read, its body not yet
        self._missing = 0  # bytes of that body
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.begun = False  # the current answer's head was sent
        self._keep_alive = True

    # -- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._inbox += data
        if self._task is None:
            self._advance()
        elif len(self._inbox) > MAX_BODY:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # -- what handlers call

    def reply(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """A whole answer; `length` lies about its size."""
        told = {"content-type": content_type, "content-length": str(len(body) if length is None else length)}
        self._transport.write(self._head(status, {**told, **(headers or {})}) + body)

    def begin(self, content_type: str, headers: dict[str, str] | None = None) -> None:
        told = {"content-type": content_type, "cache-control": "no-cache", "transfer-encoding": "chunked"}
        self._transport.write(self._head(200, {**told, **(headers or {})}))

    async def chunks(self, parts: Iterable[bytes]) -> None:
        """One HTTP chunk a part, all in one write; waits while the client does not read."""
        self._transport.write(b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part))
        if not self._writable.is_set():
            await self._writable.wait()

    def finish(self) -> None:
        self._transport.write(b"0\r\n\r\n")

    async def hold(self) -> None:
        """Says nothing more until the client goes away."""
        await asyncio.Event().wait()

    def write_raw(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._keep_alive = False
        self._transport.close()

    async def reset(self) -> None:
        await asyncio.sleep(_FLUSH_SECONDS)
        self._keep_alive = False
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    # -- one request after the other

    def _advance(self) -> None:
        try:
            request = self._next_request()
        except (BadRequest, ValueError) as error:
            self.reply(error.status if isinstance(error, BadRequest) else 400, b"{}")
            self.close()
            return
        if request is not None:
            self.begun, self._keep_alive = False, request.keep_alive
            self._task = asyncio.get_running_loop().create_task(self._serve(request))

    async def _serve(self, request: Request) -> None:
        try:
            await self._handler(request, self)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            if self.begun:
                self._transport.abort()
            else:
                self.reply(500, b'{"error":{"message":"A defect of the scripted upstream."}}')
        finally:
            self._task = None
        if self._transport.is_closing():
            return
        if self._keep_alive:
            self._advance()
        else:
            self._transport.close()

    def _next_request(self) -> Request | None:
        if self._pending is None:
            end = self._inbox.find(b"\r\n\r\n")
            if end < 0:
                if len(self._inbox) > _MAX_HEAD:
                    raise BadRequest(431)
                return None
            request = _read_head(bytes(self._inbox[:end]))
            del self._inbox[: end + 4]
            self._missing = _body_length(request)
            self._pending = request
            if request.headers.get("expect", "").lower() == "100-continue" and self._missing:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(self._inbox) < self._missing:
            return None
        request, self._pending = self._pending, None
        request.body = bytes(self._inbox[: self._missing])
        del self._inbox[: self._missing]
        return request

    def _head(self, status: int, headers: dict[str, str]) -> bytes:
        self.begun = True
        lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append("connection: keep-alive" if self._keep_alive else "connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


async def listen(handler: Handler, host: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(handler), host, port, backlog=_BACKLOG)


def _read_head(head: bytes) -> Request:
    lines = head.decode("latin-1").split("\r\n")
    method, target, version = lines[0].split(" ")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    path, _, query = target.partition("?")
    keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return Request(method, path, dict(parse_qsl(query)) if query else {}, headers, keep_alive=keep_alive)


def _body_length(request: Request) -> int:
    if "transfer-encoding" in request.headers:
        raise BadRequest(411)
    length = int(request.headers.get("content-length") or 0)
    if length > MAX_BODY:
        raise BadRequest(413)
    return length


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
