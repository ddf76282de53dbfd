"""Errors to the wire: always the envelope of CONTRACT 1.1, never a framework's page."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from shared import errors

_log = logging.getLogger("respool.api")

RETRY_AFTER_SECONDS = 2
CLIENT_CLOSED = 499


def install(app: Flask) -> None:
    app.register_error_handler(errors.ClientError, _client_error)
    app.register_error_handler(errors.StoreUnavailable, _unavailable)
    app.register_error_handler(errors.LogUnavailable, _unavailable)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _fault)


def json_response(value: dict[str, Any] | bytes, status: int = 200) -> Response:
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    return Response(body, status, mimetype="application/json")


def _client_error(error: errors.ClientError) -> Response:
    response = json_response(error.envelope(), error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status >= 500 and g.get("paid"):
        # an SDK repeats 5xx by itself and would pay for the generation again
        response.headers["x-should-retry"] = "false"
    return response


def _unavailable(error: errors.RespoolError) -> Response:
    _log.warning("unavailable: %s", error)
    message = "The gateway cannot reach its storage right now; try again."
    return _client_error(errors.Unavailable(message, retry_after=RETRY_AFTER_SECONDS))


def _http_exception(error: HTTPException) -> Response:
    if isinstance(error, NotFound):
        return _client_error(errors.NotFound("Unknown request URL.", code="unknown_url"))
    if isinstance(error, RequestEntityTooLarge):
        return _client_error(errors.PayloadTooLarge("The request body is too large."))
    if isinstance(error, MethodNotAllowed):
        response = _client_error(errors.MethodNotAllowed("This method is not allowed for this URL."))
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response
    code = error.code or 500
    if code < 400:
        return json_response({}, code)
    if code >= 500:
        return _fault(error)
    bad = errors.InvalidRequest("The request could not be understood.", code="bad_request")
    return json_response(bad.envelope(), 400)


def _fault(error: Exception) -> Response:
    if isinstance(error, BrokenPipeError):
        return json_response({}, CLIENT_CLOSED)  # nobody reads it
    _log.error("fault of ours", exc_info=error, extra={"request_id": g.get("request_id", "")})
    fault = errors.ClientError("The gateway failed to process the request.")
    fault.status, fault.type = 500, "server_error"
    return _client_error(fault)
