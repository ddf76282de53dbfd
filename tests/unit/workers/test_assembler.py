"""The assembler's stream, one promise each: sequences, addresses and ids."""

from __future__ import annotations

from typing import Any

import pytest

from shared import ids
from shared.wire import events
from tests.unit.workers.assembler_events import (
    ENVELOPE,
    added,
    assembler,
    delta,
    done,
    ended,
    message,
    output,
    run,
    types,
)

# beginning


def test_begin_when_called_then_the_whole_snapshot_once() -> None:
    target = assembler()

    said = [events.decode(frame) for frame in target.begin() + target.begin()]

    assert said == [
        {
            "type": "response.in_progress",
            "sequence_number": 1,
            "response": {**ENVELOPE, "id": "resp_t", "created_at": 12, "status": "in_progress"},
        }
    ]
    assert not target.progressed


def test_openings_when_the_upstream_sends_its_own_then_swallowed() -> None:
    target = assembler()

    said = run(
        target, *({"type": f"response.{x}", "response": {}} for x in ("created", "queued", "in_progress"))
    )

    assert types(said) == ["in_progress"]


# whole sequences


def test_text_when_only_deltas_come_then_the_full_sequence() -> None:
    target = assembler()

    said = run(target, delta("Hel"), delta("lo"), ended())

    assert types(said) == [
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]
    assert output(target) == [
        {
            "id": ids.output_item_id("resp_t", 0, "message"),
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}],
        }
    ]


@pytest.mark.parametrize(
    ("item_type", "stem", "key"),
    [
        ("function_call", "function_call_arguments", "arguments"),
        ("custom_tool_call", "custom_tool_call_input", "input"),
    ],
)
def test_call_when_streamed_then_its_sequence_and_no_parts(item_type: str, stem: str, key: str) -> None:
    target = assembler()

    said = run(
        target,
        added(0, type=item_type, id="x", call_id="call_u", name="f"),
        {"type": f"response.{stem}.delta", "item_id": "x", "delta": "{}"},
        ended(),
    )

    assert types(said)[1:] == ["output_item.added", f"{stem}.delta", f"{stem}.done", "output_item.done"]
    assert [output(target)[0][name] for name in ("call_id", "name", key)] == ["call_u", "f", "{}"]


def test_call_arguments_when_done_then_named() -> None:
    said = run(assembler(), added(0, type="function_call", name="f", call_id="c"), ended())

    assert said[2] | {"item_id": ""} == {
        "type": "response.function_call_arguments.done",
        "sequence_number": 3,
        "item_id": "",
        "output_index": 0,
        "arguments": "",
        "name": "f",
    }


def test_call_when_it_has_no_call_id_then_ours() -> None:
    target = assembler()

    run(target, done(0, type="function_call", name="f", arguments="{}"), ended())

    assert output(target)[0]["call_id"] == ids.call_id("resp_t", 0)


def test_reasoning_when_summary_and_text_come_then_both_sequences() -> None:
    target = assembler()

    said = run(
        target,
        added(0, type="reasoning", id="rs_1"),
        {
            "type": "response.reasoning_summary_text.delta",
            "item_id": "rs_1",
            "summary_index": 0,
            "delta": "s",
        },
        {"type": "response.reasoning.delta", "item_id": "rs_1", "content_index": 0, "delta": "r"},
        ended(),
    )

    assert types(said)[1:6] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "content_part.added",
        "reasoning_text.delta",
    ]
    assert output(target)[0]["summary"] == [{"type": "summary_text", "text": "s"}]
    assert output(target)[0]["content"] == [{"type": "reasoning_text", "text": "r"}]


def test_refusal_when_streamed_then_a_refusal_part() -> None:
    target = assembler()

    run(
        target,
        {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "no"},
        ended(),
    )

    assert output(target)[0]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_parallel_calls_when_their_deltas_interleave_then_each_keeps_its_own() -> None:
    target = assembler()

    def piece(index: int, text: str) -> dict[str, Any]:
        return {"type": "response.function_call_arguments.delta", "output_index": index, "delta": text}

    calls = [added(i, type="function_call", name=f"f{i}", call_id=f"c{i}") for i in (0, 1)]
    run(target, *calls, piece(0, "a"), piece(1, "b"), piece(0, "A"), piece(1, "B"), ended())

    assert [item["arguments"] for item in output(target)] == ["aA", "bB"]


# addresses and ids


@pytest.mark.parametrize(("upstream_id", "kept"), [("rs_a-B_9", True), ("rs_", False), ("x1", False)])
def test_reasoning_id_when_of_our_form_then_kept(upstream_id: str, kept: bool) -> None:
    target = assembler()

    run(target, done(0, type="reasoning", id=upstream_id, summary=[]), ended())

    assert (output(target)[0]["id"] == upstream_id) is kept


def test_items_when_the_upstream_counts_all_as_zero_then_kept_apart() -> None:
    target = assembler()

    per_item = [
        [added(0, type="message", id=text), delta(text, item_id=text), done(0, **message(text, id=text))]
        for text in "ab"
    ]
    run(target, *per_item[0], *per_item[1], ended())

    assert [item["content"][0]["text"] for item in output(target)] == ["a", "b"]


def test_indexes_when_the_upstream_has_gaps_then_ours_are_dense() -> None:
    said = run(assembler(), delta("a", 3), delta("b", 7), ended())

    assert {event["output_index"] for event in said if "output_index" in event} == {0, 1}


def test_text_when_its_item_was_closed_by_a_later_one_then_goes_on_in_a_new_item() -> None:
    target = assembler()

    run(target, delta("a", 0), added(1, type="function_call", name="f"), delta("b", 0), ended())

    assert [item["type"] for item in output(target)] == ["message", "function_call", "message"]
    assert output(target)[2]["content"][0]["text"] == "b"


def test_message_when_a_later_item_starts_then_closed_first() -> None:
    said = run(assembler(), delta("a", 0), added(1, type="function_call", name="f"))

    assert types(said)[-2:] == ["output_item.done", "output_item.added"]
