"""Steps of a generation, bent by quirks, written as SSE frames. PURE.

A `Step` is one event with the role it plays; a `Frame` is its bytes. Every way in which an
upstream's bytes can be odd while the connection is healthy is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from upstream.directives import Directives
from upstream.model import POISON

OPENING, WORD, OTHER, TERMINAL, DONE = "opening", "word", "other", "terminal", "done"
_SMALL_ENVELOPE = ("id", "object", "created_at", "status", "model", "output", "error", "usage")
_PART_ADDED = ("response.content_part.added", "response.reasoning_summary_part.added")
_BEGINNINGS = ("response.created", "message_start")
_ENDINGS = (".done", "_block_stop")
_BYTES = {"bad_utf8": b"\xff\xfe\xc3", "nul": b"\\u0000", "surrogate": b"\\ud800"}
_POISON = POISON.encode()

Event = dict[str, Any]


class Step(NamedTuple):
    kind: str
    event: Event | None  # None is the literal [DONE]


class Frame(NamedTuple):
    kind: str
    sequence: int
    data: bytes


def frames(
    steps: Iterator[Step], directives: Directives, *, named: bool, numbered: bool = False
) -> Iterator[Frame]:
    """`named`: events carry their type (not so Chat); `numbered`: and a sequence number (Responses)."""
    if directives.quirks or directives.faults:
        steps = _bent(steps, directives)
    write = _writer(directives, named)
    stride = 3 if "seq_jumps" in directives.quirks else 1
    shown = numbered and "no_sequence" not in directives.quirks
    sequence = 0
    for kind, event in steps:
        if event is not None and shown:
            event["sequence_number"] = sequence
        yield Frame(kind, sequence, write(event))
        sequence += stride


def bent_response(response: Event, directives: Directives) -> Event:
    """The Response object as a server with these quirks shows it."""
    quirks = directives.quirks
    if "no_usage" in quirks:
        response = {**response, "usage": None}
    if "small_envelope" in quirks:
        response = {key: response[key] for key in _SMALL_ENVELOPE}
    if "no_ids" in quirks:
        response = {**response, "output": [_without_id(item) for item in response["output"]]}
    return response


def poisoned(data: bytes, directives: Directives) -> bytes:
    for fault, bad in _BYTES.items():
        if fault in directives.faults:
            data = data.replace(_POISON, bad)
    return data


def _writer(directives: Directives, named: bool) -> Callable[[Event | None], bytes]:
    faults = directives.faults
    end = b"\r\n" if "crlf" in faults else b"\r" if "cr" in faults else b"\n"
    prefix = b"data:" if "no_space" in faults else b"data: "
    named = named and "no_event_lines" not in directives.quirks

    def write(event: Event | None) -> bytes:
        if event is None:
            return prefix + b"[DONE]" + end + end
        if event.get("type") == "comment":
            return b": still at work" + end + end
        data = orjson.dumps(event) if event.get("type") != "garbage" else b'{"type": oops'
        name = b"event: " + event["type"].encode() + end if named else b""
        return name + prefix + data + end + end

    bom = [b"\xef\xbb\xbf"] if "bom" in faults else []

    def write_odd(event: Event | None) -> bytes:
        return (bom.pop() if bom else b"") + poisoned(write(event), directives)

    return write_odd if faults else write


def _bent(steps: Iterator[Step], directives: Directives) -> Iterator[Step]:
    faults, quirks = directives.faults, directives.quirks
    words = 0
    garbage_at = directives.number("garbage", 1) if "garbage" in faults else -1
    for step in steps:
        due = step.kind == WORD and words == garbage_at
        if due or (step.kind == TERMINAL and garbage_at >= words):
            garbage_at = -1
            yield Step(OTHER, {"type": "garbage"})
        if _left_out(step, directives):
            continue
        if step.kind == WORD:
            yield from _before_word(step, words, quirks)
            words += 1
        yield Step(step.kind, _bent_event(step.event, directives))
        if step.kind == TERMINAL:
            yield from _after_terminal(step, directives)


def _left_out(step: Step, directives: Directives) -> bool:
    if step.event is None:
        return "no_done" in directives.quirks
    kind = step.event.get("type", "")
    if kind in _BEGINNINGS:
        return "missing_created" in directives.faults
    if kind in _PART_ADDED:
        return "no_added_parts" in directives.quirks
    return kind.endswith(_ENDINGS) and "no_done" in directives.quirks


def _before_word(step: Step, words: int, quirks: frozenset[str]) -> Iterator[Step]:
    if "null_deltas" in quirks and step.event is not None:
        yield Step(OTHER, _nulled(step.event))
    if "comments" in quirks:
        yield Step(OTHER, {"type": "comment"})
    if "unknown_events" in quirks and words == 0:
        novelty = {"output_index": 0, "item_id": None, "novelty": {"of": 1}}
        yield Step(OTHER, {"type": "response.novelty.progress", **novelty})
        yield Step(OTHER, {"type": "keepalive"})


def _nulled(event: Event) -> Event:
    if "choices" not in event:
        return {**event, "delta": None}
    choice = event["choices"][0]
    return {**event, "choices": [{**choice, "delta": dict.fromkeys(("role", "content", "tool_calls"))}]}


def _after_terminal(step: Step, directives: Directives) -> Iterator[Step]:
    if step.event is None or step.event.get("type") == "message_delta":
        return  # more is to come
    if "dup_terminal" in directives.faults:
        yield Step(TERMINAL, _bent_event(step.event, directives))
    if "after_terminal" in directives.faults and step.event.get("choices") != []:
        yield Step(OTHER, _late(step.event))
    if "done_marker" in directives.quirks:
        yield Step(DONE, None)


def _late(event: Event) -> Event:
    """More text of the same dialect, where none may come."""
    if "choices" in event:
        return {**event, "choices": [{"index": 0, "delta": {"content": " late"}, "finish_reason": None}]}
    if event["type"].startswith("response."):
        late = {"type": "response.output_text.delta", "item_id": "msg_late", "output_index": 0}
        return {**late, "content_index": 0, "delta": " late", "logprobs": []}
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " late"}}


def _bent_event(event: Event | None, directives: Directives) -> Event | None:
    if event is None:
        return None
    quirks, event = directives.quirks, dict(event)
    if "response" in event:
        event["response"] = bent_response(event["response"], directives)
        if "other_final" in quirks:
            event["response"]["output"] = [_other_text(item) for item in event["response"]["output"]]
    if "no_ids" in quirks:
        event.pop("item_id", None)
        if "item" in event:
            event["item"] = _without_id(event["item"])
    return event


def _without_id(item: Event) -> Event:
    return {key: value for key, value in item.items() if key != "id"}


def _other_text(item: Event) -> Event:
    if item["type"] != "message":
        return item
    return {**item, "content": [{**part, "text": "Something else entirely."} for part in item["content"]]}
