"""Items as messages. PURE.

What one assistant turn said (its texts, its calls) is one message; each call's output follows it at
once, however the items were ordered, for servers accept a tool message nowhere else. Left out is what
the dialect's data names: records of hosted tools, and reasoning unless the server wants it back.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

import orjson

from shared.errors import UpstreamError
from shared.wire.input_items import OUTPUT_OF, item_type
from workers.providers import refusals
from workers.providers.chat import parts

Item = dict[str, Any]
Message = dict[str, Any]

CUSTOM_INPUT = "input"  # a custom tool is offered as a function of this one text
_OUTPUTS = frozenset(OUTPUT_OF.values())
_SYSTEM = ("system", "developer")
_NO_TEXT = "The output is in the next message."


def messages(items: list[Item] | str, instructions: str | None, reasoning_field: str = "") -> list[Message]:
    """`reasoning_field`: where the server wants its own reasoning back; empty: nowhere."""
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    history = _History(items, reasoning_field)
    if instructions:
        history.add_system(instructions)
    for item in items:
        history.add(item)
    return history.finished()


class _History:
    def __init__(self, items: list[Item], reasoning_field: str) -> None:
        self._reasoning_field = reasoning_field
        self._messages: list[Message] = []
        self._turn: Message = {}  # the assistant message that is being gathered
        self._reasoning: list[str] = []
        # by call, in their order: some servers count their calls from zero in each turn
        self._outputs: dict[str, deque[Item]] = defaultdict(deque)
        for item in items:
            if item_type(item) in _OUTPUTS:
                self._outputs[_call_id(item)].append(item)

    def add(self, item: Item) -> None:
        kind = item_type(item)
        if kind == "message":
            self._add_message(item)
        elif kind in OUTPUT_OF:
            self._turn.setdefault("tool_calls", []).append(_call(item, kind))
        elif kind in _OUTPUTS:
            self._end_turn()
        elif kind == "reasoning":
            if self._reasoning_field:
                self._reasoning.append(parts.reasoning_text(item))
        elif kind == "compaction":
            raise _sealed_elsewhere()

    def add_system(self, text: str) -> None:
        """At the beginning they are one message: many templates take only one, and only there."""
        if len(self._messages) == 1 and self._messages[0]["role"] == "system":
            self._messages[0]["content"] += "\n\n" + text
        else:
            self._messages.append({"role": "system", "content": text})

    def finished(self) -> list[Message]:
        self._end_turn()
        # none of a call that is there: the server says what it thinks of it
        for left in self._outputs.values():
            for output in left:
                self._answer(_call_id(output), output)
        return self._messages

    def _add_message(self, item: Item) -> None:
        role = item["role"]
        if role == "assistant":
            said = parts.content(item["content"], separator="")
            before = self._turn.get("content")
            self._turn["content"] = f"{before}\n\n{said}" if before else said
            return
        self._end_turn()
        if role in _SYSTEM:
            self.add_system(parts.split(item["content"])[0])
        else:
            self._messages.append({"role": role, "content": parts.content(item["content"])})

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, {}
        reasoning, self._reasoning = "".join(self._reasoning), []
        if not turn:
            return
        message: Message = {"role": "assistant", "content": turn.get("content")}
        if reasoning:
            message[self._reasoning_field] = reasoning
        calls = turn.get("tool_calls") or []
        if calls:
            message["tool_calls"] = calls
        self._messages.append(message)
        attached = [self._answered(call["id"]) for call in calls]
        shown = [each for attachments in attached for each in attachments]
        if shown:
            self._messages.append({"role": "user", "content": shown})

    def _answered(self, call_id: str) -> list[dict[str, Any]]:
        waiting = self._outputs.get(call_id)
        return self._answer(call_id, waiting.popleft()) if waiting else []

    def _answer(self, call_id: str, output: Item) -> list[dict[str, Any]]:
        """What the tool message could not hold, for the message after the turn's last one."""
        text, attached = parts.split(output.get("output"))
        self._messages.append(
            {"role": "tool", "tool_call_id": call_id, "content": text or (_NO_TEXT if attached else "")}
        )
        return [{"type": "text", "text": f"Output of the call {call_id}:"}, *attached] if attached else []


def _call(item: Item, kind: str) -> dict[str, Any]:
    if kind == "custom_tool_call":
        arguments = orjson.dumps({CUSTOM_INPUT: item.get("input") or ""}).decode()
    else:
        # the empty text is no JSON, and servers read it as such
        arguments = item.get("arguments") or "{}"
    call: dict[str, Any] = {
        "id": _call_id(item),
        "type": "function",
        "function": {"name": item.get("name") or "", "arguments": arguments},
    }
    if item.get("extra_content") is not None:
        call["extra_content"] = item["extra_content"]  # a signature that one server wants back as it came
    return call


def _call_id(item: Item) -> str:
    """Custom calls come unchecked: one without an id is for the server to refuse."""
    return str(item.get("call_id") or "")


def _sealed_elsewhere() -> UpstreamError:
    body = {
        "error": {
            "message": "This conversation was compacted elsewhere, and cannot be read by this provider.",
            "code": "unsupported_value",
        }
    }
    return refusals.refused(400, {}, orjson.dumps(body))
