"""A Chat Completions request read: checked where the official API checks, reduced to an `Ask`. PURE."""

from __future__ import annotations

from typing import Any

from upstream.attachments import told
from upstream.http_server import Request
from upstream.model import Ask, Tool, count_words
from upstream.refusals import Refusal, parameter_missing, wrong_type
from upstream.responses_request import text_of, tools_of

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_USER_PARTS = ("text", "image_url", "input_audio", "file")
_PARTS = {"user": _USER_PARTS, "assistant": ("text", "refusal")}
# of the Responses API: an adapter that lets one through would be refused by the official server
_FOREIGN = (
    "input",
    "instructions",
    "previous_response_id",
    "max_output_tokens",
    "text",
    "include",
    "truncation",
)

Json = dict[str, Any]


def ask_of(body: Json, request: Request) -> Ask:
    for name in _FOREIGN:
        if name in body:
            raise Refusal(400, f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise parameter_missing("messages")
    for index, message in enumerate(messages):
        _check_message(message, f"messages[{index}]")
    _check_pairs(messages)
    ask = Ask(request=request, input_words=count_words(messages))
    _read_turn(ask, messages)
    ask.tools, ask.must_call = _tools(body)
    ask.parallel = body.get("parallel_tool_calls") is not False
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        ask.schema = (form.get("json_schema") or {}).get("schema") or {}
    elif form.get("type") == "json_object":
        ask.schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    ask.reasons = body.get("reasoning_effort") not in (None, "none")
    ask.max_words = body.get("max_completion_tokens") or body.get("max_tokens")
    ask.logprobs = (body.get("top_logprobs") or 0) if body.get("logprobs") else None
    return ask


def _read_turn(ask: Ask, messages: list[Json]) -> None:
    last = messages[-1]
    ask.turn = str(last["role"])
    users = [message for message in messages if message["role"] == "user"]
    if users:
        ask.text, ask.shown = text_of(users[-1].get("content")), told(users[-1].get("content"))
    if last["role"] == "tool":
        ask.turn, ask.tool_output = "tool_output", text_of(last.get("content"))


def _check_message(message: Any, path: str) -> None:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise wrong_type(path)
    role, content = message["role"], message.get("content")
    if role not in _ROLES:
        raise Refusal(400, f"Invalid value: '{role}'.", code="invalid_value", param=f"{path}.role")
    calls = message.get("tool_calls")
    if content is None and not (role == "assistant" and (calls or message.get("refusal"))):
        raise wrong_type(f"{path}.content")
    if content is not None and not isinstance(content, str | list):
        raise wrong_type(f"{path}.content")
    for index, part in enumerate(content if isinstance(content, list) else []):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS.get(role, ("text",)):
            where = f"{path}.content[{index}]"
            raise Refusal(
                400, f"Invalid part '{kind}' in a {role} message.", code="invalid_value", param=where
            )
    if calls is not None and not (role == "assistant" and isinstance(calls, list) and calls):
        raise wrong_type(f"{path}.tool_calls")
    for index, call in enumerate(calls or []):
        custom = call.get("custom") or {}
        called = call.get("function") or {**custom, "arguments": custom.get("input")}
        texts = (call.get("id"), call.get("type"), called.get("name"), called.get("arguments"))
        if not all(isinstance(text, str) for text in texts):
            raise wrong_type(f"{path}.tool_calls[{index}]")


def _check_pairs(messages: list[Json]) -> None:
    """The tools' answers follow right after the message that called them."""
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                where = f"messages[{index}].role"
                raise Refusal(400, "A tool message answers no tool call before it.", param=where)
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            raise Refusal(400, f"Tool calls without an answer: {waiting}.", param=f"messages[{index}].role")
        waiting = [call["id"] for call in message.get("tool_calls") or []]
    if waiting:
        raise Refusal(400, f"Tool calls without an answer: {waiting}.", param="messages")


def _tools(body: Json) -> tuple[list[Tool], bool]:
    offered = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    functions = [tool.get("function") or {} for tool in offered]
    for index, function in enumerate(functions):
        if not isinstance(function.get("name"), str):
            raise parameter_missing(f"tools[{index}].function.name")
    choice: Any = body.get("tool_choice")
    if choice is not None and not body.get("tools"):
        raise Refusal(400, "'tool_choice' is only allowed with 'tools'.", param="tool_choice")
    allowed: set[Any] | None = None
    if isinstance(choice, dict) and choice.get("type") == "function":
        choice, allowed = "required", {(choice.get("function") or {}).get("name")}
    elif isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        given = choice.get("allowed_tools") or {}
        names = {(tool.get("function") or {}).get("name") for tool in given.get("tools") or []}
        choice, allowed = given.get("mode"), names
    return tools_of([(f["name"], f.get("parameters")) for f in functions], choice, allowed)
