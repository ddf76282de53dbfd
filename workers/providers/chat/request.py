"""A generation as a Chat Completions request. PURE.

Fields that both APIs have go on as they are, and so do fields that neither of us knows: they are the
server's own. What has no word there was refused before (shared/catalog/dialects/chat_completions.py).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from shared.catalog import Provider
from shared.catalog.dialects.chat_completions import STREAM_USAGE
from shared.catalog.dialects.expression import LOGPROBS
from workers.providers.base import Generation
from workers.providers.chat.history import CUSTOM_INPUT, messages

# said in other words below, kept by us, or without meaning there: the dialect's data has the reasons
NOT_PASSED_ON = frozenset(
    {
        *("background", "context_management", "conversation", "include", "input", "instructions"),
        *("max_output_tokens", "max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls"),
        *("previous_response_id", "prompt", "reasoning", "store", "stream", "stream_options", "text"),
        *("tool_choice", "tools", "top_logprobs", "truncation"),
    }
)
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
_NEWER_NAME, _USUAL_NAME = "max_completion_tokens", "max_tokens"


def chat_request(generation: Generation, provider: Provider) -> dict[str, Any]:
    """The body to post; nulls mean the default and are left out."""
    asked = {key: value for key, value in generation.body.items() if value is not None}
    body: dict[str, Any] = {
        "model": generation.model,
        "messages": messages(generation.items, asked.get("instructions"), provider.reasoning_field),
        "stream": provider.streaming,
    }
    if provider.streaming and STREAM_USAGE not in provider.lacks:
        body["stream_options"] = {"include_usage": True}
    if "max_output_tokens" in asked:
        body[limit_field(provider)] = asked["max_output_tokens"]
    body |= _reasoning(asked.get("reasoning") or {})
    body |= _text(asked.get("text") or {})
    body |= _logprobs(asked)
    body |= _tools(asked, choosable="tool_choice" not in provider.lacks)
    return body | {key: value for key, value in asked.items() if key not in NOT_PASSED_ON}


def custom_names(body: dict[str, Any]) -> frozenset[str]:
    """The custom tools on offer: a call of one of them is no function call."""
    return frozenset(tool["name"] for tool in body.get("tools") or [] if tool["type"] == "custom")


def limit_field(provider: Provider) -> str:
    """OpenAI's newer models know the newer name only, most other servers the older one."""
    if provider.max_tokens_field:
        return provider.max_tokens_field
    host = urlsplit(provider.base_url).hostname or ""
    at_openai = host == "api.openai.com" or host.endswith(".openai.azure.com")
    return _NEWER_NAME if at_openai else _USUAL_NAME


def _reasoning(asked: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if asked.get("effort") is not None:
        body["reasoning_effort"] = asked["effort"]
    others = {
        key: value
        for key, value in asked.items()
        if value is not None and key not in ("effort", "summary", "generate_summary")
    }
    if others:
        body["reasoning"] = others
    return body


def _text(asked: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if asked.get("verbosity") is not None:
        body["verbosity"] = asked["verbosity"]
    form = asked.get("format") or {}
    if form.get("type") == "json_object":
        body["response_format"] = {"type": "json_object"}
    elif form.get("type") == "json_schema":
        schema = {key: value for key, value in form.items() if key != "type" and value is not None}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def _logprobs(asked: dict[str, Any]) -> dict[str, Any]:
    several = asked.get("top_logprobs")
    if several:
        return {"logprobs": True, "top_logprobs": several}
    return {"logprobs": True} if LOGPROBS in (asked.get("include") or []) else {}


def _tools(asked: dict[str, Any], *, choosable: bool) -> dict[str, Any]:
    """`choosable`: whether the server knows `tool_choice`. A tool that may not be called is not offered."""
    choice = asked.get("tool_choice")
    offered: list[dict[str, Any]] = asked.get("tools") or []
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        allowed = {(entry["type"], entry.get("name")) for entry in choice["tools"]}
        offered = [tool for tool in offered if (tool["type"], tool.get("name")) in allowed]
        choice = choice["mode"]
    if choice == "none" and not choosable:
        return {}
    if not offered:
        # without tools there is nothing to choose, and servers refuse to be told so
        return {} if choice in (None, "none", "auto") else {"tool_choice": choice}
    body: dict[str, Any] = {"tools": [_tool(tool) for tool in offered]}
    if isinstance(choice, dict):
        choice = {"type": "function", "function": {"name": choice["name"]}}
    if choice is not None and choosable:
        body["tool_choice"] = choice
    if "parallel_tool_calls" in asked:
        body["parallel_tool_calls"] = asked["parallel_tool_calls"]
    return body


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool["name"]}
    if tool.get("description") is not None:
        function["description"] = tool["description"]
    if tool["type"] == "custom":
        function["parameters"] = {
            "type": "object",
            "properties": {CUSTOM_INPUT: {"type": "string"}},
            "required": [CUSTOM_INPUT],
            "additionalProperties": False,
        }
        return {"type": "function", "function": function}
    function["parameters"] = tool.get("parameters") or _NO_PARAMETERS
    if tool.get("strict") is not None:
        function["strict"] = tool["strict"]
    others = {key: value for key, value in tool.items() if key not in _FUNCTION_KEYS and value is not None}
    return {**others, "type": "function", "function": function}


_FUNCTION_KEYS = frozenset({"type", "name", "description", "parameters", "strict"})
