"""Tool calls out of fragments that are marked by the book, or not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.workers.chat_chunks import Chunk, called, chunk, heard

STOP = chunk(reason="stop")
CALLED = chunk(reason="tool_calls")


def test_calls_when_by_the_book_then_side_by_side() -> None:
    result = heard(
        called(index=0, id="a", name="f", arguments=""),
        called(index=0, arguments='{"x"'),
        called(index=1, id="b", name="g", arguments='{"y"'),
        called(index=0, arguments=":1}"),
        called(index=1, arguments=":2}"),
        CALLED,
    )

    assert result.calls == [("f", '{"x":1}'), ("g", '{"y":2}')]
    assert [item["call_id"] for item in result.output] == ["a", "b"]
    assert result.response["status"] == "completed"


NO = object()


def part(index: Any = NO, id: Any = NO, name: Any = NO, arguments: Any = NO) -> Chunk:
    """One fragment, without what it does not have."""
    given = {"index": index, "id": id, "name": name, "arguments": arguments}
    return called(**{key: value for key, value in given.items() if value is not NO})


FIRST = '{"x":1}'
HALVES = ('{"x":', "1}")
MARKED = {
    "no index": [
        part(id="a", name="f", arguments=HALVES[0]),
        part(arguments=HALVES[1]),
        part(id="b", name="f", arguments="{}"),
    ],
    "no id": [
        part(0, name="f", arguments=HALVES[0]),
        part(0, arguments=HALVES[1]),
        part(1, name="f", arguments="{}"),
    ],
    "neither": [
        part(name="f", arguments=HALVES[0]),
        part(arguments=HALVES[1]),
        part(name="f", arguments="{}"),
    ],
    "every index 0": [part(0, "a", "f", FIRST), part(0, "b", "f", "{}")],
    "every index 0, in fragments": [
        part(0, "a", "f", ""),
        part(0, "", arguments=FIRST),
        part(0, "b", "f", ""),
        part(0, "", arguments="{}"),
    ],
    "a new id in each fragment": [
        part(0, "a", "f", HALVES[0]),
        part(0, "b", "f", HALVES[1]),
        part(1, "c", "f", "{"),
        part(1, "d", "f", "}"),
    ],
    "the same id in each fragment": [
        part(id="0", name="f", arguments=HALVES[0]),
        part(id="0", name="f", arguments=HALVES[1]),
        part(id="1", name="f", arguments="{}"),
    ],
    "empty and null": [
        part(0, "a", "f", None),
        part(0, "", None, FIRST),
        part(1, "b", "f", ""),
        part(1, None, "", "{}"),
    ],
    "the id before the name": [part(0, "a"), part(0, name="f"), part(0, arguments=FIRST), part(1, "b", "f")],
    "arguments as an object": [part(0, "a", "f", {"x": 1}), part(1, "b", "f")],
}


@pytest.mark.parametrize("fragments", MARKED.values(), ids=MARKED)
def test_calls_when_fragments_are_marked_otherwise_then_the_same_two(fragments: list[Chunk]) -> None:
    result = heard(*fragments, CALLED)

    assert result.calls == [("f", '{"x":1}'), ("f", "{}")]
    assert len({item["call_id"] for item in result.output}) == 2
    assert all(item["call_id"] for item in result.output)


def test_calls_when_whole_in_one_chunk_without_indexes_then_each_is_one() -> None:
    fragments = [{"id": each, "function": {"name": "f", "arguments": "{}"}} for each in "ab"]

    assert heard(chunk({"tool_calls": fragments}), CALLED).calls == [("f", "{}"), ("f", "{}")]


def test_calls_when_ids_are_missing_then_the_same_ones_whoever_assembles_again() -> None:
    fragment = called(index=0, name="f", arguments="{}")

    first, second = (heard(fragment, CALLED).output for _ in range(2))

    assert first[0]["call_id"].startswith("call_")
    assert first == second


def test_calls_when_of_the_time_before_tools_then_a_call() -> None:
    result = heard(
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}),
        chunk(reason="function_call"),
    )

    assert result.calls == [("f", "{}")]


def test_calls_when_text_comes_before_and_after_then_items_in_that_order() -> None:
    result = heard(
        chunk({"content": "a"}), part(0, "c", "f", "{"), chunk({"content": "b"}), part(0, arguments="}"), STOP
    )

    assert result.texts == [("message", "a"), ("function_call", "{}"), ("message", "b")]
    said = [event["type"].removeprefix("response.") for event in result.events]
    assert said.index("output_item.done") < said.index("output_item.added"), "a text ends where a call begins"


def test_call_when_of_a_custom_tool_then_its_input_is_the_text() -> None:
    result = heard(
        called(index=0, id="c", name="run", arguments='{"inp'),
        called(index=0, arguments='ut": "a\\nb"}'),
        CALLED,
        custom=frozenset({"run"}),
    )

    assert [(i["type"], i["name"], i["input"]) for i in result.output] == [
        ("custom_tool_call", "run", "a\nb")
    ]


def test_call_when_of_a_custom_tool_and_not_as_asked_then_its_input_as_it_came() -> None:
    result = heard(called(index=0, name="run", arguments="ls -l"), CALLED, custom=frozenset({"run"}))

    assert result.output[0]["input"] == "ls -l"


def test_call_when_signed_then_the_item_keeps_the_signature() -> None:
    signature = {"google": {"thought_signature": "s"}}

    result = heard(called(index=0, id="c", name="f", arguments="{}", extra_content=signature), CALLED)

    assert result.output[0]["extra_content"] == signature
