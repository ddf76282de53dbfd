"""The request body: JSON in UTF-8, uncompressed, within the limit; anything else is refused early."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, current_app, g
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header

from api.limits import BodyBudget
from shared.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from shared.wire import strict_json

_BUDGET = "body_budget"


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
    _reserve(limit or 0 if request.content_length is None else request.content_length)
    return strict_json.loads(_read(request, limit))


def install(app: Flask, budget: BodyBudget) -> None:
    """Large bodies share a budget; what a request took is given back when it is over."""
    app.extensions[_BUDGET] = budget
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


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {limit} bytes.")
