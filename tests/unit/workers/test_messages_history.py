"""Items as turns of Anthropic's Messages: whatever the order of the items, the turns are legal."""

from __future__ import annotations

import base64
import re
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.providers.anthropic import seals
from workers.providers.anthropic.history import GO_ON, OPENING, Conversation

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "sig"}
Item = dict[str, Any]


def said(role: str, text: str) -> Item:
    return {"type": "message", "role": role, "content": text}


def call(call_id: str = "c1", arguments: str = '{"city":"Paris"}', **more: Any) -> Item:
    return {"type": "function_call", "call_id": call_id, "name": "look", "arguments": arguments, **more}


def output(call_id: str = "c1", value: Any = "sunny") -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": value}


def reasoning(block: Item | None = None) -> Item:
    return {"type": "reasoning", "summary": [], "encrypted_content": seals.sealed(block or THOUGHT)}


def turns(*items: Item, instructions: str | None = None) -> list[tuple[str, list[Item]]]:
    made = Conversation(instructions, list(items))
    return [(message["role"], message["content"]) for message in made.messages]


def kinds(*items: Item) -> list[tuple[str, list[str]]]:
    return [(role, [block["type"] for block in content]) for role, content in turns(*items)]


def text(value: str) -> Item:
    return {"type": "text", "text": value}


def test_history_when_input_is_a_string_then_one_user_turn() -> None:
    made = Conversation("Be brief.", "hi")

    assert made.system == "Be brief."
    assert made.messages == [{"role": "user", "content": [text("hi")]}]


def test_history_when_system_and_developer_come_first_then_they_are_the_system_prompt() -> None:
    made = Conversation("One.", [said("system", "Two."), said("developer", "Three."), said("user", "hi")])

    assert made.system == "One.\n\nTwo.\n\nThree."
    assert len(made.messages) == 1


def test_history_when_a_developer_speaks_later_then_where_it_was_said_and_marked() -> None:
    made = turns(said("user", "hi"), said("assistant", "yes"), said("developer", "Now in French."))

    assert made[-1] == ("user", [text("<system_message>\nNow in French.\n</system_message>")])


def test_history_when_one_role_speaks_twice_then_one_turn() -> None:
    assert kinds(said("user", "a"), said("user", "b"), said("assistant", "c"), said("user", "d")) == [
        ("user", ["text", "text"]),
        ("assistant", ["text"]),
        ("user", ["text"]),
    ]


def test_history_when_tools_were_called_in_parallel_then_answered_together_and_first() -> None:
    made = kinds(
        said("user", "go"),
        call("c1"),
        call("c2"),
        said("developer", "note"),
        output("c2"),
        output("c1"),
        said("user", "more"),
    )

    assert made == [
        ("user", ["text"]),
        ("assistant", ["tool_use", "tool_use"]),
        ("user", ["tool_result", "tool_result", "text", "text"]),
    ]


def test_history_when_calls_were_answered_one_by_one_then_turns_of_their_own() -> None:
    assert kinds(said("user", "go"), call("c1"), output("c1"), call("c2"), output("c2")) == [
        ("user", ["text"]),
        ("assistant", ["tool_use"]),
        ("user", ["tool_result"]),
        ("assistant", ["tool_use"]),
        ("user", ["tool_result"]),
    ]


def test_history_when_the_assistant_spoke_after_its_call_then_the_call_is_last() -> None:
    made = kinds(said("user", "go"), reasoning(), call(), said("assistant", "wait"), output())

    assert made[1] == ("assistant", ["thinking", "text", "tool_use"])


def test_history_when_thinking_stood_between_calls_then_it_stays_there() -> None:
    made = kinds(
        said("user", "go"), reasoning(), call("c1"), reasoning(), call("c2"), output("c1"), output("c2")
    )

    assert made[1] == ("assistant", ["thinking", "tool_use", "thinking", "tool_use"])


@pytest.mark.parametrize("block", [THOUGHT, {"type": "redacted_thinking", "data": "x"}])
def test_history_when_thinking_comes_back_then_word_for_word_before_its_call(block: Item) -> None:
    made = turns(said("user", "go"), reasoning(block), call(), output())

    assert made[1][1][0] == block


@pytest.mark.parametrize(
    "content",
    [
        None,
        "gAAAAfromelsewhere",
        seals.PREFIX + "not base64",
        seals.PREFIX + base64.b64encode(b"[]").decode(),
        seals.PREFIX + base64.b64encode(orjson.dumps({"type": "text", "text": "x"})).decode(),
        seals.PREFIX + base64.b64encode(orjson.dumps({"type": "thinking", "thinking": 1})).decode(),
    ],
)
def test_history_when_reasoning_is_not_of_this_form_then_left_out(content: str | None) -> None:
    item: Item = {"type": "reasoning", "summary": [], "encrypted_content": content}

    assert kinds(said("user", "go"), item, call(), output())[1] == ("assistant", ["tool_use"])


