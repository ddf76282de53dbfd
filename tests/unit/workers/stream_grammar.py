"""The grammar of a Responses stream, written apart from the assembler: a checker that folds.

`Reader.read` raises AssertionError at the first frame that breaks a rule; `items` is what a client
that only listened would hold.
"""

from __future__ import annotations

from typing import Any

from shared.wire import events

TEXTS = {
    "response.output_text": ("content", "content_index", "output_text", "text"),
    "response.refusal": ("content", "content_index", "refusal", "refusal"),
    "response.reasoning_text": ("content", "content_index", "reasoning_text", "text"),
    "response.reasoning_summary_text": ("summary", "summary_index", "summary_text", "text"),
    "response.function_call_arguments": ("", "", "function_call", "arguments"),
    "response.custom_tool_call_input": ("", "", "custom_tool_call", "input"),
}
PARTS = {
    "response.content_part": ("content", "content_index"),
    "response.reasoning_summary_part": ("summary", "summary_index"),
}
KNOWN_ITEMS = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})
KNOWN_PARTS = frozenset({"output_text", "refusal", "reasoning_text", "summary_text"})


class Reader:
    """Reads frames from `response.in_progress` (numbered `first`) on."""

    def __init__(self, first: int = 1) -> None:
        self.first = first
        self.next = first
        self.items: list[dict[str, Any]] = []
        self.ended: set[int] = set()
        self._texts: dict[tuple[int, str, int], str] = {}
        self._done: dict[tuple[int, str, int], str] = {}
        self._parts_done: dict[tuple[int, str], list[Any]] = {}

    def read(self, frames: list[bytes]) -> None:
        for frame in frames:
            event = events.decode(frame)
            assert events.event_type(frame) == event["type"]
            assert event["sequence_number"] == self.next, "numbers are dense"
            assert (event["type"] == "response.in_progress") == (self.next == self.first)
            self.next += 1
            self._apply(event)

    def finish(self) -> list[dict[str, Any]]:
        """The stream has ended well: everything that was added is done."""
        assert self.ended == set(range(len(self.items)))
        return self.items

    def _apply(self, event: dict[str, Any]) -> None:
        assert not event.get("error")
        stem, _, step = event["type"].rpartition(".")
        if stem == "response.output_item":
            self._item(event, step)
        elif "output_index" in event and self.items[event["output_index"]]["type"] not in KNOWN_ITEMS:
            self._address(event)
        elif stem in PARTS:
            self._part(event, step, *PARTS[stem])
        elif stem in TEXTS:
            self._text(event, step, *TEXTS[stem])
        elif "output_index" in event:
            self._address(event)

    def _address(self, event: dict[str, Any]) -> int:
        index: int = event["output_index"]
        assert index not in self.ended, "nothing after an item's end"
        assert event["item_id"] == self.items[index]["id"]
        return index

    def _item(self, event: dict[str, Any], step: str) -> None:
        index, item = event["output_index"], event["item"]
        if step == "added":
            assert index == len(self.items)
            assert item["id"] not in [other["id"] for other in self.items]
            known = item["type"] in KNOWN_ITEMS
            for key, empty in {"content": [], "summary": [], "arguments": "", "input": ""}.items():
                assert not known or item.get(key, empty) == empty
            self.items.append(item)
            return
        assert index not in self.ended
        added = self.items[index]
        assert [item[k] for k in ("id", "type")] == [added[k] for k in ("id", "type")]
        assert item.get("call_id") == added.get("call_id")
        if item["type"] in ("message", "reasoning"):
            for shelf in ("content", "summary"):
                assert item.get(shelf, []) == self._parts_done.get((index, shelf), [])
        for key in ("arguments", "input"):
            if item["type"] in ("function_call", "custom_tool_call") and key in item:
                assert item[key] == self._done[index, "", 0]
        assert item.get("status") != "in_progress"
        self.items[index] = item
        self.ended.add(index)

    def _part(self, event: dict[str, Any], step: str, shelf: str, key: str) -> None:
        index, position = self._address(event), event[key]
        parts = self._parts_done.setdefault((index, shelf), [])
        if step == "added":
            assert position == len(parts)
            parts.append(None)
            self._texts[index, shelf, position] = ""
            known = event["part"]["type"] in KNOWN_PARTS
            assert not known or event["part"].get("text", event["part"].get("refusal")) == ""
            return
        assert parts[position] is None, "one done for each added"
        part = event["part"]
        if part["type"] in KNOWN_PARTS:
            said = part.get("text", part.get("refusal"))
            assert said == self._done[index, shelf, position]
        parts[position] = part

    def _text(self, event: dict[str, Any], step: str, shelf: str, key: str, kind: str, name: str) -> None:
        index = self._address(event)
        place = (index, shelf, event[key] if key else 0)
        assert place not in self._done
        if shelf:
            assert place in self._texts, "a part is added before its text"
        if step == "delta":
            self._texts[place] = self._texts.get(place, "") + event["delta"]
            assert kind != "output_text" or isinstance(event["logprobs"], list)
        else:
            assert event[name] == self._texts.get(place, "")
            assert kind != "function_call" or isinstance(event["name"], str)
            self._done[place] = event[name]
