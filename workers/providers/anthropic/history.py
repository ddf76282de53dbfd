"""Items as turns: system, user and assistant, every tool call answered by the turn after it. PURE.

The order of a response's items is kept, thinking before the calls that it led to. System and developer
messages that open the conversation are its system prompt; later ones stand where they were said, as user
text in a tag of their own: the prompt before them stays the same, and so do its cache and the signatures
that depend on it. Records of hosted tools, and reasoning of other makers, are left out.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from typing import Any

import orjson

from shared.wire.input_items import OUTPUT_OF, item_type
from workers.providers.anthropic import content, seals

Block = dict[str, Any]
Item = dict[str, Any]
# The dialect's conversations begin and end with the user; these say so where ours do not.
OPENING, GO_ON = "(The conversation starts with the assistant.)", "(Go on.)"
_CALL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_UNNAMEABLE = re.compile(r"[^a-zA-Z0-9_-]")
_THINKING = ("thinking", "redacted_thinking")
_OUTPUTS = frozenset(OUTPUT_OF.values())


class Conversation:
    """`system` and `messages` of a request."""

    def __init__(self, instructions: str | None, items: list[Item] | str) -> None:
        self.messages: list[dict[str, Any]] = []
        self._system = [instructions] if instructions and instructions.strip() else []
        self._role = ""
        self._blocks: list[Block] = []
        self._waiting: dict[str, Item] = {}  # what answers the calls of this turn, by their id here
        self._used: set[str] = set()
        given = [{"role": "user", "content": items}] if isinstance(items, str) else items
        self._outputs: dict[str, list[Item]] = defaultdict(list)
        for item in given:
            if item.get("type") in _OUTPUTS:
                self._outputs[str(item.get("call_id"))].append(item)
        for item in given:
            self._hear(item)
        self._finish()

    @property
    def system(self) -> str:
        return "\n\n".join(self._system)

    @property
    def called(self) -> list[str]:
        """The names of the tools that were called, each once."""
        names = [b["name"] for m in self.messages for b in m["content"] if b["type"] == "tool_use"]
        return list(dict.fromkeys(names))

    @property
    def goes_on_unthought(self) -> bool:
        """Whether it goes on with tool calls that no thinking led to."""
        begun: Block | None = None  # what the assistant's turn starts with, over all its calls
        for message in self.messages:
            if message["role"] == "user":
                answers = any(block["type"] == "tool_result" for block in message["content"])
                begun = begun if answers else None
            elif begun is None:
                begun = message["content"][0]
        return begun is not None and begun["type"] not in _THINKING

    def _hear(self, item: Item) -> None:
        kind = item_type(item)
        if kind == "message":
            self._message(item)
        elif kind in OUTPUT_OF:
            self._call(item, kind)
        elif kind in _OUTPUTS:
            self._output(item)
        elif kind == "reasoning":
            block = seals.opened(item.get("encrypted_content"))
            if block is not None:
                self._add("assistant", [block])

    def _message(self, item: Item) -> None:
        role, said = item.get("role"), content.blocks(item.get("content"))
        if role in ("user", "assistant"):
            self._add(str(role), said)
            return
        texts = [block["text"] for block in said if block["type"] == "text"]
        if self._role or self.messages:
            texts = [f"<system_message>\n{text}\n</system_message>" for text in texts]
            self._add("user", [{"type": "text", "text": text} for text in texts])
        else:
            self._system += texts
        self._add("user", [block for block in said if block["type"] != "text"])

    def _call(self, item: Item, kind: str) -> None:
        call_id = str(item.get("call_id"))
        if not self._outputs[call_id]:
            return  # broken off: a call without its output is refused
        wire_id = self._wire_id(call_id)
        self._waiting[wire_id] = self._outputs[call_id].pop(0)
        arguments = _arguments(item) if kind == "function_call" else {"input": item.get("input") or ""}
        name = _UNNAMEABLE.sub("_", str(item.get("name")))[:128]
        self._add("assistant", [{"type": "tool_use", "id": wire_id, "name": name, "input": arguments}])

    def _output(self, item: Item) -> None:
        """The first one ends the assistant's turn: all of the turn's calls are answered at once."""
        call_id = str(item.get("call_id"))
        uncalled = [output for output in self._outputs[call_id] if output is not item]
        if any(item is output for output in self._waiting.values()):
            self._answer()
        elif len(uncalled) < len(self._outputs[call_id]):
            # its call is not there any more, for instance compacted
            self._outputs[call_id] = uncalled
            self._add("user", content.blocks(item.get("output")))

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._turn("user", [_result(wire_id, output) for wire_id, output in waiting.items()])

    def _wire_id(self, call_id: str) -> str:
        """The call's id as it may be written here, and once only."""
        legal = call_id
        if not _CALL_ID.match(call_id):
            legal = "call_" + hashlib.sha256(call_id.encode()).hexdigest()[:32]
        wire_id, number = legal, 1
        while wire_id in self._used:
            number += 1
            wire_id = f"{legal}_{number}"
        self._used.add(wire_id)
        return wire_id

    def _add(self, role: str, said: list[Block]) -> None:
        if not said:
            return
        if role == "user":
            self._answer()
        self._turn(role, said)

    def _turn(self, role: str, said: list[Block]) -> None:
        if role != self._role:
            self._close()
            self._role = role
        self._blocks += said

    def _close(self) -> None:
        spoken = _assistant_turn(self._blocks) if self._role == "assistant" else self._blocks
        role, self._role, self._blocks = self._role, "", []
        if not spoken:
            return
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += spoken
        else:
            self.messages.append({"role": role, "content": spoken})

    def _finish(self) -> None:
        self._answer()
        self._close()
        if not self.messages or self.messages[0]["role"] != "user":
            self.messages.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})
        if self.messages[-1]["role"] != "user":
            # a Response is a message of its own, and most models refuse to go on with a given one
            self.messages.append({"role": "user", "content": [{"type": "text", "text": GO_ON}]})


def _assistant_turn(blocks: list[Block]) -> list[Block]:
    """Calls end a turn: text after them goes before them. Thinking that led to nothing is refused."""
    last_call = max((i for i, block in enumerate(blocks) if block["type"] == "tool_use"), default=-1)
    trailing = blocks[last_call + 1 :]
    if last_call < 0:
        while trailing and trailing[-1]["type"] in _THINKING:
            trailing.pop()
        return trailing
    first_call = next(i for i, block in enumerate(blocks) if block["type"] == "tool_use")
    texts = [block for block in trailing if block["type"] not in _THINKING]
    return [*blocks[:first_call], *texts, *blocks[first_call : last_call + 1]]


def _arguments(item: Item) -> dict[str, Any]:
    text = item.get("arguments") or "{}"
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    # what another model wrote that is no object is kept as it was written
    return value if isinstance(value, dict) else {"arguments": text}


def _result(wire_id: str, output: Item) -> Block:
    said = content.blocks(output.get("output"))
    result: Block = {"type": "tool_result", "tool_use_id": wire_id}
    if len(said) == 1 and said[0]["type"] == "text":
        return {**result, "content": said[0]["text"]}
    return {**result, "content": said} if said else result
