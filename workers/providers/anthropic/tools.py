"""Tools, the choice among them, and the form of the answer. PURE.

Where a model cannot be held to a schema, its answer is the call of one more tool that has that schema:
`ANSWER`, whose input is turned back into text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workers.providers.anthropic.closed_schemas import is_closed, object_schema
from workers.providers.anthropic.models import Traits

ANSWER = "respool_answer"
_ANSWERING = "Gives the final answer to the user, in the form it must have."
_UNOFFERED = "Was called earlier; cannot be called now."
_JSON_ONLY = "Answer with one JSON object and nothing else."
_OURS = frozenset({"type", "name", "description", "parameters", "strict", "format"})

Json = dict[str, Any]


@dataclass(slots=True)
class Offer:
    """What a request says of tools and of the answer's form."""

    tools: list[Json] = field(default_factory=list)
    choice: Json | None = None
    answer_tool: str | None = None  # whose call is the answer
    custom: frozenset[str] = frozenset()  # tools of free text
    output_format: Json | None = None
    instruction: str | None = None  # where nothing holds the model to the form

    @property
    def forces(self) -> bool:
        return self.choice is not None and self.choice["type"] in ("any", "tool")


def offer(body: Json, model: Traits, called: list[str]) -> Offer:
    """`called`: the tools that the conversation has calls of."""
    allowed = _allowed(body)
    made = Offer(custom=frozenset(tool["name"] for tool in allowed if tool["type"] == "custom"))
    made.tools = [_tool(tool, model) for tool in allowed]
    made.choice = _choice(body.get("tool_choice"))
    if made.choice is None or not made.forces:
        _shape(made, (body.get("text") or {}).get("format") or {}, model)
    if not made.tools:
        # calls in the conversation want their tools declared
        made.tools = [
            {"name": name, "description": _UNOFFERED, "input_schema": object_schema(None)} for name in called
        ]
        made.choice = {"type": "none"} if called else None
    elif body.get("parallel_tool_calls") is False and made.choice != {"type": "none"}:
        made.choice = {**(made.choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return made


def _allowed(body: Json) -> list[Json]:
    """The tools on offer: of `allowed_tools`, no others are shown."""
    tools, choice = body.get("tools") or [], body.get("tool_choice")
    if not isinstance(choice, dict) or choice["type"] != "allowed_tools":
        return list(tools)
    names = {(entry["type"], entry.get("name")) for entry in choice["tools"]}
    return [tool for tool in tools if (tool["type"], tool["name"]) in names]


def _tool(tool: Json, model: Traits) -> Json:
    made: Json = {"name": tool["name"]}
    if tool.get("description"):
        made["description"] = tool["description"]
    if tool["type"] == "custom":
        schema: Json = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    else:
        schema = object_schema(tool.get("parameters"))
    made["input_schema"] = schema
    if tool.get("strict") and model.structured and is_closed(schema):
        made["strict"] = True
    others = {key: value for key, value in tool.items() if key not in _OURS and value is not None}
    return {**others, **made}


def _choice(choice: Any) -> Json | None:
    if isinstance(choice, dict):
        if choice["type"] in ("function", "custom"):
            return {"type": "tool", "name": choice["name"]}
        choice = choice["mode"]
    return {"none": {"type": "none"}, "required": {"type": "any"}}.get(str(choice))


def _shape(made: Offer, form: Json, model: Traits) -> None:
    """Give the answer its form: by the model's grammar, else by a tool, else by asking for it."""
    kind, schema = form.get("type", "text"), form.get("schema")
    if kind == "text":
        return
    if kind == "json_schema" and model.structured and (is_closed(schema or {}) or not model.forceable):
        made.output_format = {"type": "json_schema", "schema": schema}
        return
    if not model.forceable:
        made.instruction = _JSON_ONLY
        return
    if made.choice is not None:  # `none`: the answer is all that may come
        made.tools = []
    names = {tool["name"] for tool in made.tools}
    made.answer_tool = next(
        name for name in (ANSWER, *(f"{ANSWER}_{n}" for n in range(99))) if name not in names
    )
    # the model may still call what it was offered: then the form has to wait
    forced: Json = {"type": "any"} if made.tools else {"type": "tool", "name": made.answer_tool}
    made.choice = forced if made.tools else {**forced, "disable_parallel_tool_use": True}
    described = " ".join(filter(None, (_ANSWERING, form.get("description"))))
    made.tools.append(
        {"name": made.answer_tool, "description": described, "input_schema": object_schema(schema)}
    )
