"""Whatever a legal upstream stream lacks, ours is legal, agrees with its object, and can be taken over."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from shared.errors import UpstreamError
from shared.wire import events
from tests.unit.workers.assembler_events import ENVELOPE, assembler, reading
from tests.unit.workers.junk import spoil
from tests.unit.workers.stream_grammar import Reader
from tests.unit.workers.upstream_streams import LOSSES, Event, incomplete, streams, texts
from workers.assembler import Assembler

CREATED = events.encode({"type": "response.created", "sequence_number": 0, "response": ENVELOPE})


def losses() -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(LOSSES))


@settings(max_examples=300, deadline=None)
@given(stream=streams(), lost=losses())
def test_stream_when_anything_is_left_out_then_legal_and_equal_to_its_object(
    stream: list[Event], lost: frozenset[str]
) -> None:
    # Nothing could tell interleaved calls apart without both names.
    assume(not {"ids", "indexes"} <= lost)
    target = assembler()

    reader = reading(target, incomplete(stream, lost))

    assert target.outcome is not None
    assert reader.finish() == target.outcome.response["output"]
    assert target.outcome.status == "completed"


@settings(max_examples=200, deadline=None)
@given(stream=streams(), lost=st.frozensets(st.sampled_from(sorted(set(LOSSES) - {"indexes"}))))
def test_text_when_anything_but_indexes_is_left_out_then_none_is_lost(
    stream: list[Event], lost: frozenset[str]
) -> None:
    target = assembler()

    reading(target, incomplete(stream, lost))

    assert target.outcome is not None
    said = texts(target.outcome.response["output"])
    # A part that nothing but its `added` or `done` told of, and that is empty, may be missing.
    assert [list(filter(None, item)) for item in said] == [
        list(filter(None, item)) for item in texts(stream[-1]["response"]["output"])
    ]


@settings(max_examples=100, deadline=None)
@given(stream=streams(interleave=False))
def test_text_when_no_item_has_any_name_then_none_is_lost(stream: list[Event]) -> None:
    target = assembler()

    reading(target, incomplete(stream, frozenset({"ids", "indexes"})))

    assert target.outcome is not None
    assert texts(target.outcome.response["output"]) == texts(stream[-1]["response"]["output"])


@settings(max_examples=60, deadline=None)
@given(stream=streams(), lost=st.frozensets(st.sampled_from(sorted(set(LOSSES) - {"indexes"}))))
def test_stream_when_taken_over_after_any_event_then_the_same_bytes(
    stream: list[Event], lost: frozenset[str]
) -> None:
    # Without `added` and `done` an empty part is never mentioned, and leaves a gap in the indexes.
    assume(
        not {"dones", "parts"} <= lost or all(all(item) for item in texts(stream[-1]["response"]["output"]))
    )
    stream = incomplete(stream, lost)
    whole = assembler()
    said = [whole.begin(), *(whole.feed(event) for event in stream)]

    for cut in range(len(stream)):
        successor = assembler()
        successor.restore([CREATED, *(frame for frames in said[: cut + 1] for frame in frames)])
        rest = [successor.feed(event) for event in stream[cut:]]

        assert rest == said[cut + 1 :]
        assert successor.next_sequence == whole.next_sequence
        assert successor.outcome and whole.outcome
        assert successor.outcome.response["output"] == whole.outcome.response["output"]


@settings(max_examples=60, deadline=None)
@given(stream=streams(), lost=losses())
def test_output_so_far_when_folded_from_any_frames_then_what_the_frames_say(
    stream: list[Event], lost: frozenset[str]
) -> None:
    original = assembler()
    frames = [CREATED, *original.begin()]
    for event in incomplete(stream, lost)[:-1]:
        frames += original.feed(event)

        successor = assembler()
        successor.restore(frames)
        assert successor.partial() == original.partial()
        assert successor.progressed == original.progressed

    for cut in range(len(frames)):
        successor = assembler()
        successor.restore(frames[:cut])
        assert all(item.get("status") != "in_progress" for item in successor.partial())


NOTHING = object()
GROWING = {
    "type": "response.output_text.delta",
    "output_index": 0,
    "item_id": "a",
    "content_index": 0,
    "delta": "x",
    "part": {"type": "output_text"},
    "item": {"type": "message", "id": "a"},
}
TYPES = ["output_text.delta", "output_text.done", "refusal.delta", "function_call_arguments.delta"]
TYPES += ["content_part.added", "content_part.done", "output_item.added", "output_item.done", "custom.delta"]
CHANGES = st.one_of(
    st.tuples(st.just("type"), st.sampled_from([f"response.{name}" for name in TYPES])),
    st.tuples(
        st.sampled_from(["output_index", "content_index"]), st.sampled_from([0, 1, 300, False, 0.0, NOTHING])
    ),
    st.tuples(st.just("item_id"), st.sampled_from(["a", "b", "", 0, NOTHING])),
    st.tuples(st.just("text"), st.sampled_from(["x", NOTHING])),
)


UNPLACED = [  # the older of two parts grows, until an event repeats the text of the newer one
    ("content_index", 1),
    ("type", "response.output_text.done"),
    ("type", "response.custom.delta"),
    ("content_index", NOTHING),
    ("type", "response.output_text.delta"),
    ("text", "x"),
    ("text", NOTHING),
]


@settings(max_examples=400, deadline=None)
@example(changes=UNPLACED)
@given(changes=st.lists(CHANGES, max_size=20))
def test_delta_when_it_follows_another_then_goes_where_it_would_alone(changes: list[tuple[str, Any]]) -> None:
    """What tells of nothing, between any two events, changes nothing."""
    close, apart = assembler(), assembler()
    event: Event = dict(GROWING)

    for key, value in changes:
        said = fed(close, event)
        assert apart.feed({"type": "ping"}) == []
        assert fed(apart, event) == said
        event = {**event, key: value} if value is not NOTHING else {k: event[k] for k in event if k != key}

    assert close.partial() == apart.partial()


def fed(target: Assembler, event: Event) -> list[bytes] | str:
    try:
        return target.feed(event)
    except UpstreamError as error:
        return error.message


@settings(max_examples=300, deadline=None)
@given(stream=streams(), data=st.data())
def test_event_when_malformed_then_refused_and_the_stream_stays_legal(
    stream: list[Event], data: st.DataObject
) -> None:
    spoiled = copy.deepcopy(stream)
    spoil(data, data.draw(st.sampled_from(spoiled)))
    target, reader = assembler(), Reader()
    reader.read(target.begin())

    for event in spoiled:
        try:
            reader.read(target.feed(event))
        except UpstreamError as error:
            assert error.reason == "upstream_invalid_response"
            target.fail(error.reason, error.message)

    target.fail("upstream_disconnected", "the stream ended")
    assert target.outcome is not None
    assert reader.next == target.next_sequence
    assert len(target.outcome.response["output"]) == len(reader.items)
