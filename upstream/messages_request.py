"""A checked Messages request, reduced to an `Ask`."""

from __future__ import annotations

from typing import Any

from upstream.attachments import told
from upstream.http_server import Request
from upstream.messages_checks import check, schema_form
from upstream.model import Ask, count_words
from upstream.responses_request import text_of, tools_of


def ask_of(body: dict[str, Any], request: Request, version: str) -> Ask:
    turns = check(body, version)
    ask = Ask(request=request, input_words=input_words(body))
    _read_turn(ask, turns)
    _read_tools(ask, body)
    form = schema_form(body)
    if form is not None:
        ask.schema = form.get("schema") or {}
    ask.reasons = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    ask.max_words = body["max_tokens"]
    return ask


def input_words(body: dict[str, Any]) -> int:
    return count_words(body.get("system") or "") + count_words(body["messages"])


def _read_turn(ask: Ask, turns: list[dict[str, Any]]) -> None:
    for turn in reversed(turns):
        spoken = [block for block in turn["content"] if block["type"] != "tool_result"]
        if turn["role"] == "user" and spoken:
            ask.text, ask.shown = text_of(spoken), told(spoken)
            break
    last = turns[-1]["content"][-1]
    if last["type"] == "tool_result":
        ask.turn, ask.tool_output = "tool_output", text_of(last.get("content"))
    else:
        ask.turn = turns[-1]["role"]


def _read_tools(ask: Ask, body: dict[str, Any]) -> None:
    offered = [tool for tool in body.get("tools") or [] if tool.get("type") in (None, "custom")]
    choice = body.get("tool_choice") or {}
    kind = choice.get("type")
    allowed = {choice.get("name")} if kind == "tool" else None
    word = {"any": "required", "tool": "required", "none": "none"}.get(str(kind), "auto")
    pairs = [(tool["name"], tool["input_schema"]) for tool in offered]
    ask.tools, ask.must_call = tools_of(pairs, word, allowed)
    ask.parallel = choice.get("disable_parallel_tool_use") is not True
