"""A create request: refused with the parameter named, or understood. PURE.

The body stays the truth: what the caller sent with Chat-shaped tools flattened and nothing else
changed, unknown fields included. Everything beside it is a reading of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from shared.errors import InvalidRequest, excerpt
from shared.ids import is_response_id
from shared.wire import refusals, schemas
from shared.wire.fields import CreateFields, check_metadata, read_fields
from shared.wire.input_items import check_input
from shared.wire.tools import read_tool_choice, read_tools

MAX_MODEL = 256
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FORMAT_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_CONVERSATION_PREFIX = "conv_"
# How the answer is delivered, not what is generated.
_DELIVERY = frozenset({"stream", "stream_options"})


@dataclass(frozen=True)
class CreateRequest:
    """What `parse_create` understood; `fields` is the typed view of the plain fields, null where absent."""

    body: dict[str, Any]
    model: str
    input: str | list[dict[str, Any]]
    fields: CreateFields
    stream: bool
    background: bool
    store: bool
    previous_response_id: str | None
    conversation: str | dict[str, Any] | None
    include: tuple[str, ...]
    include_obfuscation: bool
    metadata: dict[str, str]

    @cached_property
    def idempotency_body(self) -> bytes:
        """Canonical JSON of what is asked for, however it is to be delivered."""
        asked = {key: value for key, value in self.body.items() if key not in _DELIVERY}
        return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)

    @property
    def conversation_id(self) -> str | None:
        given = self.conversation
        return given["id"] if isinstance(given, dict) else given


def parse_create(body: Any) -> CreateRequest:
    """The request; raises InvalidRequest (400)."""
    if not isinstance(body, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_type")
    if body.get("messages") is not None:
        raise InvalidRequest(
            "'messages' is not a parameter here: it has moved to 'input'.",
            code="unsupported_parameter",
            param="messages",
        )
    model = read_model(body.get("model"))
    fields = read_fields(body)
    check_metadata(body.get("metadata"))
    _check_format(body)
    _check_state(body, fields)
    given = body.get("input")
    if given is not None:
        check_input(given)
    elif fields.prompt is None and fields.previous_response_id is None and body.get("conversation") is None:
        raise refusals.missing("input")
    body = _with_flat_tools(body, fields)
    options = fields.stream_options
    return CreateRequest(
        body=body,
        model=model,
        input=[] if given is None else given,
        fields=fields,
        stream=bool(fields.stream),
        background=bool(fields.background),
        store=fields.store is not False,
        previous_response_id=fields.previous_response_id,
        conversation=body.get("conversation"),
        include=tuple(fields.include or ()),
        include_obfuscation=options is not None and options.include_obfuscation is True,
        metadata=body.get("metadata") or {},
    )


def read_model(model: object) -> str:
    if model is None:
        raise refusals.missing("model")
    if not isinstance(model, str):
        raise refusals.wrong_type("model", "a string", model)
    if not model or len(model) > MAX_MODEL or _CONTROL.search(model):
        raise refusals.invalid(
            "model", f"'model' must be 1 to {MAX_MODEL} characters without control characters."
        )
    return model


def _check_state(body: dict[str, Any], fields: CreateFields) -> None:
    """What the request continues: a response or a conversation, never both."""
    previous, conversation = fields.previous_response_id, body.get("conversation")
    if previous is not None and not is_response_id(previous):
        raise refusals.malformed_id("previous_response_id", previous, "a response id")
    if conversation is None:
        return
    if previous is not None:
        raise refusals.invalid(
            "conversation", "Give either 'previous_response_id' or 'conversation', not both."
        )
    if isinstance(conversation, dict):
        path, given = "conversation.id", refusals.require_string(conversation, "id", "conversation")
    elif isinstance(conversation, str):
        path, given = "conversation", conversation
    else:
        raise refusals.wrong_type("conversation", "a string or an object", conversation)
    if not given.startswith(_CONVERSATION_PREFIX):
        raise refusals.malformed_id(path, given, "a conversation id")


def _check_format(body: dict[str, Any]) -> None:
    """What a JSON schema format must have beyond its type."""
    chosen = (body.get("text") or {}).get("format") or {}
    if chosen.get("type") != "json_schema":
        return
    path = "text.format"
    name = refusals.require_string(chosen, "name", path)
    if not _FORMAT_NAME.match(name):
        raise refusals.invalid(
            f"{path}.name",
            f"'{excerpt(name)}' is not a format name: 1 to 64 of letters, digits, '_' and '-'.",
        )
    schema, where = chosen.get("schema"), f"{path}.schema"
    if schema is None:
        raise refusals.missing(where)
    fault = schemas.fault_of(schema) if isinstance(schema, dict) else "must be an object"
    if fault is not None:
        raise InvalidRequest(f"'{where}' {fault}.", code="invalid_json_schema", param=where)
    refusals.optional_string(chosen, "description", path)
    strict = chosen.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise refusals.wrong_type(f"{path}.strict", "a boolean", strict)


def _with_flat_tools(body: dict[str, Any], fields: CreateFields) -> dict[str, Any]:
    """The body with its tools and its choice among them as they are kept; the given one is not changed."""
    tools = read_tools(body.get("tools"))
    # A stored prompt brings tools of its own, which we do not see.
    choice = read_tool_choice(body.get("tool_choice"), tools, closed=fields.prompt is None)
    kept = dict(body)
    if body.get("tools") is not None:
        kept["tools"] = tools
    if choice is not None:
        kept["tool_choice"] = choice
    return kept
