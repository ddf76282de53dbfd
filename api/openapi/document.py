"""The OpenAPI document, put together from the operations, the types and the error tree. PURE."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from api.openapi.objects import ANSWERS
from api.openapi.operations import HTML, OPERATIONS, PLAIN, STREAM, Operation
from api.openapi.requests import REF, Schema, request_schemas

KEY = "key"
_JSON = "application/json"
_TITLE = "Respool"
_DESCRIPTION = (
    "A gateway for the Responses API that never loses a generation: any client of that API works here with "
    "another base URL. Every answer carries `x-request-id`; every error has the same envelope. "
    "Clients must ignore keys they do not know."
)
# what a status means, and the headers it may bring
_MEANING = {
    400: "The request is wrong; `param` names the parameter.",
    401: "No key, or a wrong one.",
    404: "Not there, or not yours; or a model that nobody serves.",
    408: "The body did not arrive in time.",
    410: "It was there, and is gone.",
    413: "The body is too large.",
    414: "The URL is too long.",
    415: "The body is not JSON in UTF-8, or is compressed.",
    422: "The upstream, or the idempotency key's first request, does not agree.",
    426: "A WebSocket version other than 13.",
    429: "Too much at a time: repeat it after `Retry-After`.",
    431: "The headers are too large.",
    500: "A fault of Respool.",
    502: "The upstream failed.",
    503: "Not possible right now: repeat it after `Retry-After`, unless `x-should-retry` says no.",
}
_RETRIED = frozenset({429, 503})
_HEADERS = {
    "x-request-id": "Names this request in the log.",
    "openai-processing-ms": "How long the answer took to begin.",
    "openai-version": "The API version.",
    "openai-organization": "The tenant of the key.",
    "Retry-After": "Seconds to wait.",
    "x-should-retry": "`false` where a repeat would be paid for again.",
    "Idempotent-Replayed": "`true` where the response was accepted before.",
    "x-respool-provider": "The account that answered; of a stream the one that was asked first.",
    "x-respool-counted-by": "`upstream`, `tokenizer` or `estimate`.",
}
# each event of a stream, as the specification of server-sent events reads it
_EVENT: Schema = {
    "type": "object",
    "description": "Events, each with an `event:` and a `data:` line; the last is `data: [DONE]`.",
    "properties": {
        "event": {"type": "string", "description": "The `type` of the event."},
        "data": {
            "type": "string",
            "contentMediaType": _JSON,
            "contentSchema": {"$ref": REF + "StreamEvent"},
        },
    },
    "required": ["data"],
}
# whose answer's id is which parameter of other operations
_MAKES = {"createResponse": "response_id", "createConversation": "conversation_id"}
_ANYWHERE = (414, 431)  # said by the server before the application sees the request
_ALWAYS = ("x-request-id", "openai-processing-ms", "openai-version", "openai-organization")


def build_document(mounts: Iterable[str], version: str) -> Schema:
    """`mounts`: the base paths under which the same operations answer, the official one first."""
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        path = paths.setdefault(operation.path, {"servers": [{"url": "/"}]} if operation.open else {})
        path[operation.method.lower()] = _operation(operation)
    tags = dict.fromkeys(operation.tag for operation in OPERATIONS)
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": version, "description": _DESCRIPTION},
        "servers": [{"url": mount} for mount in mounts],
        "security": [{KEY: []}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "securitySchemes": {KEY: {"type": "http", "scheme": "bearer"}},
            "headers": {
                name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()
            },
            "responses": {_name(status): _error(status) for status in _MEANING},
            "schemas": {**_answers(), **_plain(request_schemas())},
        },
    }


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": list(operation.parameters),
        "responses": _responses(operation),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        content = {"schema": {"$ref": REF + operation.body}, "example": operation.example}
        described["requestBody"] = {"required": operation.body_required, "content": {_JSON: content}}
    if operation.open:
        described["security"] = []
    return described


def _responses(operation: Operation) -> Schema:
    good: Schema = {
        "description": "Done.",
        "headers": _headers(*_ALWAYS, *operation.headers),
        "content": _content(operation),
    }
    if operation.name in _MAKES:
        good["links"] = _links(_MAKES[operation.name])
    answers: Schema = {"200": good}
    for status, text in operation.other.items():
        answers[str(status)] = {"description": text}
        if status >= 200:
            answers[str(status)] = {**good, "description": "Not now.", "content": _json(text)}
    for status in sorted({*operation.errors, *(() if operation.open else _ANYWHERE)}):
        answers[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    return answers


def _links(made: str) -> Schema:
    return {
        operation.name: {"operationId": operation.name, "parameters": {made: "$response.body#/id"}}
        for operation in OPERATIONS
        if [p["name"] for p in operation.parameters if p["in"] == "path"] == [made]
    }


def _content(operation: Operation) -> Schema:
    if operation.answer in (HTML, PLAIN):
        return {operation.answer: {"schema": {"type": "string"}}}
    content = _json(operation.answer)
    if operation.streams:
        content[STREAM] = {"schema": _EVENT}
    return content


def _json(schema: str) -> Schema:
    return {_JSON: {"schema": {"$ref": REF + schema} if schema else {"type": "object"}}}


def _error(status: int) -> Schema:
    extra = (
        *(("Retry-After",) if status in _RETRIED else ()),
        *(("x-should-retry",) if status >= 500 else ()),
    )
    always = ("x-request-id",) if status in _ANYWHERE else _ALWAYS
    return {"description": _MEANING[status], "headers": _headers(*always, *extra), "content": _json("Error")}


def _name(status: int) -> str:
    return f"Error{status}"


def _headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _answers() -> dict[str, Schema]:
    pairs: list[Any] = [(kind, "serialization") for kind in ANSWERS]
    _, together = models_json_schema(pairs, ref_template=REF + "{model}")
    schemas: dict[str, Schema] = _plain(together["$defs"])
    return schemas


def _plain(value: Any) -> Any:
    """Without the titles and defaults that the types' own names have become."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    dropped = {name for name in ("title", "default") if not isinstance(value.get(name), dict)}
    return {name: _plain(part) for name, part in value.items() if name not in dropped}
