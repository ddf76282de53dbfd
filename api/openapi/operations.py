"""Every operation there is: its parameters, what it takes and what it answers. PURE.

A test holds this table against the routes of the application, in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from api.openapi.parameters import (
    CONVERSATION_ID,
    CURSOR,
    FILTERS,
    FLAG,
    IDEMPOTENCY,
    INCLUDE,
    ITEM_ID,
    LIST,
    PROVIDER,
    RESPONSE_ID,
    TEXT,
    parameter,
    query,
)

STREAM = "text/event-stream"
HTML = "text/html"
PLAIN = "text/plain"

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


_HELLO = {"model": "demo", "input": "Say hello."}
_ITEMS = {"items": [{"role": "user", "content": "Hello."}]}

_CREATE = Operation(
    "POST",
    "/responses",
    "createResponse",
    RESPONSES,
    "Create a response",
    "Response",
    "The answer is the finished response, with `background` the queued one, with `stream` its events. "
    "A blocking request whose generation failed after it began is answered with 200 and the failed response.",
    errors=tuple(sorted({*_GENERATES, 410})),
    parameters=(*PROVIDER, IDEMPOTENCY),
    body="CreateResponse",
    example=_HELLO,
    streams=True,
    headers=("Idempotent-Replayed", "x-respool-provider"),
)
_OF_RESPONSES = (
    _CREATE,
    Operation(
        "GET",
        "/responses",
        "listResponses",
        RESPONSES,
        "List responses",
        "ResponseList",
        "An extension: the official API has no such list. The same URL takes WebSocket connections, on which "
        "`response.create` messages are answered with the events of a stream.",
        parameters=(*LIST, *FILTERS),
        errors=(400, 401, 426, 500, 503),
        other={101: "A WebSocket connection."},
    ),
    Operation(
        "GET",
        "/responses/{response_id}",
        "retrieveResponse",
        RESPONSES,
        "Retrieve or follow a response",
        "Response",
        "With `stream=true` its events, from the first or after `starting_after`, to the last.",
        parameters=(
            RESPONSE_ID,
            query("stream", FLAG, "Answer with its events."),
            query("starting_after", CURSOR, "Only events after this sequence number. Needs `stream=true`."),
            query("include_obfuscation", FLAG, "Pad the deltas to one length."),
            INCLUDE,
        ),
        errors=tuple(sorted({*_READ, 410, 429})),
        streams=True,
        headers=("x-respool-provider",),
    ),
    Operation(
        "DELETE",
        "/responses/{response_id}",
        "deleteResponse",
        RESPONSES,
        "Delete a response",
        "ResponseDeleted",
        "One that still runs must be cancelled first.",
        parameters=(RESPONSE_ID,),
    ),
    Operation(
        "POST",
        "/responses/{response_id}/cancel",
        "cancelResponse",
        RESPONSES,
        "Cancel a running response",
        "Response",
        "Of a cancelled one: the same answer again.",
        parameters=(RESPONSE_ID,),
    ),
    Operation(
        "GET",
        "/responses/{response_id}/input_items",
        "listInputItems",
        RESPONSES,
        "List what a response was made from",
        "ItemList",
        "Earlier turns too; its own output is not part of it.",
        parameters=(RESPONSE_ID, *LIST, INCLUDE),
    ),
    Operation(
        "POST",
        "/responses/compact",
        "compactConversation",
        RESPONSES,
        "Make a conversation short",
        "Compaction",
        errors=_GENERATES,
        parameters=PROVIDER,
        body="CompactConversation",
        example=_HELLO,
        headers=("x-respool-provider",),
    ),
    Operation(
        "POST",
        "/responses/input_tokens",
        "countInputTokens",
        RESPONSES,
        "Count the tokens of an input",
        "InputTokens",
        "A header says who counted, since an estimate must not pass for a count.",
        errors=_GENERATES,
        parameters=PROVIDER,
        body="CountInputTokens",
        example=_HELLO,
        headers=("x-respool-counted-by", "x-respool-provider"),
    ),
)
_OF_CONVERSATIONS = (
    Operation(
        "POST",
        "/conversations",
        "createConversation",
        CONVERSATIONS,
        "Create a conversation",
        "Conversation",
        errors=_BODY,
        body="CreateConversation",
        body_required=False,
        example=_ITEMS,
    ),
    Operation(
        "GET",
        "/conversations/{conversation_id}",
        "retrieveConversation",
        CONVERSATIONS,
        "Retrieve a conversation",
        "Conversation",
        parameters=(CONVERSATION_ID,),
    ),
    Operation(
        "POST",
        "/conversations/{conversation_id}",
        "updateConversation",
        CONVERSATIONS,
        "Replace a conversation's metadata",
        "Conversation",
        errors=_BODY,
        parameters=(CONVERSATION_ID,),
        body="UpdateConversation",
        example={"metadata": {"topic": "greetings"}},
    ),
    Operation(
        "DELETE",
        "/conversations/{conversation_id}",
        "deleteConversation",
        CONVERSATIONS,
        "Delete a conversation",
        "ConversationDeleted",
        parameters=(CONVERSATION_ID,),
    ),
    Operation(
        "POST",
        "/conversations/{conversation_id}/items",
        "createItems",
        CONVERSATIONS,
        "Add items",
        "ItemList",
        errors=_BODY,
        parameters=(CONVERSATION_ID, INCLUDE),
        body="CreateItems",
        example=_ITEMS,
    ),
    Operation(
        "GET",
        "/conversations/{conversation_id}/items",
        "listItems",
        CONVERSATIONS,
        "List items",
        "ItemList",
        parameters=(CONVERSATION_ID, *LIST, INCLUDE),
    ),
    Operation(
        "GET",
        "/conversations/{conversation_id}/items/{item_id}",
        "retrieveItem",
        CONVERSATIONS,
        "Retrieve an item",
        "Item",
        parameters=(CONVERSATION_ID, ITEM_ID, INCLUDE),
    ),
    Operation(
        "DELETE",
        "/conversations/{conversation_id}/items/{item_id}",
        "deleteItem",
        CONVERSATIONS,
        "Delete an item",
        "Conversation",
        "The answer is the conversation.",
        parameters=(CONVERSATION_ID, ITEM_ID),
    ),
)
_OF_MODELS = (
    Operation(
        "GET",
        "/models",
        "listModels",
        MODELS,
        "List models",
        "ModelList",
        "`account/model` for every configured model, and the bare name where it is unique.",
        errors=(401, 500, 503),
    ),
    Operation(
        "GET",
        "/models/{model}",
        "retrieveModel",
        MODELS,
        "Retrieve a model",
        "Model",
        "Answers for anything that would be served. A name may contain `/`.",
        parameters=(parameter("path", "model", TEXT, "Its name."), *PROVIDER),
    ),
)
_OF_SERVER = (
    Operation(
        "GET", "/healthz", "healthz", SERVER, "Whether the process answers", "Health", errors=(), open=True
    ),
    Operation(
        "GET",
        "/readyz",
        "readyz",
        SERVER,
        "Whether it can do its work",
        "Readiness",
        "503 with the same body where it cannot.",
        errors=(),
        other={503: "Readiness"},
        open=True,
    ),
    Operation(
        "GET", "/metrics", "metrics", SERVER, "Numbers for Prometheus", PLAIN, errors=(401, 404), open=True
    ),
    Operation("GET", "/openapi.json", "openapi", SERVER, "This document", "", errors=(), open=True),
    Operation("GET", "/docs", "docs", SERVER, "This document for people", HTML, errors=(), open=True),
)
OPERATIONS = (*_OF_RESPONSES, *_OF_CONVERSATIONS, *_OF_MODELS, *_OF_SERVER)
