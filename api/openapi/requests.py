"""What Respool takes, as JSON schemas, out of the types and limits that validate. PURE.

The plain fields are the schema of `CreateFields` itself; the others are written with the constants
of the code that reads them. Nothing is refused here that the code accepts.
"""

from __future__ import annotations

from typing import Any

from shared.wire import conversations, input_items, tools
from shared.wire.fields import MAX_KEY, MAX_PAIRS, MAX_VALUE, CreateFields
from shared.wire.request import MAX_MODEL

Schema = dict[str, Any]

REF = "#/components/schemas/"

MEANING = {
    "background": "Answer at once with the queued response; poll or stream it by its id.",
    "context_management": "Passed on: when the upstream may compact the context by itself.",
    "conversation": "Continue this conversation; what is said is added to it when the response completes.",
    "frequency_penalty": "Passed on.",
    "include": "More to answer, such as `reasoning.encrypted_content`. Unknown values are passed on.",
    "input": "A text, or a list of items.",
    "instructions": "A system message for this response alone: later turns do not inherit it.",
    "max_output_tokens": "Upper bound of what the model may write, its reasoning included.",
    "max_tool_calls": "Upper bound of built-in tool calls.",
    "metadata": "Up to 16 pairs to find the response by.",
    "model": "`name`, or `account/name` to choose the upstream account. `GET /models` lists them.",
    "moderation": "Passed on.",
    "parallel_tool_calls": "Whether the model may call several tools at once; default true.",
    "presence_penalty": "Passed on.",
    "previous_response_id": "Continue after this response: its whole chain comes before `input`.",
    "prompt": "A stored prompt of the upstream's.",
    "prompt_cache_key": "Passed on.",
    "prompt_cache_options": "Passed on.",
    "prompt_cache_retention": "Passed on.",
    "reasoning": "How much a reasoning model thinks, and whether it sums that up.",
    "safety_identifier": "Passed on: names your end user to the upstream.",
    "service_tier": "Passed on.",
    "store": "Keep the response for later; default true.",
    "stream": "Answer with server-sent events.",
    "stream_options": "`include_obfuscation` pads deltas to one length; default off.",
    "temperature": "Default 1.",
    "text": "The form of the text: plain, JSON, or JSON of a schema.",
    "tool_choice": "Whether and which tools are called.",
    "tools": "Tools the model may call. Function tools may have the shape of Chat Completions.",
    "top_logprobs": "Probabilities of that many tokens at each place.",
    "top_p": "Default 1.",
    "truncation": "Passed on.",
    "user": "Passed on; older name of `safety_identifier`.",
}
# what a field belongs to where it is not a create that is asked for
_OF_DELIVERY = frozenset({"background", "store", "stream", "stream_options"})

_OBJECT: Schema = {"type": "object"}
_NULL: Schema = {"type": "null"}
_TEXT: Schema = {"type": "string"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}


def request_schemas() -> dict[str, Schema]:
    """Every request schema by its name."""
    fields = CreateFields.model_json_schema(ref_template=REF + "{model}")
    shared = fields.pop("$defs", {})
    create = _create(fields["properties"])
    return {
        **shared,
        **_items(),
        "Tool": _tool(),
        "Metadata": _metadata(),
        "CreateResponse": {**create, "required": ["model"]},
        "CompactConversation": {**_without_delivery(create), "required": ["model"]},
        "CountInputTokens": _all_optional(_without_delivery(create)),
        **_conversations(),
    }


def _create(plain: dict[str, Schema]) -> Schema:
    given: dict[str, Schema] = {
        "model": {"type": "string", "minLength": 1, "maxLength": MAX_MODEL},
        "input": {"anyOf": [{"type": "string", "maxLength": input_items.MAX_TEXT}, _input_list(), _NULL]},
        **plain,
        "conversation": {
            "anyOf": [
                {"type": "string", "pattern": "^conv_"},
                {
                    **_OBJECT,
                    "properties": {"id": {"type": "string", "pattern": "^conv_"}},
                    "required": ["id"],
                },
                _NULL,
            ]
        },
        "metadata": {"anyOf": [{"$ref": REF + "Metadata"}, _NULL]},
        "tools": {"type": ["array", "null"], "items": {"$ref": REF + "Tool"}},
        "tool_choice": _tool_choice(),
    }
    given["previous_response_id"] = {"type": ["string", "null"], "pattern": "^resp_[A-Za-z0-9_-]{1,128}$"}
    return {
        **_OBJECT,
        "description": "Null means the default. Fields that are not listed are passed on to the upstream.",
        "properties": {name: {"description": MEANING[name], **schema} for name, schema in given.items()},
    }


def _without_delivery(create: Schema) -> Schema:
    kept = {name: schema for name, schema in create["properties"].items() if name not in _OF_DELIVERY}
    return {**create, "properties": kept}


def _all_optional(create: Schema) -> Schema:
    model = {**create["properties"]["model"], "type": ["string", "null"]}
    return {**create, "properties": {**create["properties"], "model": model}}


def _input_list(limit: int = input_items.MAX_ITEMS) -> Schema:
    return {"type": "array", "maxItems": limit, "items": {"$ref": REF + "InputItem"}}


