"""Whether the events of a stream tell one story: CONTRACT 4.3 and what the SDKs' accumulators enforce.

Numbers dense, one terminal event and that last, items added and done in order under one id, deltas
that add up to their `done` texts, and a final object that is what was streamed.
"""

from __future__ import annotations

from typing import Any

from tests.support.contract import Json, check_output_item, check_part, check_response
from tests.support.shapes import fit_event, is_known

TERMINAL_EVENTS = ("response.completed", "response.failed", "response.incomplete")
_WITH_RESPONSE = ("response.created", "response.queued", "response.in_progress", *TERMINAL_EVENTS)
# stem of a growing text -> (the key of the whole text, the key of its place in the item)
_TEXTS = {
    "response.output_text": ("text", "content_index"),
    "response.refusal": ("refusal", "content_index"),
    "response.reasoning_text": ("text", "content_index"),
    "response.reasoning_summary_text": ("text", "summary_index"),
    "response.function_call_arguments": ("arguments", None),
}
_PARTS = {"response.content_part": "content_index", "response.reasoning_summary_part": "summary_index"}


def check_story(events: list[Json], *, background: bool = False) -> Json:
    """A whole stream from its first event; the final Response."""
    check_numbers(events, first=0)
    head = ["response.created", "response.queued"] if background else ["response.created"]
    assert [event["type"] for event in events[: len(head)]] == head
    teller = _Story()
    for event in events:
        teller.hear(event)
    return teller.final()


def check_numbers(events: list[Json], *, first: int) -> None:
    """Dense numbers from `first`, and exactly one terminal event, at the end."""
    assert [event["sequence_number"] for event in events] == list(range(first, first + len(events)))
    ends = [event["type"] for event in events if event["type"] in TERMINAL_EVENTS]
    assert len(ends) == 1 and events[-1]["type"] == ends[0], ends


class _Story:
    """Listens to events in order; every surprise is a failed assertion."""

    def __init__(self) -> None:
        self._response_ids: set[str] = set()
        self._began = False
        self._added: list[Json] = []
        self._done: dict[int, Json] = {}
        self._parts: dict[tuple[int, str], list[bool]] = {}  # whether each was closed
        self._texts: dict[tuple[int, str, int], str] = {}
        self._whole: dict[tuple[int, str, int], str] = {}
        self._final: Json | None = None

    def hear(self, event: Json) -> None:
        kind = event["type"]
        if is_known(kind):  # of others an upstream may tell; what they hold is its own
            fit_event(event)
        stem, _, step = kind.rpartition(".")
        if kind in _WITH_RESPONSE:
            self._hear_response(event)
            return
        assert self._began, f"{kind} before response.in_progress"
        if stem == "response.output_item":
            self._item_added(event) if step == "added" else self._item_done(event)
            return
        if "output_index" in event and "item_id" in event:
            assert event["item_id"] == self._added[event["output_index"]]["id"], event
        if stem in _PARTS:
            self._hear_part(event, _PARTS[stem], opens=step == "added")
        elif stem in _TEXTS and step in ("delta", "done"):
            self._hear_text(event, stem, step)

    def final(self) -> Json:
        assert self._final is not None
        response = self._final
        if response["status"] in ("completed", "incomplete"):
            shown = [self._done.get(index) for index in range(len(self._added))]
            assert response["output"] == shown, "the final output is not what was streamed"
            statuses = [item.get("status", "completed") for item in response["output"]]
            assert "incomplete" not in statuses[:-1], "only the last item may be incomplete"
        return response

    def _hear_response(self, event: Json) -> None:
        response = check_response(event["response"])
        self._response_ids.add(response["id"])
        assert len(self._response_ids) == 1
        kind = event["type"]
        if kind == "response.in_progress":
            self._began = True
        if kind in TERMINAL_EVENTS:
            expected = ("failed", "cancelled") if kind == "response.failed" else (kind.rpartition(".")[2],)
            assert response["status"] in expected
            self._final = response
        else:
            assert response["status"] in ("queued", "in_progress")
            assert response["output"] == [] and response["usage"] is None

    def _item_added(self, event: Json) -> None:
        item = event["item"]
        assert event["output_index"] == len(self._added), "an item out of order"
        assert item["id"] and item["id"] not in [other["id"] for other in self._added]
        assert item.get("content", []) == [] and item.get("summary", []) == []
        assert item.get("arguments", "") == ""
        assert item.get("status", "in_progress") == "in_progress"
        self._added.append(item)

    def _item_done(self, event: Json) -> None:
        index, item = event["output_index"], check_output_item(event["item"])
        added = self._added[index]
        assert index not in self._done
        for key in ("id", "type", "call_id", "name", "role"):
            assert item.get(key) == added.get(key), key
        assert item.get("status", "completed") in ("completed", "incomplete")
        for shelf, name in (("content", "content_index"), ("summary", "summary_index")):
            closed = self._parts.get((index, name), [])
            assert len(closed) == len(item.get(shelf, [])) and all(closed), "a part was left open"
            for place, part in enumerate(item.get(shelf, [])):
                assert part.get("text", part.get("refusal")) == self._whole[index, name, place]
        if item["type"] == "function_call":
            assert item["arguments"] == self._whole[index, "", 0]
        self._done[index] = item

    def _hear_part(self, event: Json, place: str, *, opens: bool) -> None:
        check_part(event["part"])
        closed = self._parts.setdefault((event["output_index"], place), [])
        at = event[place]
        if opens:
            assert at == len(closed), "a part out of order"
            assert event["part"].get("text", event["part"].get("refusal")) == ""
            closed.append(False)
            return
        assert closed[at] is False, "a part was closed twice"
        closed[at] = True
        said = event["part"].get("text", event["part"].get("refusal"))
        assert said == self._whole[event["output_index"], place, at]

    def _hear_text(self, event: Json, stem: str, step: str) -> None:
        key, place = _TEXTS[stem]
        where = (event["output_index"], place or "", event[place] if place else 0)
        assert place is None or self._parts[event["output_index"], place][event[place]] is False
        assert where not in self._whole, "text after its end"
        if stem == "response.output_text":
            assert isinstance(event["logprobs"], list)
        if step == "delta":
            assert isinstance(event["delta"], str)
            assert "obfuscation" not in event, "obfuscation is off unless asked for"
            self._texts[where] = self._texts.get(where, "") + event["delta"]
            return
        assert event[key] == self._texts.get(where, ""), "the deltas do not add up to the text"
        if stem == "response.function_call_arguments":
            assert event["name"] == self._added[event["output_index"]]["name"]
        self._whole[where] = event[key]


def texts_of(events: list[Json]) -> str:
    """All text deltas of a stream, joined."""
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


def of_type(events: list[Json], kind: str) -> list[Any]:
    return [event for event in events if event["type"] == kind]
