"""A Responses request read: checked where the official API checks, reduced to an `Ask`.

The checks that matter to a gateway are strict: tool calls and outputs must pair up, encrypted
reasoning must be this server's own, referenced responses must be known.
"""

from __future__ import annotations

from typing import Any

from upstream.attachments import told
from upstream.http_server import Request
from upstream.model import Ask, Tool, count_words, is_own_seal
from upstream.refusals import Refusal, parameter_missing, wrong_type
from upstream.shelf import Shelf

Items = list[Any]


def context_of(body: dict[str, Any], shelf: Shelf) -> Items:
    """Every item the model sees: those of the chain, then the request's own."""
    given = body.get("input")
    if given is None and body.get("previous_response_id") is None:
        raise parameter_missing("input")
    if isinstance(given, str):
        given = [{"type": "message", "role": "user", "content": given}]
    if given is not None and not isinstance(given, list):
        raise wrong_type("input")
    items = _chain(body, shelf) + (given or [])
    _check(items)
    return items


def ask_of(body: dict[str, Any], items: Items, request: Request) -> Ask:
    ask = Ask(request=request, input_words=count_words(body.get("instructions") or "") + count_words(items))
    _read_turn(ask, items)
    _read_tools(ask, body)
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        ask.schema = form.get("schema") or {}
    elif form.get("type") == "json_object":
        ask.schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    reasoning = body.get("reasoning") or {}
    ask.reasons = any(reasoning.values()) and reasoning.get("effort") != "none"
    ask.encrypts = "reasoning.encrypted_content" in (body.get("include") or [])
    ask.max_words = body.get("max_output_tokens")
    asked_for = "message.output_text.logprobs" in (body.get("include") or [])
    ask.logprobs = (body.get("top_logprobs") or 0) if asked_for or body.get("top_logprobs") else None
    return ask


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(part["text"] for part in content if isinstance(part, dict) and part.get("text"))
    return ""


def tools_of(tools: list[tuple[str, Any]], choice: Any, allowed: set[Any] | None) -> tuple[list[Tool], bool]:
    """The tools the model may call, and whether it must; `allowed` names the only ones."""
    offered = [Tool(name, parameters or {}) for name, parameters in tools]
    if choice == "none":
        return [], False
    if allowed is not None:
        offered = [tool for tool in offered if tool.name in allowed]
        if not offered:
            message = "The chosen tool is not among 'tools'."
            raise Refusal(400, message, code="invalid_value", param="tool_choice")
    return offered, choice == "required"


def _chain(body: dict[str, Any], shelf: Shelf) -> Items:
    previous = body.get("previous_response_id")
    if previous is None:
        return []
    record = shelf.get(previous)
    if record is None or not record.ended:
        message = f"Previous response with id '{previous}' not found."
        raise Refusal(400, message, code="previous_response_not_found", param="previous_response_id")
    output: Items = record.response["output"]
    return record.context + output


def _check(items: Items) -> None:
    calls, answered = set(), set()
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise wrong_type(f"input[{index}]")
        kind = item.get("type") or ("message" if "role" in item else "item_reference")
        if kind in ("function_call", "custom_tool_call"):
            calls.add(item.get("call_id"))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            answered.add(item.get("call_id"))
        elif kind == "item_reference":
            raise Refusal(404, f"Item with id '{item.get('id')}' not found.", param="input")
        elif kind == "reasoning" and item.get("encrypted_content") is not None:
            _check_seal(item, index)
    for call_id in answered - calls:
        message = f"No tool call found for function call output with call_id {call_id}."
        raise Refusal(400, message, param="input")
    for call_id in calls - answered:
        raise Refusal(400, f"No tool output found for function call {call_id}.", param="input")


def _check_seal(item: dict[str, Any], index: int) -> None:
    if not is_own_seal(item["encrypted_content"], item.get("id")):
        raise Refusal(
            400,
            "The encrypted content could not be verified.",
            code="invalid_encrypted_content",
            param=f"input[{index}].encrypted_content",
        )


def _read_turn(ask: Ask, items: Items) -> None:
    for item in reversed(items):
        if item.get("role") == "user":
            ask.text, ask.shown = text_of(item.get("content")), told(item.get("content"))
            break
    last = items[-1] if items else {}
    if last.get("type") in ("function_call_output", "custom_tool_call_output"):
        ask.turn, ask.tool_output = "tool_output", text_of(last.get("output"))
    else:
        ask.turn = str(last.get("role") or last.get("type"))


def _read_tools(ask: Ask, body: dict[str, Any]) -> None:
    functions = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    for index, tool in enumerate(functions):
        if not isinstance(tool.get("name"), str):
            raise parameter_missing(f"tools[{index}].name")
    choice: Any = body.get("tool_choice")
    allowed: set[Any] | None = None
    if isinstance(choice, dict) and choice.get("type") == "function":
        choice, allowed = "required", {choice.get("name")}
    elif isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        choice, allowed = choice.get("mode"), {tool.get("name") for tool in choice.get("tools") or []}
    pairs = [(tool["name"], tool.get("parameters")) for tool in functions]
    ask.tools, ask.must_call = tools_of(pairs, choice, allowed)
    ask.parallel = body.get("parallel_tool_calls") is not False
