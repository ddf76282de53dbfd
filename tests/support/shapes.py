"""The strict shapes of what we send, as JSON Schemas in our own words (CONTRACT 2.3, 3.2, 3.3, 4.2, 4.7).

Strict as Open Responses is: what it calls required is there, what it does not call nullable is never null,
types are a closed set. Keys beyond are allowed. tests/support/contract.py and event_order.py check what
values mean; this checks what they are.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

Json = dict[str, Any]


def one_of(*words: str) -> Json:
    return {"enum": list(words)}


def maybe(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Json) -> Json:
    return {"type": "array", "items": items}


def shape(required: Json, **optional: Json) -> Json:
    """`optional` may be left out, but where it is there it must fit."""
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def typed(kind: str, required: Json, **optional: Json) -> Json:
    return shape({"type": {"const": kind}, **required}, **optional)


def by_type(*variants: Json) -> Json:
    """A union told apart by `type`: one clear complaint instead of one a variant."""
    known = [variant["properties"]["type"]["const"] for variant in variants]
    cases = [
        {"if": {"properties": {"type": {"const": kind}}}, "then": variant}
        for kind, variant in zip(known, variants, strict=True)
    ]
    return {"type": "object", "required": ["type"], "properties": {"type": one_of(*known)}, "allOf": cases}


STRING: Json = {"type": "string"}
NAME: Json = {"type": "string", "minLength": 1}
NUMBER: Json = {"type": "number"}
FLAG: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}
SECONDS: Json = {"type": "integer", "minimum": 1_000_000_000, "maximum": 100_000_000_000}
OBJECT: Json = {"type": "object"}

ITEM_STATUS = one_of("in_progress", "completed", "incomplete")
LOGPROBS = array(
    shape({"token": STRING, "logprob": NUMBER, "bytes": array(COUNT), "top_logprobs": array(OBJECT)})
)
URL_CITATION = typed(
    "url_citation", {"url": STRING, "title": STRING, "start_index": COUNT, "end_index": COUNT}
)
OUTPUT_TEXT = typed("output_text", {"text": STRING, "annotations": array(URL_CITATION), "logprobs": LOGPROBS})
REFUSAL = typed("refusal", {"refusal": STRING})
REASONING_TEXT = typed("reasoning_text", {"text": STRING})
SUMMARY_TEXT = typed("summary_text", {"text": STRING})
INPUT_PARTS = (
    typed("input_text", {"text": STRING}),
    typed("input_image", {"detail": one_of("low", "high", "auto", "original")}, image_url=maybe(STRING)),
    typed("input_file", {}, filename=STRING, file_data=STRING, file_id=STRING, file_url=STRING),
)
PART = by_type(OUTPUT_TEXT, REFUSAL, REASONING_TEXT)
_PHASE = one_of("commentary", "final_answer")

MESSAGE = typed(
    "message",
    {
        "id": NAME,
        "status": ITEM_STATUS,
        "role": one_of("assistant", "user", "system", "developer"),
        "content": array(by_type(OUTPUT_TEXT, REFUSAL, *INPUT_PARTS)),
    },
    phase=_PHASE,
)
FUNCTION_CALL = typed(
    "function_call",
    {"id": NAME, "call_id": NAME, "name": NAME, "arguments": STRING, "status": ITEM_STATUS},
)
FUNCTION_CALL_OUTPUT = typed(
    "function_call_output",
    {
        "id": NAME,
        "call_id": NAME,
        "output": {"anyOf": [STRING, array(by_type(*INPUT_PARTS))]},
        "status": ITEM_STATUS,
    },
)
REASONING = typed(
    "reasoning",
    {"id": NAME, "summary": array(SUMMARY_TEXT)},
    content=array(REASONING_TEXT),
    encrypted_content=NAME,
)
COMPACTION = typed("compaction", {"id": NAME, "encrypted_content": NAME})
ITEM = by_type(MESSAGE, FUNCTION_CALL, FUNCTION_CALL_OUTPUT, REASONING, COMPACTION)

FUNCTION_TOOL = typed(
    "function",
    {"name": NAME, "description": maybe(STRING), "parameters": maybe(OBJECT), "strict": maybe(FLAG)},
)
TOOL_CHOICE: Json = {
    "anyOf": [
        one_of("none", "auto", "required"),
        typed("function", {"name": NAME}),
        typed("allowed_tools", {"mode": one_of("none", "auto", "required"), "tools": array(OBJECT)}),
    ]
}
TEXT_FORMAT = by_type(
    typed("text", {}),
    typed("json_object", {}),
    typed("json_schema", {"name": NAME, "description": maybe(STRING), "strict": FLAG, "schema": OBJECT}),
)
USAGE = shape(
    {
        "input_tokens": COUNT,
        "output_tokens": COUNT,
        "total_tokens": COUNT,
        "input_tokens_details": shape({"cached_tokens": COUNT}),
        "output_tokens_details": shape({"reasoning_tokens": COUNT}),
    }
)
_EFFORTS = one_of("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SUMMARIES = one_of("auto", "concise", "detailed")
RESPONSE = shape(
    {
        "id": {"type": "string", "pattern": "^resp_."},
        "object": {"const": "response"},
        "created_at": SECONDS,
        "completed_at": maybe(SECONDS),
        "status": one_of("queued", "in_progress", "completed", "failed", "incomplete", "cancelled"),
        "incomplete_details": maybe(shape({"reason": NAME})),
        "model": NAME,
        "previous_response_id": maybe(NAME),
        "instructions": maybe(STRING),
        "output": array(ITEM),
        "error": maybe(shape({"code": NAME, "message": STRING})),
        "tools": array(FUNCTION_TOOL),
        "tool_choice": TOOL_CHOICE,
        "truncation": one_of("auto", "disabled"),
        "parallel_tool_calls": FLAG,
        "text": shape({"format": TEXT_FORMAT}, verbosity=one_of("low", "medium", "high")),
        "top_p": NUMBER,
        "presence_penalty": NUMBER,
        "frequency_penalty": NUMBER,
        "top_logprobs": COUNT,
        "temperature": NUMBER,
        "reasoning": maybe(shape({"effort": maybe(_EFFORTS), "summary": maybe(_SUMMARIES)})),
        "usage": maybe(USAGE),
        "max_output_tokens": maybe(COUNT),
        "max_tool_calls": maybe(COUNT),
        "store": FLAG,
        "background": FLAG,
        "service_tier": NAME,
        "metadata": {"type": "object", "additionalProperties": STRING},
        "safety_identifier": maybe(STRING),
        "prompt_cache_key": maybe(STRING),
    }
)
COMPACTED = shape(
    {
        "id": NAME,
        "object": {"const": "response.compaction"},
        "created_at": SECONDS,
        "output": array(ITEM),
        "usage": USAGE,
    }
)
SOCKET_ERROR = typed(
    "error",
    {
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "error": shape({"code": NAME, "message": NAME}, type=NAME, param=maybe(STRING)),
    },
)

_ITEM_PLACE: Json = {"item_id": NAME, "output_index": COUNT}
_PART_PLACE: Json = {**_ITEM_PLACE, "content_index": COUNT}
_SUMMARY_PLACE: Json = {**_ITEM_PLACE, "summary_index": COUNT}
_FIELDS: dict[str, Json] = {
    **{
        f"response.{state}": {"response": RESPONSE}
        for state in ("created", "queued", "in_progress", "completed", "failed", "incomplete")
    },
    "response.output_item.added": {"output_index": COUNT, "item": ITEM},
    "response.output_item.done": {"output_index": COUNT, "item": ITEM},
    "response.content_part.added": {**_PART_PLACE, "part": PART},
    "response.content_part.done": {**_PART_PLACE, "part": PART},
    "response.output_text.delta": {**_PART_PLACE, "delta": STRING, "logprobs": LOGPROBS},
    "response.output_text.done": {**_PART_PLACE, "text": STRING, "logprobs": LOGPROBS},
    "response.output_text.annotation.added": {
        **_PART_PLACE,
        "annotation_index": COUNT,
        "annotation": URL_CITATION,
    },
    "response.refusal.delta": {**_PART_PLACE, "delta": STRING},
    "response.refusal.done": {**_PART_PLACE, "refusal": STRING},
    "response.function_call_arguments.delta": {**_ITEM_PLACE, "delta": STRING},
    "response.function_call_arguments.done": {**_ITEM_PLACE, "arguments": STRING, "name": NAME},
    "response.reasoning_summary_part.added": {**_SUMMARY_PLACE, "part": SUMMARY_TEXT},
    "response.reasoning_summary_part.done": {**_SUMMARY_PLACE, "part": SUMMARY_TEXT},
    "response.reasoning_summary_text.delta": {**_SUMMARY_PLACE, "delta": STRING},
    "response.reasoning_summary_text.done": {**_SUMMARY_PLACE, "text": STRING},
    "response.reasoning_text.delta": {**_PART_PLACE, "delta": STRING},
    "response.reasoning_text.done": {**_PART_PLACE, "text": STRING},
}
_EVENTS = {
    kind: Draft202012Validator(typed(kind, {"sequence_number": COUNT, **fields}, obfuscation=STRING))
    for kind, fields in _FIELDS.items()
}
_RESPONSE, _ITEM = Draft202012Validator(RESPONSE), Draft202012Validator(ITEM)
_COMPACTED, _SOCKET_ERROR = Draft202012Validator(COMPACTED), Draft202012Validator(SOCKET_ERROR)


def fit_response(value: Any) -> Json:
    return _fit(_RESPONSE, value)


def fit_item(value: Any) -> Json:
    return _fit(_ITEM, value)


def fit_compacted(value: Any) -> Json:
    return _fit(_COMPACTED, value)


def fit_socket_error(value: Any) -> Json:
    return _fit(_SOCKET_ERROR, value)


def is_known(kind: str) -> bool:
    """Whether Open Responses and the SDKs know this type of event."""
    return kind in _EVENTS


def fit_event(value: Any) -> Json:
    """An event of a stream, of a type that Open Responses and the SDKs know."""
    kind = value.get("type") if isinstance(value, dict) else None
    assert kind in _EVENTS, f"no event type: {kind!r}"
    return _fit(_EVENTS[kind], value)


def _fit(validator: Draft202012Validator, value: Any) -> Json:
    fault = best_match(validator.iter_errors(value))
    assert fault is None, f"{fault.json_path}: {fault.message}"
    found: Json = value
    return found
