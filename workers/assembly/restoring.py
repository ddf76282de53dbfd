"""A transcript back from its own frames. PURE.

Folding any prefix of a log gives the items as they stood when its last frame was said. The upstream's
own ids and indexes are not in our frames: its indexes are taken to be ours, which they are for every
upstream that counts from zero without gaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.wire import events
from workers.assembly.items import CALL_CHANNELS, CHANNELS, SHELVES, Item, Part, part_channel, part_extra
from workers.assembly.transcript import Transcript

_LIFECYCLE = frozenset({"response.created", "response.queued", "response.in_progress"})
_TEXTS = {channel.stem: channel for channel in CHANNELS}
_PARTS = {"response.content_part": "content", "response.reasoning_summary_part": "summary"}


def fold(transcript: Transcript, frames: Iterable[bytes]) -> set[str]:
    """Replay our frames into an empty transcript; the types of the events seen."""
    seen: set[str] = set()
    for frame in frames:
        event = events.decode(frame)
        event_type = event["type"]
        seen.add(event_type)
        transcript.next_sequence = event["sequence_number"] + 1
        if event_type not in _LIFECYCLE:
            transcript.progressed = True
            _replay(transcript, event, event_type)
    return seen


def _replay(transcript: Transcript, event: dict[str, Any], event_type: str) -> None:
    stem, _, step = event_type.rpartition(".")
    if stem == "response.output_item" and step == "added":
        transcript.adopt(_item(event["output_index"], event["item"]))
        return
    position = event.get("output_index")
    if position not in transcript.open:
        return
    item = transcript.open[position]
    if stem == "response.output_item":
        item.learn(event["item"])
        item.status = event["item"].get("status", item.status)
        for part in item.parts():
            part.closed = part.text_done = True
        item.closed = True
        del transcript.open[item.index]
    elif stem in _PARTS:
        _replay_part(item, _PARTS[stem], step, event)
    elif stem in _TEXTS:
        _replay_text(item, stem, step, event)
    elif event_type == "response.output_text.annotation.added":
        item.shelves["content"][event["content_index"]].annotations.append(event["annotation"])


def _item(index: int, body: dict[str, Any]) -> Item:
    item = Item(index, body["id"], body["type"], upstream_index=index)
    item.shelves = {shelf: [] for shelf in SHELVES.get(item.type, ())}
    item.role = body.get("role", item.role)
    channel = CALL_CHANNELS.get(item.type)
    if channel:
        item.own = Part(channel, "", 0)
        item.call_id = body["call_id"]
    if item.type == "reasoning":
        item.upstream_id = item.id
    item.learn(body)
    return item


def _replay_part(item: Item, shelf: str, step: str, event: dict[str, Any]) -> None:
    body = event["part"]
    if step == "added":
        channel = part_channel(item, shelf, body["type"])
        part = Part(channel, shelf, len(item.shelves[shelf]), part_extra(body) if channel else dict(body))
        item.shelves[shelf].append(part)
        item.places[shelf, part.index] = part
        return
    part = item.shelves[shelf][event["summary_index" if shelf == "summary" else "content_index"]]
    part.extra = part_extra(body) if part.channel else dict(body)
    part.annotations = body.get("annotations", [])
    part.closed = True


def _replay_text(item: Item, stem: str, step: str, event: dict[str, Any]) -> None:
    channel = _TEXTS[stem]
    part = item.shelves[channel.shelf][event[channel.index_key]] if channel.part else item.own
    if part is None:
        return
    if step == "delta":
        part.pieces.append(event["delta"])
        part.logprobs += event.get("logprobs", [])
    else:
        part.text_done = True
        part.logprobs = event.get("logprobs", [])
        item.name = event.get("name", item.name)
