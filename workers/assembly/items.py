"""Output items and their parts as they grow, and the JSON they make at any moment. PURE.

A text (of a part, or a call's arguments) is what was said of it, piece by piece: nothing is in an item
that no frame has carried. `Channel` is the table of how each growing text is spelled on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Channel(NamedTuple):
    """One kind of growing text."""

    stem: str  # its events are `<stem>.delta` and `<stem>.done`
    item_type: str
    key: str  # the whole text's key: in the done event, and in the part or the call
    part: str | None  # the part's type; None for a call's own text
    shelf: str  # the item's list that holds the part
    index_key: str


OUTPUT_TEXT = Channel("response.output_text", "message", "text", "output_text", "content", "content_index")
REFUSAL = Channel("response.refusal", "message", "refusal", "refusal", "content", "content_index")
REASONING_TEXT = Channel(
    "response.reasoning_text", "reasoning", "text", "reasoning_text", "content", "content_index"
)
SUMMARY_TEXT = Channel(
    "response.reasoning_summary_text", "reasoning", "text", "summary_text", "summary", "summary_index"
)
ARGUMENTS = Channel("response.function_call_arguments", "function_call", "arguments", None, "", "")
TOOL_INPUT = Channel("response.custom_tool_call_input", "custom_tool_call", "input", None, "", "")

CHANNELS = (OUTPUT_TEXT, REFUSAL, REASONING_TEXT, SUMMARY_TEXT, ARGUMENTS, TOOL_INPUT)
PART_CHANNELS = {channel.part: channel for channel in CHANNELS if channel.part}
CALL_CHANNELS = {channel.item_type: channel for channel in CHANNELS if channel.part is None}

# The lists of parts an item of each type has; items of other types are opaque: kept whole.
SHELVES: dict[str, tuple[str, ...]] = {
    "message": ("content",),
    "reasoning": ("summary", "content"),
    "function_call": (),
    "custom_tool_call": (),
}
PART_STEMS = {"content": "response.content_part", "summary": "response.reasoning_summary_part"}
INDEX_KEYS = {"content": "content_index", "summary": "summary_index"}

_PART_KEYS = frozenset({"type", "text", "refusal", "annotations", "logprobs"})
_ITEM_KEYS = {
    "message": frozenset({"id", "type", "status", "role", "content"}),
    "reasoning": frozenset({"id", "type", "status", "summary", "content"}),
    "function_call": frozenset({"id", "type", "status", "call_id", "name", "arguments"}),
    "custom_tool_call": frozenset({"id", "type", "status", "call_id", "name", "input"}),
}
_OMITTED_WHEN_NULL = frozenset({"encrypted_content", "phase"})


@dataclass(slots=True, eq=False)
class Part:
    """A content or summary part, or a call's own text; without a channel it is opaque."""

    channel: Channel | None
    shelf: str  # the item's list it stands in; "" for a call's own text
    index: int
    extra: dict[str, Any] = field(default_factory=dict)  # an opaque part's whole body
    pieces: list[str] = field(default_factory=list)
    held: str = ""  # text that came with `added`: said unless the deltas turn out to repeat it
    annotations: list[Any] = field(default_factory=list)
    logprobs: list[Any] = field(default_factory=list)
    text_done: bool = False
    closed: bool = False

    def whole(self) -> str:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""

    @property
    def type(self) -> Any:
        return self.channel.part if self.channel else self.extra.get("type")

    def body(self) -> dict[str, Any]:
        channel = self.channel
        if channel is None:
            return dict(self.extra)
        body: dict[str, Any] = {"type": channel.part, channel.key: self.whole()}
        if channel is OUTPUT_TEXT:
            body["annotations"] = list(self.annotations)
            body["logprobs"] = list(self.logprobs)
        return body | self.extra


@dataclass(slots=True, eq=False)
class Item:
    """An output item: ours by `id` and `index`, the upstream's by its own where it has them."""

    index: int
    id: str
    type: str
    role: str = "assistant"
    call_id: str = ""
    name: str = ""
    extra: dict[str, Any] = field(default_factory=dict)  # an opaque item's whole body
    shelves: dict[str, list[Part]] = field(default_factory=dict)
    own: Part | None = None  # a call's arguments or input
    status: str = "in_progress"
    closed: bool = False
    upstream_index: int | None = None
    upstream_id: str | None = None
    places: dict[tuple[str, int], Part] = field(default_factory=dict)  # by the upstream's part index

    @property
    def opaque(self) -> bool:
        return self.type not in SHELVES

    def parts(self) -> list[Part]:
        found = [part for shelf in self.shelves.values() for part in shelf]
        return [*found, self.own] if self.own else found

    def spoken(self) -> bool:
        return any(part.pieces for part in self.parts())

    def body(self, *, encrypted: bool, status: str | None = None) -> dict[str, Any]:
        """The item as it stands; `encrypted` says whether its encrypted content may be seen."""
        if self.opaque:
            return self._opaque_body(status)
        body: dict[str, Any] = {"id": self.id, "type": self.type, "status": status or self.status}
        if self.type == "message":
            body["role"] = self.role
        if self.own and self.own.channel:
            body |= {"call_id": self.call_id, "name": self.name, self.own.channel.key: self.own.whole()}
        for shelf, parts in self.shelves.items():
            if parts or shelf != "content" or self.type == "message":
                body[shelf] = [part.body() for part in parts]
        body |= self.extra
        if not encrypted and self.type == "reasoning":
            body.pop("encrypted_content", None)
        return body

    def _opaque_body(self, status: str | None) -> dict[str, Any]:
        ours = {"id": self.id, "type": self.type}
        body = ours | self.extra | ours
        if status and "status" in body:
            body["status"] = status
        return body

    def learn(self, body: dict[str, Any]) -> None:
        """Take over what only the upstream's own item says: keys that no event of ours has carried."""
        if self.opaque:
            self.extra = {**self.extra, **body} if not self.closed else {**body, **self.extra}
            return
        known = _ITEM_KEYS[self.type]
        for key, value in body.items():
            if key not in known and (value is not None or key not in _OMITTED_WHEN_NULL | self.extra.keys()):
                self.extra[key] = value
        if not self.name and isinstance(body.get("name"), str):
            self.name = body["name"]


def part_channel(item: Item, shelf: str, part_type: str) -> Channel | None:
    """How a part's text is spelled; None where such a part does not belong, or is unknown."""
    channel = PART_CHANNELS.get(part_type)
    return channel if channel and channel.shelf == shelf and channel.item_type == item.type else None


def part_extra(body: dict[str, Any]) -> dict[str, Any]:
    """What a part has beside the keys we spell ourselves."""
    return {key: value for key, value in body.items() if key not in _PART_KEYS}
