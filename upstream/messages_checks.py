"""A Messages request checked where the official API checks, so that no adapter passes by luck. PURE.

Turns and tool results must pair, thinking must be this server's own and untouched, nothing unknown is
taken. Refusals name the place first, as the official ones do: `messages.1.content.0: …`.
"""

from __future__ import annotations

import re
from typing import Any

from upstream.model import is_own_seal, sign
from upstream.refusals import Refusal

_FIELDS = frozenset(
    (
        *("model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream"),
        *("temperature", "top_k", "top_p", "thinking", "tools", "tool_choice", "service_tier"),
        *("output_config", "output_format", "cache_control", "container", "context_management"),
        *("mcp_servers", "inference_geo", "speed"),
    )
)
_FIRST = "2023-06-01"
VERSIONS = (_FIRST, "2026-10-21")
_SAMPLING = ("temperature", "top_p", "top_k")
_ROLE_BLOCKS = {
    "user": {"text", "image", "document", "tool_result", "search_result", "container_upload"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use", "server_tool_use"},
}
_RESULT_BLOCKS = {"text", "image", "document", "search_result"}
_IMAGES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
_LEAST_BUDGET = 1024
_THINKING = ("thinking", "redacted_thinking")

Json = dict[str, Any]


def check(body: Json, version: str, *, counting: bool = False) -> list[Json]:
    """The messages with their content as blocks, neighbours of one role joined. Raises Refusal.

    `counting`: for a count of tokens, which needs no limit.
    """
    for name in body:
        if name not in _FIELDS:
            raise _bad(name, "extra inputs are not permitted")
        if name in _SAMPLING and version != _FIRST:
            raise _bad(name, f"is not taken since version {VERSIONS[1]}")
    if not counting:
        _check_limit(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _bad("messages", "at least one message is required")
    turns = [_turn(message, f"messages.{index}") for index, message in enumerate(messages)]
    if turns[0]["role"] != "user":
        raise _bad("messages", "the first message must be the user's")
    joined = _joined(turns)
    _check_pairs(joined)
    _check_thinking(body, joined)
    _check_tools(body)
    _check_rest(body)
    return joined


def _check_limit(body: Json) -> None:
    limit = body.get("max_tokens")
    if limit is None:
        raise _bad("max_tokens", "field required")
    if type(limit) is not int or limit < 1:
        raise _bad("max_tokens", "must be an integer of at least 1")


def _turn(message: Any, path: str) -> Json:
    if not isinstance(message, dict) or message.get("role") not in _ROLE_BLOCKS:
        raise _bad(f"{path}.role", "must be 'user' or 'assistant'; a system prompt is a field of its own")
    if extra := message.keys() - {"role", "content"}:
        raise _bad(f"{path}.{min(extra)}", "extra inputs are not permitted")
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(blocks, list) or not blocks:
        raise _bad(path, "a message must have content")
    for index, block in enumerate(blocks):
        _check_block(block, f"{path}.content.{index}", _ROLE_BLOCKS[message["role"]])
    return {"role": message["role"], "content": blocks}


def _check_block(block: Any, path: str, allowed: set[str]) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in allowed:
        raise _bad(f"{path}.type", f"'{kind}' cannot stand here")
    if kind == "text" and not (isinstance(block.get("text"), str) and block["text"].strip()):
        raise _bad(path, "text must not be empty")
    if kind == "image":
        source = block.get("source") or {}
        if source.get("type") == "base64" and source.get("media_type") not in _IMAGES:
            raise _bad(f"{path}.source.base64.media_type", f"must be one of {sorted(_IMAGES)}")
    if kind == "tool_use":
        if not (_is_name(block.get("id")) and _is_name(block.get("name"))):
            raise _bad(path, "'id' and 'name' must be plain words")
        if not isinstance(block.get("input"), dict):
            raise _bad(f"{path}.input", "must be an object")
    if kind == "tool_result" and isinstance(block.get("content"), list):
        for index, part in enumerate(block["content"]):
            _check_block(part, f"{path}.content.{index}", _RESULT_BLOCKS)
    if kind == "thinking" and block.get("signature") != sign(str(block.get("thinking"))):
        raise _bad(path, "the `signature` of a `thinking` block is not valid")
    if kind == "redacted_thinking" and not is_own_seal(block.get("data"), None):
        raise _bad(path, "the `data` of a `redacted_thinking` block is not valid")


def _joined(turns: list[Json]) -> list[Json]:
    joined: list[Json] = []
    for turn in turns:
        if joined and joined[-1]["role"] == turn["role"]:
            turn = {"role": turn["role"], "content": joined.pop()["content"] + turn["content"]}
        joined.append(turn)
    return joined


def _check_pairs(turns: list[Json]) -> None:
    """Every call is answered by the next turn, first thing in it; nothing else is answered."""
    waiting: list[str] = []
    seen: set[str] = set()
    for index, turn in enumerate(turns):
        blocks = turn["content"]
        results = [block.get("tool_use_id") for block in blocks if block["type"] == "tool_result"]
        for at, block in enumerate(blocks[: len(results)]):
            if block["type"] != "tool_result":
                raise _bad(f"messages.{index}.content.{at}", "`tool_result` blocks must come first")
        for at, call_id in enumerate(results):
            if call_id not in waiting:
                raise _bad(
                    f"messages.{index}.content.{at}", f"unexpected `tool_use_id` in `tool_result`: {call_id}"
                )
            waiting.remove(call_id)
        if waiting:
            raise _bad(
                f"messages.{index - 1}", f"`tool_use` ids without `tool_result` right after: {waiting}"
            )
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(set(waiting)) < len(waiting) or seen & set(waiting):
            raise _bad(f"messages.{index}", "`tool_use` ids must be unique")
        seen |= set(waiting)
    if waiting:
        raise _bad(f"messages.{len(turns) - 1}", f"`tool_use` ids without `tool_result`: {waiting}")


def _check_thinking(body: Json, turns: list[Json]) -> None:
    for index, turn in enumerate(turns):
        kinds = [block["type"] for block in turn["content"]]
        if any(kind in _THINKING for kind in kinds) and kinds[0] not in _THINKING:
            raise _bad(f"messages.{index}.content.0", f"thinking must come first, found `{kinds[0]}`")
    thinking = body.get("thinking") or {"type": "disabled"}
    if thinking.get("type") not in ("enabled", "disabled", "adaptive", "between_tools"):
        raise _bad("thinking.type", "must be 'enabled', 'adaptive', 'between_tools' or 'disabled'")
    if thinking["type"] in ("disabled", "between_tools"):
        return
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise _bad("thinking", "cannot be enabled where `tool_choice` forces a tool")
    if body.get("temperature") not in (None, 1) or body.get("top_k") is not None:
        raise _bad("temperature", "must be 1, and `top_k` absent, with thinking")
    if thinking["type"] == "enabled":
        _check_budget(thinking.get("budget_tokens"), body.get("max_tokens"))
        if any(block["type"] == "tool_result" for block in turns[-1]["content"]):
            first = turns[-2]["content"][0]["type"]
            if first not in _THINKING:
                raise _bad(
                    f"messages.{len(turns) - 2}.content.0.type",
                    f"expected `thinking` or `redacted_thinking` before tool calls, but found `{first}`",
                )


def _check_budget(budget: Any, limit: int | None) -> None:
    if type(budget) is not int or budget < _LEAST_BUDGET:
        raise _bad("thinking.enabled.budget_tokens", f"must be at least {_LEAST_BUDGET}")
    if limit is not None and limit <= budget:
        raise _bad("max_tokens", "must be greater than `thinking.budget_tokens`")


def _check_tools(body: Json) -> None:
    tools = body.get("tools") or []
    names = []
    for index, tool in enumerate(tools):
        names.append(tool.get("name"))
        if not _is_name(names[-1]):
            raise _bad(f"tools.{index}.name", "must be a plain word")
        if tool.get("type") in (None, "custom"):
            if (tool.get("input_schema") or {}).get("type") != "object":
                raise _bad(f"tools.{index}.custom.input_schema.type", "must be 'object'")
            if extra := tool.keys() & {"parameters", "function"}:
                raise _bad(f"tools.{index}.custom.{min(extra)}", "extra inputs are not permitted")
    if len(set(names)) < len(names):
        raise _bad("tools", "names must be unique")
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, dict) or choice.get("type") not in ("auto", "any", "tool", "none"):
        raise _bad("tool_choice", "must be an object whose type is 'auto', 'any', 'tool' or 'none'")
    if not tools:
        raise _bad("tool_choice", "may only be given with tools")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise _bad("tool_choice.name", f"'{choice.get('name')}' is not among the tools")


def _check_rest(body: Json) -> None:
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if value is not None and not 0 <= value <= 1:
            raise _bad(name, "must be between 0 and 1")
    if extra := (body.get("metadata") or {}).keys() - {"user_id"}:
        raise _bad(f"metadata.{min(extra)}", "extra inputs are not permitted")
    system = body.get("system")
    for index, block in enumerate(system if isinstance(system, list) else []):
        _check_block(block, f"system.{index}", {"text"})
    form = schema_form(body)
    if form is not None:
        if form.get("type") != "json_schema":
            raise _bad("output_config.format.type", "must be 'json_schema'")
        _check_closed(form.get("schema"), "output_config.format.schema")


def schema_form(body: Json) -> Json | None:
    """The structured output that is asked for, in its present or its former place."""
    form: Json | None = (body.get("output_config") or {}).get("format") or body.get("output_format")
    return form


def _check_closed(schema: Any, path: str) -> None:
    if isinstance(schema, list):
        for part in schema:
            _check_closed(part, path)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise _bad(path, "an object's `additionalProperties` must be false")
    for value in schema.values():
        _check_closed(value, path)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(_NAME.match(value))


def _bad(path: str, message: str) -> Refusal:
    return Refusal(400, f"{path}: {message}")
