"""A plan told as the official Responses event sequence, and as the final Response. PURE.

Numbers are given later, when the frames are written: what a quirk leaves out leaves no gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from upstream.frames import OPENING, OTHER, TERMINAL, WORD, Step
from upstream.model import Item, Plan, logprob_of

_EFFECTIVE: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "top_logprobs": 0,
    "truncation": "disabled",
    "store": True,
    "background": False,
    "metadata": {},
    "safety_identifier": None,
    "prompt_cache_key": None,
    "user": None,
}
_FAILURE = {"code": "server_error", "message": "The scripted model failed as it was told to."}


def opening_response(response_id: str, created_at: int, model: str, body: dict[str, Any]) -> dict[str, Any]:
    """The Response before its first word."""
    given = {key: body[key] for key in _EFFECTIVE if body.get(key) is not None}
    reasoning = body.get("reasoning") or {}
    status = "queued" if body.get("background") else "in_progress"
    return {
        "id": response_id,
        "object": "response",
        "created_at": created_at,
        "completed_at": None,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        **_EFFECTIVE,
        **given,
        "reasoning": {"effort": None, "summary": None, **reasoning},
        "service_tier": "default",
        "usage": None,
    }


def closed_response(opening: dict[str, Any], plan: Plan, completed_at: int) -> dict[str, Any]:
    status = "failed" if plan.ending == "error" else plan.ending
    return {
        **opening,
        "status": status,
        "completed_at": completed_at if status == "completed" else None,
        "error": _FAILURE if status == "failed" else None,
        "incomplete_details": {"reason": plan.reason} if status == "incomplete" else None,
        "output": [whole(item) for item in plan.items],
        "usage": None if status == "failed" else usage(plan),
    }


def usage(plan: Plan) -> dict[str, Any]:
    words = plan.words()
    return {
        "input_tokens": plan.input_words,
        "input_tokens_details": {"cached_tokens": plan.cached[0], "cache_write_tokens": plan.cached[1]},
        "output_tokens": words,
        "output_tokens_details": {"reasoning_tokens": plan.words("reasoning")},
        "total_tokens": plan.input_words + words,
    }


def steps(opening: dict[str, Any], plan: Plan, close: Callable[[], dict[str, Any]]) -> Iterator[Step]:
    """`close` makes the final Response at the moment the terminal event is due."""
    yield Step(OPENING, _event("response.created", response=opening))
    if opening["status"] == "queued":
        yield Step(OPENING, _event("response.queued", response=opening))
    yield Step(OPENING, _event("response.in_progress", response={**opening, "status": "in_progress"}))
    for index, item in enumerate(plan.items):
        yield Step(OTHER, _event("response.output_item.added", output_index=index, item=_empty(item)))
        closes = item.complete or plan.ending == "incomplete"
        yield from _CONTENT[item.kind](item, index, closes)
        if closes:
            yield Step(OTHER, _event("response.output_item.done", output_index=index, item=whole(item)))
    final = close()
    if plan.ending == "error":
        told = {"code": "server_error", "message": _FAILURE["message"], "param": None}
        nested = {"type": "server_error", **told}
        yield Step(TERMINAL, {"type": "error", **told, "error": nested})
    else:
        yield Step(TERMINAL, _event(f"response.{plan.ending}", response=final))


def whole(item: Item) -> dict[str, Any]:
    """The item as it stands in the final output."""
    status = "completed" if item.complete else "incomplete"
    if item.kind == "reasoning":
        summary = [{"type": "summary_text", "text": item.text}]
        sealed = {"encrypted_content": item.sealed} if item.sealed else {}
        return {"id": item.id, "type": "reasoning", "summary": summary, **sealed}
    if item.kind == "function_call":
        called = {"call_id": item.call_id, "name": item.name, "arguments": item.text}
        return {"id": item.id, "type": "function_call", "status": status, **called}
    content = [_part(item, item.pieces)]
    return {"id": item.id, "type": "message", "status": status, "role": "assistant", "content": content}


def _empty(item: Item) -> dict[str, Any]:
    if item.kind == "reasoning":
        return {"id": item.id, "type": "reasoning", "summary": []}
    if item.kind == "function_call":
        return {**whole(item), "status": "in_progress", "arguments": ""}
    return {**whole(item), "status": "in_progress", "content": []}


def _message(item: Item, index: int, closes: bool) -> Iterator[Step]:
    at = {"item_id": item.id, "output_index": index, "content_index": 0}
    kind, key = ("response.refusal", "refusal") if item.refuses else ("response.output_text", "text")
    yield Step(OTHER, _event("response.content_part.added", **at, part=_part(item, [])))
    for piece in item.pieces:
        delta = {"type": f"{kind}.delta", **at, "delta": piece}
        yield Step(WORD, delta if item.refuses else {**delta, "logprobs": _logprobs(item, [piece])})
    if closes:
        rest = {} if item.refuses else {"logprobs": _logprobs(item, item.pieces)}
        yield Step(OTHER, _event(f"{kind}.done", **at, **{key: item.text}, **rest))
        yield Step(OTHER, _event("response.content_part.done", **at, part=_part(item, item.pieces)))


def _call(item: Item, index: int, closes: bool) -> Iterator[Step]:
    at = {"item_id": item.id, "output_index": index}
    for piece in item.pieces:
        yield Step(WORD, {"type": "response.function_call_arguments.delta", **at, "delta": piece})
    if closes:
        done = {"arguments": item.text, "name": item.name}
        yield Step(OTHER, _event("response.function_call_arguments.done", **at, **done))


def _reasoning(item: Item, index: int, closes: bool) -> Iterator[Step]:
    at = {"item_id": item.id, "output_index": index, "summary_index": 0}
    begin = "response.reasoning_summary"
    yield Step(OTHER, _event(f"{begin}_part.added", **at, part={"type": "summary_text", "text": ""}))
    for piece in item.pieces:
        yield Step(WORD, {"type": f"{begin}_text.delta", **at, "delta": piece})
    if closes:
        part = {"type": "summary_text", "text": item.text}
        yield Step(OTHER, _event(f"{begin}_text.done", **at, text=item.text))
        yield Step(OTHER, _event(f"{begin}_part.done", **at, part=part))


def _part(item: Item, pieces: list[str]) -> dict[str, Any]:
    said = "".join(pieces)
    if item.refuses:
        return {"type": "refusal", "refusal": said}
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": _logprobs(item, pieces)}


def _logprobs(item: Item, pieces: list[str]) -> list[dict[str, Any]]:
    if item.alternatives is None:
        return []
    return [logprob_of(piece, item.alternatives) for piece in pieces]


def _event(type: str, **fields: Any) -> dict[str, Any]:
    return {"type": type, **fields}


_CONTENT: dict[str, Callable[[Item, int, bool], Iterator[Step]]] = {
    "message": _message,
    "function_call": _call,
    "reasoning": _reasoning,
}
