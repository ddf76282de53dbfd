"""Events of the Responses dialect from texts and calls as they come. PURE.

Texts are written one after the other: another kind of text, or a call, ends the item before it. Calls
grow side by side. Items are numbered as they open; the assembler supplies the rest.
"""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]

TEXT, REFUSAL, REASONING = "output_text", "refusal", "reasoning_text"
_ITEMS = {TEXT: "message", REFUSAL: "message", REASONING: "reasoning"}


class Writer:
    def __init__(self) -> None:
        self._events: list[Event] = []
        self._next = 0
        self._open: str | None = None  # the type of the item that texts go into; the newest one
        self._parts: list[str] = []  # its parts

    @property
    def begun(self) -> bool:
        return self._next > 0

    @property
    def open(self) -> str | None:
        return self._open

    def take(self) -> list[Event]:
        taken, self._events = self._events, []
        return taken

    def say(self, part: str, delta: str, **more: Any) -> None:
        """Text of one kind; what is empty, and says nothing more, opens nothing."""
        if not delta and not more:
            return
        if self._open != _ITEMS[part]:
            self.end_text()
            self._open = _ITEMS[part]
            self._next += 1
        if not self._parts or self._parts[-1] != part:
            self._parts.append(part)
        self._write(f"{part}.delta", self._next - 1, content_index=len(self._parts) - 1, delta=delta, **more)

    def annotate(self, annotation: Event) -> None:
        """Of the text that is open."""
        if TEXT in self._parts:
            part = len(self._parts) - 1 - self._parts[::-1].index(TEXT)
            self._write(
                "output_text.annotation.added", self._next - 1, content_index=part, annotation=annotation
            )

    def end_text(self) -> None:
        if self._open is not None:
            self._write("output_item.done", self._next - 1, item={"type": self._open})
        self._open, self._parts = None, []

    def open_call(self, item: Event) -> int:
        """The call's place, for its deltas."""
        self.end_text()
        self._next += 1
        self._write("output_item.added", self._next - 1, item=item)
        return self._next - 1

    def grow_call(self, index: int, kind: str, delta: str) -> None:
        if delta:
            self._write(
                "function_call_arguments.delta"
                if kind == "function_call"
                else "custom_tool_call_input.delta",
                index,
                delta=delta,
            )

    def end_call(self, index: int, item: Event) -> None:
        self._write("output_item.done", index, item=item)

    def _write(self, event_type: str, index: int, **fields: Any) -> None:
        self._events.append({"type": f"response.{event_type}", "output_index": index, **fields})
