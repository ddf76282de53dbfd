"""The parameters of the operations, with the limits of the code that reads them. PURE."""

from __future__ import annotations

from typing import Any

from shared.catalog import PROVIDER_HEADERS
from shared.lifecycle import Status
from shared.wire import lists


def parameter(place: str, name: str, schema: dict[str, Any], text: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": text,
        **more,
    }


def query(name: str, schema: dict[str, Any], text: str, **more: Any) -> dict[str, Any]:
    return parameter("query", name, schema, text, **more)


TEXT = {"type": "string"}
FLAG = {"type": "boolean", "default": False}
_SECONDS = {"type": "integer", "minimum": 0, "maximum": 10**12 - 1}
CURSOR = {"type": "integer", "minimum": 0, "maximum": lists.MAX_SEQUENCE}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": lists.MAX_LIMIT, "default": lists.DEFAULT_LIMIT}
LIST = (
    query("limit", _LIMIT, "How many at a time."),
    query("order", {"enum": ["asc", "desc"], "default": "desc"}, "By age: newest first is `desc`."),
    query("after", TEXT, "Go on after this id: the `last_id` of the page before."),
)
INCLUDE = query(
    "include[]",
    {"type": "array", "items": {"enum": sorted(lists.INCLUDABLE)}, "maxItems": lists.MAX_INCLUDE},
    "More to show. May be repeated.",
    style="form",
    explode=True,
)
RESPONSE_ID = parameter("path", "response_id", TEXT, "`resp_…`")
CONVERSATION_ID = parameter("path", "conversation_id", TEXT, "`conv_…`")
ITEM_ID = parameter("path", "item_id", TEXT, "The item's id.")
PROVIDER = tuple(
    parameter("header", name, TEXT, "The upstream account to use, where the model's name does not say.")
    for name in PROVIDER_HEADERS
)
IDEMPOTENCY = parameter(
    "header",
    "Idempotency-Key",
    {"type": "string", "pattern": "^[ -~]{1,255}$"},
    "The same key with the same body answers with the first request's response, paid for once.",
)
FILTERS = (
    query("status", {"enum": [str(status) for status in Status]}, "Only these."),
    query("model", {"type": "string", "minLength": 1}, "Only these, as the provider calls the model."),
    query("background", {"type": "boolean"}, "Only these."),
    query(
        "metadata",
        {"type": "object", "additionalProperties": TEXT},
        "Only those with all these pairs: `metadata[key]=value`.",
        style="deepObject",
        explode=True,
    ),
    query("created_after", _SECONDS, "Unix seconds, not included."),
    query("created_before", _SECONDS, "Unix seconds, not included."),
)
