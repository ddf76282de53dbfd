"""The headers every answer has, and the names a request may bring (CONTRACT 8).

`OpenAI-Organization` and `OpenAI-Project` say nothing here: the key alone decides the tenant. A
well-formed `X-Client-Request-Id` is written to the log beside our own name of the request.
"""

from __future__ import annotations

import logging
import re
import time

from flask import Flask, Response, g, request

from shared.errors import InvalidRequest
from shared.ids import is_request_id, new_request_id
from shared.telemetry import mask

_log = logging.getLogger("respool.api")

PROVIDER_HEADER = "x-respool-provider"  # the account's name: what the same header of a request chooses
API_VERSION = "2020-10-01"  # the only one there is
_CLIENT_NAME = re.compile(r"[\x21-\x7e]{1,512}\Z")
_TENANT = re.compile(r"[A-Za-z0-9._:@-]{1,128}\Z")  # what can stand in a header


def install(app: Flask) -> None:
    app.before_request(_name_request)
    app.after_request(_finish_headers)


def _name_request() -> None:
    g.began = time.monotonic()
    offered = request.headers.get("X-Request-Id", "")
    g.request_id = offered if is_request_id(offered) else new_request_id()
    hosts = request.environ.get("HTTP_HOST", "")
    if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1" and (not hosts or "," in hosts):
        raise InvalidRequest("A request needs exactly one Host header.", code="bad_request")


def _finish_headers(response: Response) -> Response:
    headers = response.headers
    request_id = g.get("request_id") or new_request_id()
    seconds = time.monotonic() - g.get("began", time.monotonic())
    headers.setdefault("Cache-Control", "no-store")
    # added, not set: nobody else says them, and to look for each takes as long as all the rest
    headers.add("x-request-id", request_id)
    headers.add("X-Content-Type-Options", "nosniff")
    headers.add("openai-processing-ms", str(round(seconds * 1000)))
    headers.add("openai-version", API_VERSION)
    answered_by = g.get("answered_by")
    if answered_by is not None:
        headers.add(PROVIDER_HEADER, answered_by)
    caller = g.get("caller")
    if caller is not None and _TENANT.match(caller.tenant_id):
        headers.add("openai-organization", caller.tenant_id)
    client_name = request.headers.get("X-Client-Request-Id", "")
    if _CLIENT_NAME.match(client_name):
        fields = {"request_id": request_id, "client_request_id": mask(client_name)}
        _log.info("answered", extra={**fields, "status": response.status_code, "seconds": round(seconds, 3)})
    return response
