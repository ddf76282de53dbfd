"""Any legal Chat Completions stream gives a legal Responses stream that loses nothing of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import UpstreamError
from tests.unit.workers.chat_chunks import Chunk, Heard, chunk
from tests.unit.workers.junk import spoil
from workers.providers.chat.answers import Answer

PIECES = st.lists(st.text(alphabet='ab é\n{}"', max_size=3), max_size=4)
FIELDS = ("content", "reasoning_content", "reasoning", "refusal")
KINDS = {"content": "output_text", "refusal": "refusal"}


@st.composite
def texts(draw: st.DrawFn) -> list[tuple[str, str]]:
    """(field, delta): runs of one kind of text after another."""
    runs = draw(st.lists(st.tuples(st.sampled_from(FIELDS), PIECES), max_size=4))
    return [(field, piece) for field, pieces in runs for piece in pieces]


@st.composite
def calls(draw: st.DrawFn) -> list[list[Chunk]]:
    """The fragments of each call; some end without arguments."""
    found = []
    for index in range(draw(st.integers(0, 3))):
        first = {"index": index, "id": f"call_{index}", "type": "function"}
        pieces = draw(PIECES)
        opening = {**first, "function": {"name": f"f{index}", "arguments": ""}}
        found.append([opening, *({"index": index, "function": {"arguments": piece}} for piece in pieces)])
    return found


@st.composite
def streams(draw: st.DrawFn) -> list[Chunk]:
    """Chunks: texts, then calls whose fragments interleave, a reason, usage or none."""
    nulls = dict.fromkeys(("content", "refusal", "tool_calls")) if draw(st.booleans()) else {}
    stream = [chunk({"role": "assistant", "content": ""})]
    stream += [chunk({**nulls, field: delta}) for field, delta in draw(texts())]
    fragments = draw(calls())
    while any(fragments):
        together = draw(st.integers(1, 2))
        taken = [
            draw(st.sampled_from([f for f in fragments if f])).pop(0)
            for _ in range(together)
            if any(fragments)
        ]
        stream.append(chunk({**nulls, "tool_calls": taken}))
    stream.append(chunk({}, draw(st.sampled_from(["stop", "tool_calls", "length", "content_filter"]))))
    if draw(st.booleans()):
        stream.append(
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
        )
    silence = st.sampled_from([{"choices": []}, {}, chunk({}), chunk({"content": None})])
    return [
        each for step in stream for each in ([draw(silence)] if draw(st.integers(0, 9)) == 0 else []) + [step]
    ]


def deltas(stream: list[Chunk]) -> list[Chunk]:
    return [choice["delta"] for each in stream for choice in each.get("choices", [])]


def said(stream: list[Chunk], *fields: str) -> str:
    return "".join(each.get(field) or "" for each in deltas(stream) for field in fields)


def arguments(stream: list[Chunk]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in deltas(stream):
        for fragment in each.get("tool_calls") or []:
            key = f"call_{fragment['index']}"
            found[key] = found.get(key, "") + fragment["function"]["arguments"]
    return found


@settings(max_examples=300, deadline=None)
@given(stream=streams(), done=st.booleans())
def test_stream_when_legal_then_ours_is_legal_and_says_all_of_it(stream: list[Chunk], done: bool) -> None:
    result = Heard(Answer()).feed(*stream).end(done=done)

    parts = [part for item in result.output for part in item.get("content", [])]
    for field, kind in KINDS.items():
        assert "".join(p.get("text", p.get("refusal")) for p in parts if p["type"] == kind) == said(
            stream, field
        )
    thoughts = "".join(p["text"] for p in parts if p["type"] == "reasoning_text")
    assert thoughts == said(stream, "reasoning_content", "reasoning")
    made = {item["call_id"]: item["arguments"] for item in result.output if item["type"] == "function_call"}
    expected = arguments(stream)
    assert made.keys() == expected.keys()
    for call_id, text in made.items():
        # no arguments are an empty object
        assert text == expected[call_id] or (text, expected[call_id]) == ("{}", "")


@settings(max_examples=100, deadline=None)
@given(stream=streams())
def test_ending_when_the_stream_is_legal_then_its_status_and_usage(stream: list[Chunk]) -> None:
    reasons = [choice["finish_reason"] for each in stream for choice in each.get("choices", [])]
    stopped = {"length", "content_filter"} & set(reasons)

    response = Heard(Answer()).feed(*stream).end().response

    assert response["status"] == ("incomplete" if stopped else "completed")
    counted = any(each.get("usage") for each in stream)
    assert (response["usage"] or {}).get("total_tokens", 0) == (5 if counted else 0)
    # what was stopped is the last one
    assert all(item["status"] == "completed" for item in response["output"][:-1])


@settings(max_examples=100, deadline=None)
@given(stream=streams(), data=st.data())
def test_stream_when_cut_anywhere_before_its_reason_then_no_terminal_event(
    stream: list[Chunk], data: st.DataObject
) -> None:
    last = next(
        i for i, each in enumerate(stream) if any(c["finish_reason"] for c in each.get("choices", []))
    )
    cut = data.draw(st.integers(0, last))

    assert Heard(Answer()).feed(*stream[:cut]).end(done=False).assembler.outcome is None


@settings(max_examples=300, deadline=None)
@given(stream=streams(), data=st.data())
def test_chunk_when_malformed_then_understood_or_refused_and_the_stream_stays_legal(
    stream: list[Chunk], data: st.DataObject
) -> None:
    spoil(data, stream)
    result = Heard(Answer())

    try:
        result.feed(*(each for each in stream if isinstance(each, dict))).end()
    except UpstreamError as error:
        assert error.reason.startswith("upstream_")
