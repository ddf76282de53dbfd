"""Whatever legal Messages sequence comes, the Responses stream is legal and loses nothing."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import UpstreamError
from tests.unit.workers.assembler_events import assembler
from tests.unit.workers.junk import spoil
from tests.unit.workers.messages_streams import (
    READING,
    Event,
    block,
    closing,
    ended,
    opening,
    text,
    thinking,
    tool,
)
from tests.unit.workers.stream_grammar import Reader
from workers.assembler import ENCRYPTED_CONTENT
from workers.providers.anthropic import answers
from workers.providers.anthropic.deltas import Translator
from workers.providers.anthropic.tools import ANSWER

WORDS = st.lists(st.text(alphabet="ab é\n", min_size=1, max_size=3), max_size=3)
OBJECTS = st.dictionaries(
    st.sampled_from(["a", "input"]), st.one_of(st.text(max_size=3), st.integers(-99, 99)), max_size=2
)
BLOCKS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), WORDS),
        st.tuples(st.just("thinking"), WORDS),
        st.tuples(st.just("redacted_thinking"), st.just([])),
        st.tuples(st.just("server_tool_use"), st.just([])),
        st.tuples(st.sampled_from(["look", "patch", ANSWER]), OBJECTS),
    ),
    max_size=5,
)
STOPS = st.sampled_from(["end_turn", "max_tokens", "tool_use", "refusal", "pause_turn", "stop_sequence"])


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """A whole legal stream, pings anywhere."""
    events = [opening()]
    for index, (kind, said) in enumerate(draw(BLOCKS)):
        events += _block_events(draw, index, kind, said)
    events += closing(draw(STOPS))
    for spot in draw(st.lists(st.integers(0, len(events)), max_size=2)):
        events.insert(spot, {"type": "ping"})
    return events


def _block_events(draw: st.DrawFn, index: int, kind: str, said: Any) -> list[Event]:
    if kind == "text":
        return text(index, *said)
    if kind == "thinking":
        return thinking(index, *said, signature=draw(st.sampled_from(["", "sig"])))
    if kind == "redacted_thinking":
        return block(index, {"type": kind, "data": "zz"})
    if kind == "server_tool_use":
        return block(index, {"type": kind, "id": "s", "name": "web_search", "input": {}})
    whole = orjson.dumps(said).decode()
    cut = draw(st.integers(0, len(whole)))
    return tool(index, whole[:cut], whole[cut:], name=kind)


@settings(max_examples=300, deadline=None)
@given(events=streams())
def test_stream_when_any_legal_sequence_comes_then_ours_is_legal_and_loses_no_text(
    events: list[Event],
) -> None:
    outcome = ended(events)

    said = "".join(
        delta.get("text") or delta.get("thinking") or ""
        for delta in (event["delta"] for event in events if event["type"] == "content_block_delta")
    )
    told = "".join(
        part.get("text", "")
        for item in outcome.items
        for part in [*item.get("summary", []), *item.get("content", [])]
        if not part.get("text", "").startswith("{")
    )
    assert told == said
    calls = [e for e in events if e.get("content_block", {}).get("type") == "tool_use"]
    named = [e["content_block"]["name"] for e in calls if e["content_block"]["name"] != ANSWER]
    assert [item["name"] for item in outcome.items if "name" in item] == named


@settings(max_examples=100, deadline=None)
@given(events=streams())
def test_answer_when_plain_then_the_same_as_streamed(events: list[Event]) -> None:
    streamed = ended(events)

    plain = ended(list(answers.events(_message_of(events))))

    # in a plain answer a block without its text cannot be told from one that was never begun
    assert [_bare(item) for item in plain.items] == [_bare(item) for item in streamed.items]
    assert (plain.status, plain.usage) == (streamed.status, streamed.usage)


def _bare(item: Event) -> Event:
    calls = {k: orjson.loads(v) if k == "arguments" else v for k, v in item.items() if k != "id"}
    return calls


def _message_of(events: list[Event]) -> Event:
    content: list[Event] = []
    end: Event = {}
    for event in events:
        if event["type"] == "content_block_start":
            content.append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            _grow(content[-1], event["delta"])
        elif event["type"] == "message_delta":
            end = event
    for made in content:
        if made["type"] == "tool_use":
            made["input"] = orjson.loads(made.pop("json", "") or "{}")
    message = events[0] if events[0]["type"] == "message_start" else next(e for e in events if "message" in e)
    usage = {**message["message"]["usage"], **end["usage"]}
    return {**message["message"], **end["delta"], "content": content, "usage": usage}


def _grow(made: Event, delta: Event) -> None:
    for key, told in delta.items():
        if key != "type":
            place = "json" if key == "partial_json" else key
            made[place] = made.get(place, "") + told


@settings(max_examples=300, deadline=None)
@given(events=streams(), data=st.data())
def test_event_when_malformed_then_refused_and_the_stream_stays_legal(
    events: list[Event], data: st.DataObject
) -> None:
    spoil(data, data.draw(st.sampled_from(events)))
    target, reader, translator = assembler(ENCRYPTED_CONTENT), Reader(), Translator(READING)
    reader.read(target.begin())

    for told in events:
        try:
            for made in translator.hear(told):
                reader.read(target.feed(made))
        except UpstreamError as error:
            target.fail(error.reason, error.message)

    target.fail("upstream_disconnected", "the stream ended")
    assert target.outcome is not None
