"""The Chat Completions dialect over the same model: streamed and plain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import orjson

from upstream.delivery import answer, deliver, paced
from upstream.directives import Directives
from upstream.frames import DONE, OPENING, OTHER, TERMINAL, WORD, Step, frames
from upstream.generation import Post
from upstream.model import Ask, Ids, Item, Plan, Tool, count_words, plan
from upstream.refusals import Refusal, parameter_missing, wrong_type
from upstream.responses_request import text_of, tools_of

_REASONS = {"completed": "stop", "incomplete": "length"}
_FAILURE = {"message": "The scripted model failed as it was told to.", "type": "server_error"}


class ChatCompletions:
    async def generate(self, post: Post) -> None:
        body, directives, call = post.body, post.directives, post.call
        ids = Ids("foreign_ids" in directives.quirks)
        planned = plan(_ask_of(body, post.request.body), directives, ids)
        base = {
            "id": ids.response("chatcmpl-"),
            "object": "chat.completion",
            "created": int(time.time()),
            "model": directives.base,
        }
        call.note(response_id=base["id"])
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        steps = _steps({**base, "object": "chat.completion.chunk"}, planned, with_usage)
        batches = paced(frames(steps, directives, numbered=False), directives)
        if body.get("stream") and "json_answer" not in directives.quirks:
            done = await deliver(post.connection, batches, directives, call)
        else:
            async for batch in batches:
                call.words += sum(frame.kind == WORD for frame in batch)
            if planned.ending not in _REASONS:
                raise Refusal(500, _FAILURE["message"], type="server_error")
            whole = orjson.dumps(_completion(base, planned, directives))
            done = await answer(post.connection, whole, directives)
        call.end("completed" if done and planned.ending in _REASONS else "failed")


def _ask_of(body: dict[str, Any], raw: bytes) -> Ask:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise parameter_missing("messages")
    _check_pairs(messages)
    last = messages[-1]
    ask = Ask(raw=raw, input_words=count_words(messages), turn=str(last.get("role")))
    users = [message for message in messages if message.get("role") == "user"]
    ask.text = text_of(users[-1].get("content")) if users else ""
    if last.get("role") == "tool":
        ask.turn, ask.tool_output = "tool_output", text_of(last.get("content"))
    ask.tools, ask.must_call = _tools(body)
    ask.parallel = body.get("parallel_tool_calls") is not False
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        ask.schema = (form.get("json_schema") or {}).get("schema") or {}
    elif form.get("type") == "json_object":
        ask.schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    ask.reasons = body.get("reasoning_effort") not in (None, "none")
    ask.max_words = body.get("max_completion_tokens") or body.get("max_tokens")
    return ask


def _check_pairs(messages: list[Any]) -> None:
    called: set[Any] = set()
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise wrong_type(f"messages[{index}]")
        called |= {call.get("id") for call in message.get("tool_calls") or []}
        if message["role"] == "tool":
            if message.get("tool_call_id") not in called:
                raise Refusal(400, "A tool message answers no tool call.", param=f"messages[{index}].role")
            called.discard(message["tool_call_id"])
    if called:
        raise Refusal(400, f"Tool calls without an answer: {sorted(map(str, called))}.", param="messages")


def _tools(body: dict[str, Any]) -> tuple[list[Tool], bool]:
    offered = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    functions = [tool.get("function") or {} for tool in offered]
    for index, function in enumerate(functions):
        if not isinstance(function.get("name"), str):
            raise parameter_missing(f"tools[{index}].function.name")
    choice: Any = body.get("tool_choice")
    allowed: set[Any] | None = None
    if isinstance(choice, dict) and choice.get("type") == "function":
        choice, allowed = "required", {(choice.get("function") or {}).get("name")}
    elif isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        told = choice.get("allowed_tools") or {}
        names = {(tool.get("function") or {}).get("name") for tool in told.get("tools") or []}
        choice, allowed = told.get("mode"), names
    return tools_of([(f["name"], f.get("parameters")) for f in functions], choice, allowed)


def _steps(base: dict[str, Any], planned: Plan, with_usage: bool) -> Iterator[Step]:
    extra = {"usage": None} if with_usage else {}

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**base, "choices": [choice], **extra}

    yield Step(OPENING, chunk({"role": "assistant", "content": ""}))
    calls = 0
    for item in planned.items:
        if item.kind == "function_call":
            yield Step(OTHER, chunk({"tool_calls": [{"index": calls, **_call(item, "")}]}))
        for piece in item.pieces:
            yield Step(WORD, chunk(_delta(item, piece, calls)))
        calls += item.kind == "function_call"
    if planned.ending not in _REASONS:
        yield Step(TERMINAL, {"error": {**_FAILURE, "param": None, "code": "server_error"}})
        return
    yield Step(TERMINAL, chunk({}, _finish_reason(planned)))
    if with_usage:
        yield Step(TERMINAL, {**base, "choices": [], "usage": _usage(planned)})
    yield Step(DONE, None)


def _delta(item: Item, piece: str, index: int) -> dict[str, Any]:
    if item.kind == "function_call":
        return {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
    return {"reasoning_content" if item.kind == "reasoning" else "content": piece}


def _completion(base: dict[str, Any], planned: Plan, directives: Directives) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    for item in planned.items:
        if item.kind == "function_call":
            message.setdefault("tool_calls", []).append(_call(item, item.text))
        else:
            message["reasoning_content" if item.kind == "reasoning" else "content"] = item.text
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(planned)}
    usage = None if "no_usage" in directives.quirks else _usage(planned)
    return {**base, "choices": [choice], "usage": usage}


def _finish_reason(planned: Plan) -> str:
    called = any(item.kind == "function_call" for item in planned.items)
    return "tool_calls" if called and planned.ending == "completed" else _REASONS[planned.ending]


def _call(item: Item, arguments: str) -> dict[str, Any]:
    return {"id": item.call_id, "type": "function", "function": {"name": item.name, "arguments": arguments}}


def _usage(planned: Plan) -> dict[str, Any]:
    words = planned.words()
    return {
        "prompt_tokens": planned.input_words,
        "completion_tokens": words,
        "total_tokens": planned.input_words + words,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": planned.words("reasoning")},
    }
