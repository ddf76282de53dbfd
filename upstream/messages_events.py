"""A plan told as the official Messages event sequence, and as the whole message. PURE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from upstream.directives import Directives
from upstream.frames import OPENING, OTHER, TERMINAL, WORD, Step
from upstream.model import Item, Plan, seal, sign

STOPPED = ("completed", "incomplete")
FAILURES = {
    "failed": {"type": "api_error", "message": "The scripted model failed as it was told to."},
    "error": {
        "type": "overloaded_error",
        "message": "The scripted model is overloaded as it was told to be.",
    },
}

Json = dict[str, Any]


def steps(base: Json, planned: Plan, directives: Directives, *, omitted: bool) -> Iterator[Step]:
    """`omitted`: thinking is not shown, only signed."""
    usage = _usage(planned, directives, first=True)
    opening = {**base, "content": [], "stop_reason": None, "stop_sequence": None, **usage}
    yield Step(OPENING, {"type": "message_start", "message": opening})
    for index, item in enumerate(planned.items):
        bare = "redacted" in directives.quirks
        yield Step(OTHER, _on(index, "start", content_block=_empty(item, bare, directives)))
        if index == 0:
            yield Step(OTHER, {"type": "ping"})
        yield from _content(item, index, bare=bare, omitted=omitted)
        if item.complete or planned.ending == "incomplete":
            yield Step(OTHER, _on(index, "stop"))
    if planned.ending in FAILURES:
        yield Step(TERMINAL, {"type": "error", "error": FAILURES[planned.ending]})
        return
    end = _end(planned)
    usage = _usage(planned, directives, first=False)
    yield Step(TERMINAL, {"type": "message_delta", "delta": end, **usage})
    yield Step(TERMINAL, {"type": "message_stop"})


def message(base: Json, planned: Plan, directives: Directives, *, omitted: bool) -> Json:
    """The plain answer."""
    blocks = [_whole(item, directives, omitted=omitted) for item in planned.items]
    spoken = [block for block in blocks if block.get("text") != ""]
    end = _end(planned)
    return {**base, "content": spoken, **end, **_usage(planned, directives, first=False, whole=True)}


def _content(item: Item, index: int, *, bare: bool, omitted: bool) -> Iterator[Step]:
    if item.kind == "reasoning":
        if bare:
            return
        shown = "" if omitted else item.text
        for piece in [] if omitted else item.pieces:
            yield Step(WORD, _on(index, "delta", delta={"type": "thinking_delta", "thinking": piece}))
        if item.complete:
            yield Step(
                OTHER, _on(index, "delta", delta={"type": "signature_delta", "signature": sign(shown)})
            )
        return
    if item.kind == "function_call":
        yield Step(OTHER, _on(index, "delta", delta={"type": "input_json_delta", "partial_json": ""}))
        for piece in item.pieces:
            # a call without arguments is told by saying nothing
            told = "" if item.text == "{}" else piece
            yield Step(WORD, _on(index, "delta", delta={"type": "input_json_delta", "partial_json": told}))
        return
    for piece in item.pieces:
        yield Step(WORD, _on(index, "delta", delta={"type": "text_delta", "text": piece}))


def _empty(item: Item, bare: bool, directives: Directives) -> Json:
    if item.kind == "reasoning":
        return _redacted() if bare else {"type": "thinking", "thinking": "", "signature": ""}
    if item.kind == "function_call":
        return {**_call(item, directives), "input": {}}
    return {"type": "text", "text": ""}


def _whole(item: Item, directives: Directives, *, omitted: bool) -> Json:
    if item.kind == "reasoning":
        if "redacted" in directives.quirks:
            return _redacted()
        shown = "" if omitted else item.text
        return {"type": "thinking", "thinking": shown, "signature": sign(shown)}
    if item.kind == "function_call":
        return {**_call(item, directives), "input": _input(item)}
    return {"type": "text", "text": item.text}


def _input(item: Item) -> Any:
    try:
        return orjson.loads(item.text)
    except orjson.JSONDecodeError:
        return {}  # it was cut short


def _call(item: Item, directives: Directives) -> Json:
    named = {} if "no_ids" in directives.quirks else {"id": "toolu_" + item.call_id.removeprefix("call_")}
    return {"type": "tool_use", **named, "name": item.name}


def _redacted() -> Json:
    return {"type": "redacted_thinking", "data": seal("any")}


def _end(planned: Plan) -> Json:
    reason = _stop_reason(planned)
    details = {"type": "refusal", "category": None, "explanation": None} if reason == "refusal" else None
    return {"stop_reason": reason, "stop_sequence": None, "stop_details": details}


def _stop_reason(planned: Plan) -> str:
    if any(item.refuses for item in planned.items) or planned.reason == "content_filter":
        return "refusal"
    if planned.ending == "incomplete":
        return "max_tokens"
    return "tool_use" if planned.items[-1].kind == "function_call" else "end_turn"


def _usage(planned: Plan, directives: Directives, *, first: bool, whole: bool = False) -> Json:
    """The input's count comes with the first event, the output's with the last."""
    if "no_usage" in directives.quirks:
        return {}
    read, written = planned.cached
    given = {
        "input_tokens": planned.input_words - read - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
    }
    if first:
        return {"usage": {**given, "output_tokens": 1, "service_tier": "standard"}}
    details = {"thinking_tokens": planned.words("reasoning")}
    counted = {"output_tokens": planned.words()}
    if "small_usage" in directives.quirks:
        return {"usage": {"input_tokens": given["input_tokens"], **counted} if whole else counted}
    return {"usage": {**given, **counted, "output_tokens_details": details}}


def _on(index: int, act: str, **fields: Any) -> Json:
    return {"type": f"content_block_{act}", "index": index, **fields}
