"""Every operation there is: its parameters, what it takes and what it answers. PURE.

A test holds this table against the routes of the application, in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from api.openapi.requests import INCLUDABLE
from shared.catalog import PROVIDER_HEADERS
from shared.lifecycle import Status
from shared.wire import lists

STREAM = "text/event-stream"
HTML = "text/html"

_READ = (400, 401, 404, 500, 503)
_BODY = (400, 401, 404, 408, 413, 415, 500, 503)
_GENERATES = (400, 401, 404, 408, 413, 415, 422, 429, 500, 502, 503)

RESPONSES, CONVERSATIONS, MODELS, SERVER = "Responses", "Conversations", "Models", "Server"


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str  # below a mount, or below the root if `open`
    name: str
    tag: str
    summary: str
    answer: str  # a schema, or a media type that is none of JSON's
    description: str = ""
    errors: tuple[int, ...] = _READ
    parameters: tuple[dict[str, Any], ...] = ()
    body: str | None = None  # a schema
    body_required: bool = True
    example: Any = None  # of the body
    streams: bool = False
    headers: tuple[str, ...] = ()  # of the answer, beside those that every answer has
    other: dict[int, str] = field(default_factory=dict)  # further answers without an error's body
    open: bool = False  # needs no key


def _parameter(place: str, name: str, schema: dict[str, Any], text: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": text, **more}


def _query(name: str, schema: dict[str, Any], text: str, **more: Any) -> dict[str, Any]:
    return _parameter("query", name, schema, text, **more)


_TEXT = {"type": "string"}
_FLAG = {"type": "boolean", "default": False}
_SECONDS = {"type": "integer", "minimum": 0, "maximum": 10**12 - 1}
_CURSOR = {"type": "integer", "minimum": 0, "maximum": lists.MAX_SEQUENCE}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": lists.MAX_LIMIT, "default": lists.DEFAULT_LIMIT}
_LIST = (
    _query("limit", _LIMIT, "How many at a time."),
    _query("order", {"enum": ["asc", "desc"], "default": "desc"}, "By age: newest first is `desc`."),
    _query("after", _TEXT, "Go on after this id: the `last_id` of the page before."),
)
_INCLUDE = _query(
    "include[]",
    {"type": "array", "items": {"enum": INCLUDABLE}, "maxItems": lists.MAX_INCLUDE},
    "More to show. May be repeated.",
    style="form",
    explode=True,
)
_RESPONSE_ID = _parameter("path", "response_id", _TEXT, "`resp_…`")
_CONVERSATION_ID = _parameter("path", "conversation_id", _TEXT, "`conv_…`")
_ITEM_ID = _parameter("path", "item_id", _TEXT, "The item's id.")
_PROVIDER = tuple(
    _parameter("header", name, _TEXT, "The upstream account to use, where the model's name does not say.")
    for name in PROVIDER_HEADERS
)
_IDEMPOTENCY = _parameter(
    "header",
    "Idempotency-Key",
    {"type": "string", "pattern": "^[ -~]{1,255}$"},
    "The same key with the same body answers with the first request's response, paid for once.",
)
_FILTERS = (
    _query("status", {"enum": [str(status) for status in Status]}, "Only these."),
    _query("model", {"type": "string", "minLength": 1}, "Only these, as the provider calls the model."),
    _query("background", {"type": "boolean"}, "Only these."),
    _query(
        "metadata",
        {"type": "object", "additionalProperties": _TEXT},
        "Only those with all these pairs: `metadata[key]=value`.",
        style="deepObject",
        explode=True,
    ),
    _query("created_after", _SECONDS, "Unix seconds, not included."),
    _query("created_before", _SECONDS, "Unix seconds, not included."),
)
_HELLO = {"model": "demo", "input": "Say hello."}
_ITEMS = {"items": [{"role": "user", "content": "Hello."}]}

_CREATE = Operation(
    "POST", "/responses", "createResponse", RESPONSES, "Create a response", "Response",
    "The answer is the finished response, with `background` the queued one, with `stream` its events. "
    "A blocking request whose generation failed after it began is answered with 200 and the failed response.",
    errors=tuple(sorted({*_GENERATES, 410})), parameters=(*_PROVIDER, _IDEMPOTENCY), body="CreateResponse",
    example=_HELLO, streams=True, headers=("Idempotent-Replayed",),
)  # fmt: skip
_OF_RESPONSES = (
    _CREATE,
    Operation(
        "GET", "/responses", "listResponses", RESPONSES, "List responses", "ResponseList",
        "An extension: the official API has no such list. The same URL takes WebSocket connections, on which "
        "`response.create` messages are answered with the events of a stream.",
        parameters=(*_LIST, *_FILTERS), errors=(400, 401, 426, 500, 503), other={101: "A WebSocket connection."},
    ),
    Operation(
        "GET", "/responses/{response_id}", "retrieveResponse", RESPONSES, "Retrieve or follow a response",
        "Response", "With `stream=true` its events, from the first or after `starting_after`, to the last.",
        parameters=(
            _RESPONSE_ID,
            _query("stream", _FLAG, "Answer with its events."),
            _query("starting_after", _CURSOR, "Only events after this sequence number. Needs `stream=true`."),
            _query("include_obfuscation", _FLAG, "Pad the deltas to one length."),
            _INCLUDE,
        ),
        errors=tuple(sorted({*_READ, 410, 429})), streams=True,
    ),
    Operation(
        "DELETE", "/responses/{response_id}", "deleteResponse", RESPONSES, "Delete a response",
        "ResponseDeleted", "One that still runs must be cancelled first.", parameters=(_RESPONSE_ID,),
    ),
    Operation(
        "POST", "/responses/{response_id}/cancel", "cancelResponse", RESPONSES, "Cancel a running response",
        "Response", "Of a cancelled one: the same answer again.", parameters=(_RESPONSE_ID,),
    ),
    Operation(
        "GET", "/responses/{response_id}/input_items", "listInputItems", RESPONSES,
        "List what a response was made from", "ItemList", "Earlier turns too; its own output is not part of it.",
        parameters=(_RESPONSE_ID, *_LIST, _INCLUDE),
    ),
    Operation(
        "POST", "/responses/compact", "compactConversation", RESPONSES, "Make a conversation short", "Compaction",
        errors=_GENERATES, parameters=_PROVIDER, body="CompactConversation", example=_HELLO,
    ),
    Operation(
        "POST", "/responses/input_tokens", "countInputTokens", RESPONSES, "Count the tokens of an input",
        "InputTokens", "A header says who counted, since an estimate must not pass for a count.",
        errors=_GENERATES, parameters=_PROVIDER, body="CountInputTokens", example=_HELLO,
        headers=("x-respool-counted-by",),
    ),
)  # fmt: skip
_OF_CONVERSATIONS = (
    Operation(
        "POST", "/conversations", "createConversation", CONVERSATIONS, "Create a conversation", "Conversation",
        errors=_BODY, body="CreateConversation", body_required=False, example=_ITEMS,
    ),
    Operation(
        "GET", "/conversations/{conversation_id}", "retrieveConversation", CONVERSATIONS,
        "Retrieve a conversation", "Conversation", parameters=(_CONVERSATION_ID,),
    ),
    Operation(
        "POST", "/conversations/{conversation_id}", "updateConversation", CONVERSATIONS,
        "Replace a conversation's metadata", "Conversation", errors=_BODY, parameters=(_CONVERSATION_ID,),
        body="UpdateConversation", example={"metadata": {"topic": "greetings"}},
    ),
    Operation(
        "DELETE", "/conversations/{conversation_id}", "deleteConversation", CONVERSATIONS,
        "Delete a conversation", "ConversationDeleted", parameters=(_CONVERSATION_ID,),
    ),
    Operation(
        "POST", "/conversations/{conversation_id}/items", "createItems", CONVERSATIONS, "Add items", "ItemList",
        errors=_BODY, parameters=(_CONVERSATION_ID, _INCLUDE), body="CreateItems", example=_ITEMS,
    ),
    Operation(
        "GET", "/conversations/{conversation_id}/items", "listItems", CONVERSATIONS, "List items", "ItemList",
        parameters=(_CONVERSATION_ID, *_LIST, _INCLUDE),
    ),
    Operation(
        "GET", "/conversations/{conversation_id}/items/{item_id}", "retrieveItem", CONVERSATIONS,
        "Retrieve an item", "Item", parameters=(_CONVERSATION_ID, _ITEM_ID, _INCLUDE),
    ),
    Operation(
        "DELETE", "/conversations/{conversation_id}/items/{item_id}", "deleteItem", CONVERSATIONS,
        "Delete an item", "Conversation", "The answer is the conversation.",
        parameters=(_CONVERSATION_ID, _ITEM_ID),
    ),
)  # fmt: skip
_OF_MODELS = (
    Operation(
        "GET", "/models", "listModels", MODELS, "List models", "ModelList",
        "`account/model` for every configured model, and the bare name where it is unique.",
        errors=(401, 500, 503),
    ),
    Operation(
        "GET", "/models/{model}", "retrieveModel", MODELS, "Retrieve a model", "Model",
        "Answers for anything that would be served. A name may contain `/`.",
        parameters=(_parameter("path", "model", _TEXT, "Its name."), *_PROVIDER),
    ),
)  # fmt: skip
_OF_SERVER = (
    Operation("GET", "/healthz", "healthz", SERVER, "Whether the process answers", "Health", errors=(), open=True),
    Operation(
        "GET", "/readyz", "readyz", SERVER, "Whether it can do its work", "Readiness",
        "503 with the same body where it cannot.", errors=(), other={503: "Readiness"}, open=True,
    ),
    Operation("GET", "/openapi.json", "openapi", SERVER, "This document", "", errors=(), open=True),
    Operation("GET", "/docs", "docs", SERVER, "This document for people", HTML, errors=(), open=True),
)  # fmt: skip
OPERATIONS = (*_OF_RESPONSES, *_OF_CONVERSATIONS, *_OF_MODELS, *_OF_SERVER)
