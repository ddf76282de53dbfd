"""A Messages stream as Responses events. PURE.

Neighbouring texts are parts of one message; every thinking block is a reasoning item, with its text as
summary and all of it sealed; every tool call is an item of its own. What asks for nothing of ours (pings,
citations, hosted tools' blocks) is not passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from workers.assembly.reading import invalid, mapping, optional_mapping, optional_text, place
from workers.providers.anthropic import endings, seals
from workers.providers.anthropic.failures import failure
from workers.providers.anthropic.request import Reading

Event = dict[str, Any]

_TEXT, _ANSWER, _CALL, _CUSTOM = "text", "answer", "function_call", "custom_tool_call"
_THINKING, _REDACTED, _OTHER = "thinking", "redacted_thinking", "other"
# A block that nobody announced, by its first delta.
_KINDS = {"text_delta": _TEXT, "thinking_delta": _THINKING, "signature_delta": _THINKING}


@dataclass(slots=True)
class _Block:
    kind: str
    start: Event
    index: int | None = None  # its item's; of a text: its part's
    pieces: list[str] = field(default_factory=list)
    signature: str = ""

    def said(self) -> str:
        return "".join(self.pieces)


class Translator:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._blocks: dict[int, _Block] = {}
        self._items = 0
        self._message: int | None = None  # the open one
        self._parts = 0
        self._tally = endings.Tally()
        self._model: str | None = None
        self._stopped: Event | None = None
        self._begun = self._over = False
        self._handlers: dict[str, Callable[[Event], list[Event]]] = {
            "message_start": self._start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._message_delta,
            "message_stop": lambda event: self.end(),
        }

    def hear(self, event: Event) -> list[Event]:
        """Raises UpstreamError where it is an error, or cannot be understood."""
        kind = event.get("type")
        if kind == "error" or (kind is None and event.get("error")):
            raise failure(event, begun=self._begun)
        if self._over or not isinstance(kind, str) or (self._stopped and kind.startswith("content_block")):
            return []  # nothing is said after the end
        handler = self._handlers.get(kind)
        return handler(event) if handler is not None else []

    def end(self) -> list[Event]:
        """The stream is over: its last event, if it said why it stopped."""
        if self._over or self._stopped is None:
            return []
        self._over = True
        made: list[Event] = []
        if self._stopped.get("stop_reason") == endings.REFUSAL:
            made += self._part("refusal", self._next_part(made), endings.refusal_words(self._stopped))
        response = endings.ended(optional_text(self._stopped, "stop_reason") or "")
        response |= self._known(usage=self._tally.usage())
        return [*made, {"type": "response." + response["status"], "response": response}]

    def _known(self, **fields: Any) -> Event:
        known = {"model": self._model, "service_tier": self._tally.tier, **fields}
        if self._reading.unthought:
            known["reasoning"] = {"effort": "none"}
        return {key: value for key, value in known.items() if value is not None}

    def _start(self, event: Event) -> list[Event]:
        message = optional_mapping(event, "message")
        self._begun = True
        self._model = optional_text(message, "model") or None
        self._tally.learn(message)
        return [{"type": "response.created", "response": self._known()}]

    def _message_delta(self, event: Event) -> list[Event]:
        self._tally.learn(event)
        delta = optional_mapping(event, "delta")
        if optional_text(delta, "stop_reason"):
            self._stopped = delta
        return []

    # blocks

    def _block_start(self, event: Event) -> list[Event]:
        start = mapping(event, "content_block")
        return self._open(_index(event), self._kind_of(start), start)

    def _kind_of(self, start: Event) -> str:
        kind = start.get("type")
        if kind in (_TEXT, _THINKING, _REDACTED):
            return str(kind)
        if kind != "tool_use":
            return _OTHER
        name = optional_text(start, "name")
        if name is not None and name == self._reading.answer_tool:
            return _ANSWER
        return _CUSTOM if name in self._reading.custom_tools else _CALL

    def _open(self, at: int, kind: str, start: Event) -> list[Event]:
        self._begun = True
        block = self._blocks[at] = _Block(kind, start)
        if kind in (_TEXT, _ANSWER, _OTHER):
            return self._say(block, optional_text(start, "text") or "") if kind == _TEXT else []
        made = self._close_message()
        block.index = self._items
        self._items += 1
        if kind in (_THINKING, _REDACTED):
            item: Event = {"type": "reasoning", "summary": []}
        else:
            empty = "arguments" if kind == _CALL else "input"
            item = {"type": kind, "call_id": start.get("id"), "name": start.get("name"), empty: ""}
        made.append(_item(block, "added", item))
        return made + (
            self._think(block, optional_text(start, "thinking") or "") if kind == _THINKING else []
        )

    def _block_delta(self, event: Event) -> list[Event]:
        delta = optional_mapping(event, "delta")
        at, kind = _index(event), optional_text(delta, "type") or ""
        made: list[Event] = []
        if not delta:
            return made  # some servers send one to be heard from
        if at not in self._blocks:
            if kind not in _KINDS:
                raise invalid("a block's delta came before its start")
            made = self._open(at, _KINDS[kind], {})
        block = self._blocks[at]
        if kind == "text_delta" and block.kind == _TEXT:
            made += self._say(block, optional_text(delta, "text") or "")
        elif kind == "thinking_delta" and block.kind == _THINKING:
            made += self._think(block, optional_text(delta, "thinking") or "")
        elif kind == "signature_delta":
            block.signature += optional_text(delta, "signature") or ""
        elif kind == "input_json_delta":
            made += self._fill(block, optional_text(delta, "partial_json") or "")
        return made

    def _block_stop(self, event: Event) -> list[Event]:
        block = self._blocks.pop(_index(event), None)
        if block is None:
            return []
        if block.kind in (_THINKING, _REDACTED):
            return [_item(block, "done", {"type": "reasoning", "encrypted_content": _sealed(block)})]
        if block.kind == _OTHER:
            return []
        if block.kind == _TEXT:
            return self._close_part(block)
        given = block.start.get("input")
        whole = orjson.dumps(given if isinstance(given, dict) else {}).decode()
        made = [] if block.said() else self._fill(block, whole)
        return made + (self._close_part(block) if block.kind == _ANSWER else self._close_call(block))

    # what is said in them

    def _say(self, block: _Block, text: str) -> list[Event]:
        if not text:
            return []
        made: list[Event] = []
        if block.index is None:
            block.index = self._next_part(made)
        block.pieces.append(text)
        return made + self._part("output_text", block.index, text)

    def _next_part(self, made: list[Event]) -> int:
        """The place of a new part, in a message that `made` opens if need be."""
        if self._message is None:
            self._message, self._parts = self._items, 0
            self._items += 1
            item = {"type": "message", "role": "assistant", "content": []}
            made.append({"type": "response.output_item.added", "output_index": self._message, "item": item})
        self._parts += 1
        return self._parts - 1

    def _part(self, kind: str, at: int, text: str) -> list[Event]:
        return [
            {
                "type": f"response.{kind}.delta",
                "output_index": self._message,
                "content_index": at,
                "delta": text,
            }
        ]

    def _think(self, block: _Block, text: str) -> list[Event]:
        if not text:
            return []
        block.pieces.append(text)
        kind = "response.reasoning_summary_text.delta"
        return [{"type": kind, "output_index": block.index, "summary_index": 0, "delta": text}]

    def _fill(self, block: _Block, text: str) -> list[Event]:
        if not text or block.kind not in (_ANSWER, _CALL, _CUSTOM):
            return []
        if block.kind == _ANSWER:
            return self._say(block, text)
        block.pieces.append(text)
        if block.kind == _CUSTOM:
            return []  # free text is inside the JSON: it is told when that is whole
        kind = "response.function_call_arguments.delta"
        return [{"type": kind, "output_index": block.index, "delta": text}]

    # how they end

    def _close_message(self) -> list[Event]:
        if self._message is None:
            return []
        at, self._message = self._message, None
        item = {"type": "message", "role": "assistant", "status": "completed"}
        return [{"type": "response.output_item.done", "output_index": at, "item": item}]

    def _close_part(self, block: _Block) -> list[Event]:
        if block.index is None or self._message is None:
            return []
        part = {"type": "output_text"}
        address = {"output_index": self._message, "content_index": block.index}
        return [{"type": "response.content_part.done", **address, "part": part}]

    def _close_call(self, block: _Block) -> list[Event]:
        """One that was cut short stays open: how it ended is the whole answer's to say."""
        try:
            value = orjson.loads(block.said())
        except orjson.JSONDecodeError:
            return []
        item = {"type": block.kind, "status": "completed"}
        if block.kind == _CUSTOM:
            text = value.get("input") if isinstance(value, dict) else None
            item["input"] = text if isinstance(text, str) else block.said()
        return [_item(block, "done", item)]


def _index(event: Event) -> int:
    return place(event, "index") or 0


def _item(block: _Block, step: str, item: Event) -> Event:
    return {"type": f"response.output_item.{step}", "output_index": block.index, "item": item}


def _sealed(block: _Block) -> str | None:
    said = {"thinking": block.said(), "signature": block.signature or block.start.get("signature")}
    return seals.sealed({"type": block.kind, "data": block.start.get("data"), **said})
