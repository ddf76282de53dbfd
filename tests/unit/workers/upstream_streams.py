"""Hypothesis strategies for legal upstream streams, and the ways real ones are incomplete."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

Event = dict[str, Any]

WORDS = st.text(alphabet="ab é\n{}", min_size=1, max_size=3)
PIECES = st.lists(WORDS, max_size=3)
SPELLINGS = {
    "output_text": ("response.output_text", "text", "content"),
    "refusal": ("response.refusal", "refusal", "content"),
    "reasoning_text": ("response.reasoning_text", "text", "content"),
    "summary_text": ("response.reasoning_summary_text", "text", "summary"),
}
CALLS = {
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
}


def text_part(kind: str) -> st.SearchStrategy[tuple[str, list[str]]]:
    return st.tuples(st.just(kind), PIECES)


def messages() -> st.SearchStrategy[tuple[str, Any]]:
    part = st.one_of(text_part("output_text"), text_part("refusal"))
    return st.tuples(st.just("message"), st.lists(part, max_size=3))


def reasonings() -> st.SearchStrategy[tuple[str, Any]]:
    part = st.one_of(text_part("summary_text"), text_part("reasoning_text"))
    return st.tuples(st.just("reasoning"), st.lists(part, max_size=3))


def calls() -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.sampled_from(sorted(CALLS)), PIECES)


def hosted() -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.just("web_search_call"), st.just([]))


OUTPUTS = st.lists(st.one_of(messages(), reasonings(), calls(), hosted()), max_size=4)


def item_events(index: int, kind: str, content: Any) -> list[Event]:
    """One item's whole legal sequence; the last event holds the finished item."""
    base: Event = {"id": f"up_{index}", "type": kind}
    if kind == "reasoning":
        base["id"] = f"rs_{index}"
    if kind == "web_search_call":
        return _hosted_events(index, base)
    if kind in CALLS:
        return _call_events(index, base | {"call_id": f"call_{index}", "name": "f"}, content)
    return _parted_events(index, base, content)


def _hosted_events(index: int, base: Event) -> list[Event]:
    address = {"output_index": index, "item_id": base["id"]}
    return [
        _added(index, base | {"status": "in_progress", "action": {"q": "x"}}),
        {"type": "response.web_search_call.searching", **address},
        _done(index, base | {"status": "completed", "action": {"q": "x"}, "found": 3}),
    ]


def _call_events(index: int, base: Event, pieces: list[str]) -> list[Event]:
    stem, key = CALLS[base["type"]]
    address = {"output_index": index, "item_id": base["id"]}
    return [
        _added(index, base | {"status": "in_progress", key: ""}),
        *({"type": stem + ".delta", "delta": piece, **address} for piece in pieces),
        {"type": stem + ".done", key: "".join(pieces), "name": "f", **address},
        _done(index, base | {"status": "completed", key: "".join(pieces)}),
    ]


def _parted_events(index: int, base: Event, content: list[tuple[str, list[str]]]) -> list[Event]:
    empty: Event = {"summary": []} if base["type"] == "reasoning" else {"role": "assistant", "content": []}
    finished: Event = {**base, **copy.deepcopy(empty), "status": "completed"}
    stream = [_added(index, {**base, **empty, "status": "in_progress"})]
    for kind, pieces in content:
        stem, key, shelf = SPELLINGS[kind]
        parts = finished.setdefault(shelf, [])
        place = {"output_index": index, "item_id": base["id"], f"{shelf}_index": len(parts)}
        part_stem = "response.reasoning_summary_part" if shelf == "summary" else "response.content_part"
        whole = {"type": kind, key: "".join(pieces)}
        parts.append(whole)
        stream += [
            {"type": part_stem + ".added", "part": {"type": kind, key: ""}, **place},
            *({"type": stem + ".delta", "delta": piece, **place} for piece in pieces),
            {"type": stem + ".done", key: whole[key], **place},
            {"type": part_stem + ".done", "part": whole, **place},
        ]
    return [*stream, _done(index, finished)]


def _added(index: int, item: Event) -> Event:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def _done(index: int, item: Event) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


@st.composite
def streams(draw: st.DrawFn, *, interleave: bool = True) -> list[Event]:
    """A whole legal stream, its parallel calls interleaved, its final object complete."""
    sequences = [item_events(i, kind, content) for i, (kind, content) in enumerate(draw(OUTPUTS))]
    output = [sequence[-1]["item"] for sequence in sequences]
    events: list[Event] = [{"type": "response.created", "response": {"id": "up", "status": "in_progress"}}]
    while sequences:
        width = 1
        while interleave and width < len(sequences) and all(_is_call(s) for s in sequences[: width + 1]):
            width += 1
        parallel = [list(sequence) for sequence in sequences[:width]]
        del sequences[:width]
        events += [sequence.pop(0) for sequence in parallel]
        while any(parallel):
            events.append(draw(st.sampled_from([s for s in parallel if s])).pop(0))
    response = {"id": "up", "status": "completed", "output": output, "usage": {"input_tokens": 1}}
    events.append({"type": "response.completed", "response": response})
    return [{**event, "sequence_number": number} for number, event in enumerate(copy.deepcopy(events))]


def _is_call(sequence: list[Event]) -> bool:
    return sequence[0]["item"]["type"] in CALLS


def texts(output: list[Event]) -> list[list[str]]:
    """Every text of an output, item by item."""
    found = []
    for item in output:
        parts = [*item.get("summary", []), *item.get("content", [])]
        said = [part.get("text", part.get("refusal")) for part in parts]
        found.append(said + [item[key] for key in ("arguments", "input") if key in item])
    return found


LOSSES = ("sequence_number", "ids", "indexes", "dones", "parts", "final")


def incomplete(stream: list[Event], losses: frozenset[str]) -> list[Event]:
    """The stream as a server would send it that leaves these out."""
    kept = []
    for event in copy.deepcopy(stream):
        stem, _, step = event["type"].rpartition(".")
        if "dones" in losses and step == "done":
            continue
        if "parts" in losses and step == "added" and stem.endswith("_part"):
            continue
        if "sequence_number" in losses:
            del event["sequence_number"]
        if "ids" in losses:
            event.pop("item_id", None)
            event.get("item", {}).pop("id", None)
            for item in event.get("response", {}).get("output", []):
                item.pop("id", None)
        if "indexes" in losses:
            event.pop("output_index", None)
        if "final" in losses and "output" in event.get("response", {}):
            event["response"]["output"] = []
        kept.append(event)
    return kept
