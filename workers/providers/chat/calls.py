"""Tool calls out of their fragments. PURE.

By the book a fragment names its call by `index`, and the first one has its id and name. Servers leave
out indexes, or ids, or both; some give every call the index 0; some repeat the name, or invent a new
id, in each fragment. A new call begins where no reading as a continuation is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from workers.assembly.reading import identity, optional_mapping, optional_text, place
from workers.providers.chat.history import CUSTOM_INPUT
from workers.providers.chat.writer import Writer

_SIGNATURE = "extra_content"  # what one server wants back with the call


@dataclass(eq=False)
class _Call:
    index: int | None  # the server's
    call_id: str | None = None
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    kind: str = "function_call"
    place: int | None = None  # ours, once it is open

    def text(self) -> str:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""

    def is_whole(self) -> bool:
        try:
            return isinstance(orjson.loads(self.text()), dict)
        except orjson.JSONDecodeError:
            return False


class Calls:
    """The calls of one answer; `custom` names those that are not functions to our caller."""

    def __init__(self, writer: Writer, custom: frozenset[str]) -> None:
        self._writer = writer
        self._custom = custom
        self._calls: list[_Call] = []

    def hear(self, fragment: dict[str, Any], position: int | None = None) -> None:
        """`position`: in a list of whole calls, which need no other name."""
        function = optional_mapping(fragment, "function")
        index, call_id = place(fragment, "index"), identity(fragment, "id")
        name, arguments = optional_text(function, "name") or "", _arguments(function)
        if index is None:
            index = position
        call = self._continued(index, call_id, name, arguments)
        if call is None:
            call = _Call(index)
            self._calls.append(call)
        call.call_id = call.call_id or call_id
        call.name = call.name or name
        if fragment.get(_SIGNATURE) is not None:
            call.extra[_SIGNATURE] = fragment[_SIGNATURE]
        call.pieces.append(arguments)
        if call.place is None:
            if call.name:
                self._open(call)
        elif call.kind == "function_call":
            self._writer.grow_call(call.place, call.kind, arguments)

    def finish(self, *, cut: bool) -> None:
        """`cut`: the answer was stopped, in the last call if there are any; its end is for others to say."""
        for call in self._calls:
            if call.place is None and call.text():
                self._open(call)
            if call.place is None:
                continue
            if call.kind == "custom_tool_call":
                self._writer.grow_call(call.place, call.kind, _input(call.text()))
            elif not call.text() and not (cut and call is self._calls[-1]):
                # no arguments are an empty object to whoever reads them as JSON
                self._writer.grow_call(call.place, call.kind, "{}")
            if not cut:
                self._writer.end_call(call.place, {"type": call.kind, **call.extra})

    def _open(self, call: _Call) -> None:
        if call.name in self._custom:
            call.kind = "custom_tool_call"
        text_key = "arguments" if call.kind == "function_call" else "input"
        item = {"type": call.kind, "call_id": call.call_id, "name": call.name, text_key: "", **call.extra}
        call.place = self._writer.open_call(item)
        if call.kind == "function_call":
            self._writer.grow_call(call.place, call.kind, call.text())

    def _continued(self, index: int | None, call_id: str | None, name: str, arguments: str) -> _Call | None:
        for known in self._calls:
            if call_id and known.call_id == call_id and index in (None, known.index):
                return known
        fitting = [call for call in self._calls if index is None or call.index == index]
        if not fitting or _begins_another(fitting[-1], index, call_id, name, arguments):
            return None
        return fitting[-1]


def _begins_another(call: _Call, index: int | None, call_id: str | None, name: str, arguments: str) -> bool:
    """Whether a fragment that may go on with this call is of another one; its id is not the call's."""
    renamed = bool(call.name) and bool(name) and name != call.name
    if index is not None:
        if not (name and call_id and call.call_id):
            return False
        return renamed or call.is_whole()
    if call_id:
        return bool(name or call.call_id)
    if not name or not call.name:
        return False
    return renamed or (bool(arguments) and call.is_whole())


def _arguments(function: dict[str, Any]) -> str:
    given = function.get("arguments")
    if isinstance(given, dict):  # whole, and not yet written as text
        return orjson.dumps(given).decode()
    return optional_text(function, "arguments") or ""


def _input(arguments: str) -> str:
    """The one text of a custom tool's call; what is not written as it was asked for, as it came."""
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = given.get(CUSTOM_INPUT) if isinstance(given, dict) else None
    return text if isinstance(text, str) else arguments
