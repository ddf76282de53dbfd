"""gunicorn's gevent worker, answering what never reaches Flask in our envelope too."""

from __future__ import annotations

import errno
import logging
import socket
from typing import Any

import orjson
from gunicorn.http import errors as http_errors
from gunicorn.http import wsgi
from gunicorn.workers.ggevent import GeventWorker

from shared.errors import ClientError, InvalidRequest
from shared.ids import new_request_id

_log = logging.getLogger("respool.server")

_REASONS = {
    400: "Bad Request",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
}


class Response(wsgi.Response):  # type: ignore[misc]
    """Head and body in one call to the kernel, where it takes all."""

    headers_sent: bool
    _head = b""

    def send_headers(self) -> None:
        """They go with the first of the body, or at the end."""
        if not self.headers_sent:
            own = (f"{name}: {value}\r\n" for name, value in self.headers)
            self._head = "".join((*self.default_headers(), *own, "\r\n")).encode("latin-1")
            self.headers_sent = True

    def _emit_body(self, data: bytes) -> None:
        """gevent's `sendall` asks for its buffer's size before."""
        if self.chunked:
            data = b"%X\r\n%b\r\n" % (len(data), data)
        head, self._head = self._head, b""
        data = head + data
        sent = self.sock.send(data)
        if sent < len(data):
            self.sock.sendall(memoryview(data)[sent:])

    def can_sendfile(self) -> bool:
        return False  # it would go past the head that waits here

    def close(self) -> None:
        self.send_headers()
        if self._head:
            head, self._head = self._head, b""
            self.sock.sendall(head)
        super().close()


wsgi.Response = Response
wsgi.SERVER = "respool"  # the Server header: who makes it is nobody's business, and changes


class Worker(GeventWorker):  # type: ignore[misc]
    def handle_exit(self, sig: int, frame: Any) -> None:
        # streams end after a whole frame, so that their clients go on elsewhere; blocking waits stay
        self.wsgi.extensions["draining"].set()
        super().handle_exit(sig, frame)

    def handle_request(self, listener_name: Any, req: Any, sock: socket.socket, addr: Any) -> Any:
        try:
            return super().handle_request(listener_name, req, sock, addr)
        except TimeoutError as error:
            # a client that takes nothing: gone, as far as the server is concerned
            raise BrokenPipeError(errno.EPIPE, "the client does not read") from error

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        status, error = _answer(exc)
        if status >= 500:
            _log.error("fault before the application", exc_info=exc)
        body = orjson.dumps(error.envelope())
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"x-request-id: {new_request_id()}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + body)
        except OSError:
            _log.debug("client was gone before its error")


def _answer(exc: BaseException) -> tuple[int, ClientError]:
    if isinstance(exc, http_errors.LimitRequestLine):
        return 414, InvalidRequest("The request URL is too long.", code="url_too_long")
    if isinstance(exc, http_errors.LimitRequestHeaders):
        return 431, InvalidRequest("The request headers are too large.", code="headers_too_large")
    if isinstance(exc, http_errors.ParseException):
        return 400, InvalidRequest("The request is not valid HTTP.", code="bad_request")
    fault = ClientError("The gateway failed to process the request.")
    fault.type = "server_error"
    return 500, fault