def _items() -> dict[str, Schema]:
    known = {
        "InputMessage": _input_message(),
        "InputFunctionCall": _input_call("arguments", _TEXT, name=True),
        "InputFunctionCallOutput": _input_call("output", {"anyOf": [_TEXT, _part_list()]}, name=False),
        "InputReasoning": _input_item(
            "reasoning", {"summary": {"type": "array", "items": _OBJECT}}, encrypted_content=_MAYBE_TEXT
        ),
        "InputReference": _input_reference(),
        "InputCompaction": _input_item("compaction", {"encrypted_content": _TEXT}),
    }
    checked = [
        "message",
        "function_call",
        "function_call_output",
        "reasoning",
        "item_reference",
        "compaction",
    ]
    other = {
        **_OBJECT,
        "description": "An item of any other type: passed on whole.",
        "properties": {
            "type": {"type": "string", "minLength": 1, "not": {"enum": checked}},
            "id": _MAYBE_TEXT,
        },
        "required": ["type"],
    }
    names = [*known, "InputOther"]
    return {
        "InputItem": {"anyOf": [{"$ref": REF + name} for name in names]},
        **known,
        "InputOther": other,
        "InputPart": _input_part(),
    }


def _input_message() -> Schema:
    return {
        **_OBJECT,
        "description": "`type` may be left out. An assistant's parts are `output_text` and `refusal`.",
        "properties": {
            "type": {"enum": ["message", None]},
            "id": _MAYBE_TEXT,
            "role": {"enum": list(input_items.ROLES)},
            "content": {"anyOf": [_TEXT, _part_list()]},
            "status": _MAYBE_TEXT,
        },
        "required": ["role", "content"],
    }


def _input_part() -> Schema:
    text_of = input_items.PART_TEXT
    return {
        "anyOf": [
            *(
                {**_OBJECT, "properties": {"type": {"const": kind}, key: _TEXT}, "required": ["type", key]}
                for kind, key in text_of.items()
            ),
            {
                **_OBJECT,
                "description": "A part of any other type: an image, a file, …",
                "properties": {
                    "type": {"type": "string", "not": {"enum": list(text_of)}},
                    "image_url": {"description": "http:, https: or data:; the upstream fetches it."},
                    "file_url": {"description": "http: or https:; the upstream fetches it."},
                },
                "required": ["type"],
            },
        ]
    }


def _part_list() -> Schema:
    return {"type": "array", "items": {"$ref": REF + "InputPart"}}


def _input_call(key: str, value: Schema, *, name: bool) -> Schema:
    call_id = {"type": "string", "minLength": 1, "maxLength": input_items.MAX_CALL_ID}
    required = {
        "call_id": call_id,
        **({"name": {"type": "string", "minLength": 1}} if name else {}),
        key: value,
    }
    return _input_item("function_call" if name else "function_call_output", required, status=_MAYBE_TEXT)


def _input_item(kind: str, required: dict[str, Schema], **optional: Schema) -> Schema:
    return {
        **_OBJECT,
        "properties": {"type": {"const": kind}, "id": _MAYBE_TEXT, **required, **optional},
        "required": ["type", *required],
    }


def _input_reference() -> Schema:
    return {
        **_OBJECT,
        "description": "Stands for an item of yours. `type` may be left out.",
        "properties": {"type": {"enum": ["item_reference", None]}, "id": _TEXT, "role": _NULL},
        "required": ["id"],
    }


def _tool() -> Schema:
    function = {
        "name": {"type": "string", "pattern": f"^{tools.NAME}$"},
        "description": _MAYBE_TEXT,
        "parameters": {"type": ["object", "null"], "description": "A JSON schema."},
        "strict": {"type": ["boolean", "null"]},
    }
    kind = {"const": "function"}
    nested = {**_OBJECT, "properties": function, "required": ["name"]}
    return {
        "anyOf": [
            {**_OBJECT, "properties": {"type": kind, **function}, "required": ["type", "name"]},
            {**_OBJECT, "properties": {"type": kind, "function": nested}, "required": ["type", "function"]},
            {
                **_OBJECT,
                "description": "A tool of any other type: passed on whole.",
                "properties": {"type": {"type": "string", "not": {"enum": ["function"]}}},
                "required": ["type"],
            },
        ]
    }


def _tool_choice() -> Schema:
    chosen = {**_OBJECT, "properties": {"type": _TEXT}, "required": ["type"]}
    return {"anyOf": [{"enum": list(tools.MODES)}, chosen, _NULL]}


def _metadata() -> Schema:
    return {
        **_OBJECT,
        "maxProperties": MAX_PAIRS,
        "propertyNames": {"maxLength": MAX_KEY},
        "additionalProperties": {"type": "string", "maxLength": MAX_VALUE},
    }


def _conversations() -> dict[str, Schema]:
    metadata = {"anyOf": [{"$ref": REF + "Metadata"}, _NULL]}
    few = _input_list(conversations.MAX_ITEMS)
    return {
        "CreateConversation": {
            **_OBJECT,
            "properties": {"metadata": metadata, "items": {"anyOf": [few, _NULL]}},
        },
        "UpdateConversation": {**_OBJECT, "properties": {"metadata": metadata}, "required": ["metadata"]},
        "CreateItems": {**_OBJECT, "properties": {"items": few}, "required": ["items"]},
    }
