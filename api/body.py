"""The request body: JSON in UTF-8, uncompressed, within the limit and in time; else it is refused."""

from __future__ import annotations

import socket
from typing import Any

import gevent
from flask import Flask, Request, current_app, g
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header

from api.limits import BodyBudget
from shared.errors import InvalidRequest, PayloadTooLarge, RequestTimeout, UnsupportedMedia
from shared.wire import strict_json

SLOWEST_RATE = 64 * 1024  # bytes a second: a large body may take longer
_BUDGET, _SECONDS = "body_budget", "body_seconds"


class _TooSlow(BaseException):
    """Nothing between the socket and us may take this for an error of the connection."""


def read_json(request: Request) -> Any:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("Send the body uncompressed.", code="unsupported_content_encoding")
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    if kind.lower() != "application/json" or options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMedia("Send the body as `Content-Type: application/json`, in UTF-8.")
    limit = request.max_content_length
    if limit is not None and (request.content_length or 0) > limit:
        raise _too_large(limit)
    # a chunked body may turn out as large as the limit
    size = limit or 0 if request.content_length is None else request.content_length
    _reserve(size)
    seconds: float = current_app.extensions[_SECONDS]
    try:
        with gevent.Timeout(seconds + size / SLOWEST_RATE, _TooSlow()):
            body = _read(request, limit)
    except _TooSlow:
        _hear_no_more(request)
        raise RequestTimeout("The request body did not arrive in time.") from None
    return strict_json.loads(body)


def install(app: Flask, budget: BodyBudget, *, seconds: float) -> None:
    """Large bodies share a budget; what a request took is given back when it is over.

    `seconds`: how long a small body may take to arrive.
    """
    app.extensions[_BUDGET] = budget
    app.extensions[_SECONDS] = seconds
    app.teardown_request(lambda _: budget.give_back(g.pop("body_bytes", 0)))


def _reserve(size: int) -> None:
    budget: BodyBudget = current_app.extensions[_BUDGET]
    g.body_bytes = budget.take(size)


def _read(request: Request, limit: int | None) -> bytes:
    if limit is not None:
        # the framework cuts a chunked body at its limit without a word: one byte more shows it
        request.max_content_length = limit + 1
    try:
        body = request.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:
        # the server's parser speaks up while the body is read: bad chunk sizes, a vanished client
        raise InvalidRequest("The request body could not be read.", code="bad_request") from error
    if limit is not None and len(body) > limit:
        raise _too_large(limit)
    return body


def _hear_no_more(request: Request) -> None:
    """The server would wait for the rest of the body before it closed the connection."""
    sock: socket.socket | None = request.environ.get("gunicorn.socket")
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RD)
        except OSError:
            return  # the client is gone


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {limit} bytes.")
