"""Frames: one event each, and back."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire import events

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
EVENTS = st.fixed_dictionaries(
    {
        "delta": TEXT,
        "sequence_number": st.integers(0, 2**40),
        "type": TEXT.filter(lambda t: not {*"\r\n"} & {*t}),
    }
)


@given(EVENTS)
def test_an_encoded_event_is_one_frame_and_decodes_to_itself(event: dict[str, Any]) -> None:
    frame = events.encode(event)

    assert events.decode(frame) == event
    assert events.event_type(frame) == event["type"]
    assert events.split(frame) == [frame]


def test_an_encoded_event_has_its_lines_and_first_keys_in_order() -> None:
    frame = events.encode({"item_id": "m", "sequence_number": 3, "type": "response.x"})

    assert frame == b'event: response.x\ndata: {"type":"response.x","sequence_number":3,"item_id":"m"}\n\n'


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
def test_a_type_with_line_breaks_when_encoded_forges_no_frame(line_break: str) -> None:
    frame = events.encode({"type": f"x{line_break}data: {{}}{line_break}{line_break}y", "sequence_number": 0})

    assert (frame.count(b"\n"), frame.count(b"\r")) == (3, 0)
    assert events.event_type(frame) == events.decode(frame)["type"]


@given(st.lists(EVENTS, max_size=5))
def test_joined_frames_when_split_are_the_frames(several: list[dict[str, Any]]) -> None:
    frames = [events.encode(event) for event in several]

    assert events.split(b"".join(frames)) == frames


def test_frames_cut_short_when_split_are_refused() -> None:
    frame = events.encode({"type": "x", "sequence_number": 0})

    with pytest.raises(ValueError, match="whole"):
        events.split(frame + frame[:-1])


def test_opening_of_a_foreground_response_is_created_in_progress() -> None:
    queued = {"id": "resp_1", "status": "queued", "output": []}

    (created,) = events.opening(queued, background=False)

    assert events.decode(created) == {
        "type": "response.created",
        "sequence_number": 0,
        "response": {"id": "resp_1", "status": "in_progress", "output": []},
    }
    assert queued["status"] == "queued"


def test_opening_of_a_background_response_is_created_then_queued() -> None:
    queued = {"id": "resp_1", "status": "queued"}

    frames = [events.decode(frame) for frame in events.opening(queued, background=True)]

    assert frames == [
        {"type": "response.created", "sequence_number": 0, "response": queued},
        {"type": "response.queued", "sequence_number": 1, "response": queued},
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("completed", "response.completed"),
        ("incomplete", "response.incomplete"),
        ("failed", "response.failed"),
        ("cancelled", "response.failed"),
    ],
)
def test_a_terminal_frame_has_the_event_of_its_status(status: str, kind: str) -> None:
    frame = events.terminal(status, 9, b'{"id":"resp_1"}')

    assert frame == events.encode({"type": kind, "sequence_number": 9, "response": {"id": "resp_1"}})


@given(st.dictionaries(TEXT, TEXT))
def test_a_terminal_frame_gives_the_response_back_byte_for_byte(response: dict[str, str]) -> None:
    stored = orjson.dumps({"nested": {"response": response}, **response})

    frame = events.terminal("completed", 12345, stored)

    assert events.terminal_response(frame) == stored
    assert events.decode(frame)["response"] == orjson.loads(stored)


def test_a_terminal_frame_of_a_response_on_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="one line"):
        events.terminal("completed", 1, b'{\n"id":1}')
