"""The request body: JSON in UTF-8, uncompressed, within the limit; anything else is refused early."""

from __future__ import annotations

from typing import Any

from flask import Request
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header

from shared.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from shared.wire import strict_json


def read_json(request: Request) -> Any:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("Send the body uncompressed.", code="unsupported_content_encoding")
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    if kind.lower() != "application/json" or options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMedia("Send the body as `Content-Type: application/json`, in UTF-8.")
    limit = request.max_content_length
    if limit is not None and (request.content_length or 0) > limit:
        raise _too_large(limit)
    return strict_json.loads(_read(request, limit))


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