def test_history_when_thinking_led_to_nothing_then_left_out() -> None:
    assert kinds(said("user", "a"), reasoning(), said("user", "b")) == [("user", ["text", "text"])]


def test_history_when_a_call_has_no_output_then_left_out() -> None:
    assert kinds(said("user", "go"), call("lost"), said("user", "again")) == [("user", ["text", "text"])]


def test_history_when_an_output_has_no_call_then_told_as_text() -> None:
    assert turns(said("user", "go"), output("gone", "42")) == [("user", [text("go"), text("42")])]


def test_history_when_it_starts_and_ends_with_the_assistant_then_the_user_opens_and_goes_on() -> None:
    assert turns(said("assistant", "Welcome. ")) == [
        ("user", [text(OPENING)]),
        ("assistant", [text("Welcome. ")]),
        ("user", [text(GO_ON)]),
    ]


def test_history_when_nothing_is_said_then_one_turn_all_the_same() -> None:
    assert [role for role, _ in turns(said("developer", "Greet me."))] == ["user"]


def test_history_when_texts_are_blank_then_left_out() -> None:
    assert turns(said("user", "  \n"), said("user", "x")) == [("user", [text("x")])]


def test_history_when_a_call_id_cannot_stand_there_then_the_same_other_one_for_both() -> None:
    made = turns(said("user", "go"), call("functions.look:0"), output("functions.look:0"))

    call_id = made[1][1][0]["id"]
    assert re.fullmatch(r"call_[0-9a-f]{32}", call_id)
    assert made[2][1][0]["tool_use_id"] == call_id


def test_history_when_a_call_id_comes_twice_then_each_has_its_own() -> None:
    made = turns(said("user", "go"), call("c"), output("c", "1"), call("c"), output("c", "2"))

    answered = [block for _, content in made for block in content if block["type"] == "tool_result"]
    assert [(block["tool_use_id"], block["content"]) for block in answered] == [("c", "1"), ("c_2", "2")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"a":1}', {"a": 1}),
        ("", {}),
        ("[1]", {"arguments": "[1]"}),
        ("{broken", {"arguments": "{broken"}),
    ],
)
def test_history_when_arguments_are_no_object_then_kept_in_one(arguments: str, expected: Item) -> None:
    made = turns(said("user", "go"), call(arguments=arguments), output())

    assert made[1][1][0]["input"] == expected


def test_history_when_a_custom_tool_was_called_then_its_text_is_the_input() -> None:
    custom = {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "*** Begin"}
    answered = {"type": "custom_tool_call_output", "call_id": "c", "output": "done"}

    made = turns(said("user", "go"), custom, answered)

    assert made[1][1] == [{"type": "tool_use", "id": "c", "name": "patch", "input": {"input": "*** Begin"}}]
    assert made[2][1] == [{"type": "tool_result", "tool_use_id": "c", "content": "done"}]


def test_turn_when_it_goes_on_with_calls_that_no_thinking_led_to_then_said_so() -> None:
    foreign = Conversation(None, [said("user", "go"), call(), output()])
    thought = Conversation(
        None, [said("user", "go"), reasoning(), call("a"), output("a"), call("b"), output("b")]
    )
    fresh = Conversation(
        None, [said("user", "go"), call(), output(), said("assistant", "x"), said("user", "y")]
    )

    assert [c.goes_on_unthought for c in (foreign, thought, fresh)] == [True, False, False]


IDS = st.sampled_from(["a", "b", "c.d"])
ITEMS = st.lists(
    st.one_of(
        st.builds(
            said, st.sampled_from(["user", "assistant", "system", "developer"]), st.sampled_from(["x", " "])
        ),
        st.builds(call, IDS),
        st.builds(output, IDS, st.sampled_from(["", "y"])),
        st.builds(reasoning),
        st.just({"type": "web_search_call", "id": "ws_1"}),
    ),
    max_size=12,
)


@settings(max_examples=400, deadline=None)
@given(items=ITEMS)
def test_history_when_items_come_in_any_order_then_legal_turns(items: list[Item]) -> None:
    made = turns(*items)

    roles = [role for role, _ in made]
    assert roles == ["user", "assistant"] * (len(made) // 2) + ["user"]
    waiting: list[str] = []
    seen: set[str] = set()
    for role, content in made:
        found = [block["type"] for block in content]
        assert found
        results = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
        assert results == waiting
        assert found[: len(results)] == ["tool_result"] * len(results)
        waiting = [block["id"] for block in content if block["type"] == "tool_use"]
        assert not waiting or found[-1] == "tool_use"
        assert role == "user" or found[-1] not in ("thinking", "redacted_thinking")
        assert len(set(waiting)) == len(waiting) and not seen & set(waiting)
        seen |= set(waiting)
    assert not waiting
