"""Texts, said once: deltas against wholes, prefilled items, what rides along with a delta."""

from __future__ import annotations

import pytest

from tests.unit.workers.assembler_events import (
    added,
    assembler,
    delta,
    ended,
    message,
    output,
    run,
    types,
)

# deltas, wholes and prefilled texts


def test_whole_text_when_longer_than_the_deltas_then_the_rest_is_a_delta() -> None:
    said = run(
        assembler(), delta("ab"), {"type": "response.output_text.done", "output_index": 0, "text": "abcd"}
    )

    assert [event["delta"] for event in said if event["type"].endswith("delta")] == ["ab", "cd"]


@pytest.mark.parametrize("whole", ["", "a", "xy"])
def test_whole_text_when_it_contradicts_the_deltas_then_the_deltas_win(whole: str) -> None:
    target = assembler()

    run(target, delta("ab"), ended(output=[message(whole)]))

    assert output(target)[0]["content"][0]["text"] == "ab"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [([], "{}"), (["{", "}"], "{}"), (["[1]"], "{}[1]")],
    ids=["none", "again", "more"],
)
def test_arguments_when_prefilled_then_said_once(pieces: list[str], expected: str) -> None:
    target = assembler()
    stem = "response.function_call_arguments"

    said = run(
        target,
        added(0, type="function_call", name="f", arguments="{}"),
        *({"type": stem + ".delta", "output_index": 0, "delta": piece} for piece in pieces),
        ended(),
    )

    assert said[1]["item"]["arguments"] == ""
    assert output(target)[0]["arguments"] == expected


@pytest.mark.parametrize("empty", [None, ""])
def test_delta_when_empty_then_no_delta_is_said(empty: str | None) -> None:
    said = run(assembler(), delta("a"), {**delta("a"), "delta": empty})

    assert types(said).count("output_text.delta") == 1


def test_delta_when_it_has_unknown_fields_then_carried_but_obfuscation_and_error() -> None:
    said = run(assembler(), delta("a", obfuscation="zz", error={"x": 1}, novel=7, logprobs=[{"t": 1}]))

    assert said[-1].keys() - {"type", "sequence_number", "item_id", "output_index", "content_index"} == {
        "delta",
        "logprobs",
        "novel",
    }


def test_text_when_it_goes_on_after_its_done_then_ignored() -> None:
    target = assembler()

    run(
        target,
        delta("a"),
        {"type": "response.output_text.done", "output_index": 0, "text": "a"},
        delta("b"),
        ended(),
    )

    assert output(target)[0]["content"][0]["text"] == "a"


def test_annotation_when_added_then_numbered_and_kept() -> None:
    target = assembler()
    kind = "response.output_text.annotation.added"

    said = run(
        target,
        delta("a"),
        {
            "type": kind,
            "output_index": 0,
            "content_index": 0,
            "annotation_index": 5,
            "annotation": {"type": "u"},
        },
        ended(),
    )

    assert next(event for event in said if event["type"] == kind)["annotation_index"] == 0
    assert output(target)[0]["content"][0]["annotations"] == [{"type": "u"}]
