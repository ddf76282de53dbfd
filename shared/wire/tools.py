"""Tools and the choice among them: checked, Chat-shaped ones flattened, echoed. PURE.

Function tools are checked because the gateway's answer names them; tools of any other type pass
through whole. Neither the lists nor the tools given are changed: flattened ones are new objects.
"""

from __future__ import annotations

import re
from typing import Any

from shared.errors import InvalidRequest, excerpt
from shared.wire import refusals, schemas

MAX_ALLOWED = 128
NAME = r"[a-zA-Z0-9_-]{1,128}"
MODES = ("none", "auto", "required")
_NAME = re.compile(NAME + r"\Z")
_NAMED = ("function", "custom")  # the choices that name one tool of the list


def read_tools(tools: object) -> list[dict[str, Any]]:
    """The tools as they are kept and forwarded."""
    if tools is None:
        return []
    if not isinstance(tools, list):
        raise refusals.wrong_type("tools", "an array", tools)
    flat = [_read_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
    seen: set[str] = set()
    for index, tool in enumerate(flat):
        if tool["type"] != "function":
            continue
        if tool["name"] in seen:
            raise refusals.invalid(
                f"tools[{index}].name", f"Two function tools have the name '{excerpt(tool['name'])}'."
            )
        seen.add(tool["name"])
    return flat


def read_tool_choice(choice: object, tools: list[dict[str, Any]], *, closed: bool) -> Any:
    """The choice as it is kept; `closed` says that no tools can come from anywhere but the list."""
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in MODES:
            raise refusals.not_one_of("tool_choice", choice, MODES)
        return choice
    if not isinstance(choice, dict):
        raise refusals.wrong_type("tool_choice", "a string or an object", choice)
    kind = refusals.require_string(choice, "type", "tool_choice")
    if kind == "allowed_tools":
        return _read_allowed(choice, tools, closed=closed)
    choice = _flatten(choice)
    if kind in _NAMED:
        _require_known(choice, "tool_choice", tools, closed=closed)
    return choice


def echo_tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as the Response shows it: function tools with every key, null where nothing was said."""
    if tool["type"] != "function":
        return tool
    shown = {"type": "function", "name": None, "description": None, "parameters": None, "strict": None}
    return {**shown, **tool}


def _flatten(tool: dict[str, Any]) -> dict[str, Any]:
    """`{type, function: {name, …}}`, as Chat Completions has it, becomes `{type, name, …}`."""
    inner = tool.get("function")
    if tool["type"] != "function" or not isinstance(inner, dict) or "name" in tool:
        return tool
    outer = {key: value for key, value in tool.items() if key != "function"}
    return {**outer, **inner, "type": "function"}


def _read_tool(tool: object, path: str) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise refusals.wrong_type(path, "an object", tool)
    if refusals.require_string(tool, "type", path) != "function":
        return tool
    flat = _flatten(tool)
    name = refusals.require_string(flat, "name", path)
    if not _NAME.match(name):
        raise refusals.invalid(
            f"{path}.name",
            f"'{excerpt(name)}' is not a function name: 1 to 128 of letters, digits, '_' and '-'.",
        )
    refusals.optional_string(flat, "description", path)
    strict = flat.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise refusals.wrong_type(f"{path}.strict", "a boolean", strict)
    _check_parameters(flat.get("parameters"), f"{path}.parameters")
    return flat


def _check_parameters(parameters: object, path: str) -> None:
    if parameters is None:
        return
    if not isinstance(parameters, dict):
        raise refusals.wrong_type(path, "an object", parameters)
    fault = schemas.fault_of(parameters)
    if fault is not None:
        raise InvalidRequest(f"'{path}' {fault}.", code="invalid_function_parameters", param=path)


def _read_allowed(choice: dict[str, Any], tools: list[dict[str, Any]], *, closed: bool) -> dict[str, Any]:
    inner = choice.get("allowed_tools")
    if isinstance(inner, dict) and "tools" not in choice:
        outer = {key: value for key, value in choice.items() if key != "allowed_tools"}
        choice = {**outer, **inner, "type": "allowed_tools"}
    mode = refusals.require_string(choice, "mode", "tool_choice")
    if mode not in MODES[1:]:
        raise refusals.not_one_of("tool_choice.mode", mode, MODES[1:])
    allowed = choice.get("tools")
    if allowed is None:
        raise refusals.missing("tool_choice.tools")
    if not isinstance(allowed, list):
        raise refusals.wrong_type("tool_choice.tools", "an array", allowed)
    if not allowed:
        raise refusals.empty("tool_choice.tools")
    if len(allowed) > MAX_ALLOWED:
        raise refusals.too_many("tool_choice.tools", MAX_ALLOWED)
    flat = []
    for index, entry in enumerate(allowed):
        path = f"tool_choice.tools[{index}]"
        if not isinstance(entry, dict):
            raise refusals.wrong_type(path, "an object", entry)
        kind = refusals.require_string(entry, "type", path)
        flat.append(_flatten(entry))
        if kind in _NAMED:
            _require_known(flat[-1], path, tools, closed=closed)
    return {**choice, "tools": flat}


def _require_known(choice: dict[str, Any], path: str, tools: list[dict[str, Any]], *, closed: bool) -> None:
    name = refusals.require_string(choice, "name", path)
    if closed and (choice["type"], name) not in _named(tools):
        raise refusals.invalid(
            "tool_choice", f"'tool_choice' names '{excerpt(name)}', which is not among 'tools'."
        )


def _named(tools: list[Any]) -> set[tuple[str, str]]:
    """Every (type, name) on offer, those grouped within a namespace too."""
    names: set[tuple[str, str]] = set()
    for tool in tools:
        if not isinstance(tool, dict):
            continue
        kind, name, grouped = tool.get("type"), tool.get("name"), tool.get("tools")
        if isinstance(kind, str) and isinstance(name, str):
            names.add((kind, name))
        if isinstance(grouped, list):
            names |= _named(grouped)
    return names
