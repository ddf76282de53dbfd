"""Items as messages: whole turns, each call's output right after it, nothing lost without a remark."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import UpstreamError
from workers.providers.chat.history import messages

Item = dict[str, Any]


def said(role: str, *texts: str) -> Item:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text} for text in texts]}


def call(call_id: str, arguments: str = "{}", **more: Any) -> Item:
    return {"type": "function_call", "call_id": call_id, "name": "look", "arguments": arguments, **more}


def output(call_id: str, value: Any = "found") -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": value}


def sent(call_id: str, arguments: str = "{}") -> Item:
    return {"id": call_id, "type": "function", "function": {"name": "look", "arguments": arguments}}


def tool(call_id: str, text: str = "found") -> Item:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def test_messages_when_there_is_only_a_text_then_one_of_the_user() -> None:
    assert messages("hi", None) == [{"role": "user", "content": "hi"}]


def test_messages_when_there_are_instructions_and_developers_then_one_system_message_first() -> None:
    made = messages(
        [said("developer", "be brief"), said("user", "hi"), said("system", "now in verse")], "be kind"
    )

    assert made == [
        {"role": "system", "content": "be kind\n\nbe brief"},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "now in verse"},
    ]


def test_messages_when_a_turn_has_text_and_calls_then_one_message_and_each_output_after_it() -> None:
    made = messages(
        [said("user", "hi"), said("assistant", "one ", "moment"), call("c1"), call("c2"), output("c2", "b"),
         output("c1", "a"), said("assistant", "done")],
        None,
    )  # fmt: skip

    assert made == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "one moment", "tool_calls": [sent("c1"), sent("c2")]},
        tool("c1", "a"),
        tool("c2", "b"),
        {"role": "assistant", "content": "done"},
    ]


def test_messages_when_calls_follow_one_another_then_each_with_its_own_answer() -> None:
    made = messages([call("c1"), output("c1"), call("c2"), output("c2")], None)

    assert [m["role"] for m in made] == ["assistant", "tool", "assistant", "tool"]


def test_messages_when_an_output_comes_later_than_the_next_message_then_moved_to_its_call() -> None:
    made = messages([call("c1"), said("user", "hurry"), output("c1")], None)

    assert [m["role"] for m in made] == ["assistant", "tool", "user"]


def test_messages_when_a_server_counts_its_calls_from_zero_each_turn_then_each_has_its_own_output() -> None:
    made = messages([call("0"), output("0", "first"), call("0"), output("0", "second")], None)

    assert [m["content"] for m in made if m["role"] == "tool"] == ["first", "second"]


def test_messages_when_an_output_shows_images_then_they_follow_the_last_tool_message() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "high"}

    made = messages([call("c1"), call("c2"), output("c1", [image]), output("c2")], None)

    assert made[1:] == [
        tool("c1", "The output is in the next message."),
        tool("c2"),
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Output of the call c1:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "high"}},
            ],
        },
    ]


def test_messages_when_a_message_has_images_and_files_then_parts_of_their_own() -> None:
    parts = [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "https://host/a.png", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
    ]

    made = messages([{"role": "user", "content": parts}], None)

    assert made[0]["content"] == [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "https://host/a.png"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
    ]


def test_messages_when_an_earlier_turn_holds_a_part_without_a_word_then_a_remark_stands_for_it() -> None:
    made = messages([{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}], None)

    assert made == [{"role": "user", "content": "[input_image that is not available here]"}]


def test_messages_when_the_assistant_refused_then_its_words_are_kept() -> None:
    made = messages([{"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}], None)

    assert made == [{"role": "assistant", "content": "No."}]


def test_messages_when_a_custom_tool_was_called_then_a_function_of_its_input() -> None:
    custom = {"type": "custom_tool_call", "call_id": "c", "name": "look", "input": 'say "hi"'}
    answer = {"type": "custom_tool_call_output", "call_id": "c", "output": "found"}

    made = messages([custom, answer], None)

    assert made[0]["tool_calls"] == [sent("c", '{"input":"say \\"hi\\""}')]
    assert made[1] == tool("c")


def test_messages_when_a_call_has_no_arguments_then_an_empty_object() -> None:
    assert messages([call("c", ""), output("c")], None)[0]["tool_calls"] == [sent("c", "{}")]


def test_messages_when_a_call_carries_a_signature_then_it_goes_back() -> None:
    made = messages([call("c", extra_content={"google": {"thought_signature": "s"}}), output("c")], None)

    assert made[0]["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}


def test_messages_when_hosted_tools_left_items_then_none_of_them() -> None:
    items = [said("user", "hi"), {"type": "web_search_call", "action": {}}, said("assistant", "found")]

    assert [m["role"] for m in messages(items, None)] == ["user", "assistant"]


@pytest.mark.parametrize("field", ["", "reasoning_content", "reasoning"])
def test_messages_when_the_turn_reasoned_then_given_back_where_the_server_wants_it(field: str) -> None:
    reasoning = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}

    made = messages([reasoning, call("c"), output("c")], None, field)

    expected = {"role": "assistant", "content": None, "tool_calls": [sent("c")]}
    assert made[0] == (expected | {field: "hm"} if field else expected)


def test_messages_when_compacted_by_another_provider_then_a_refusal_not_a_gap() -> None:
    with pytest.raises(UpstreamError) as caught:
        messages([{"type": "compaction", "encrypted_content": "theirs"}], None)

    assert caught.value.refusal is not None
    assert caught.value.refusal["status"] == 400


@pytest.mark.parametrize("odd", [5, {"a": 1}, ["x"], [None]])
def test_messages_when_an_item_that_nobody_checked_is_odd_then_what_can_be_read_of_it(odd: Any) -> None:
    asked = {"type": "custom_tool_call", "call_id": "c", "name": "look", "input": "x"}
    reasoning = {"type": "reasoning", "summary": [], "content": odd}

    made = messages(
        [reasoning, asked, {"type": "custom_tool_call_output", "call_id": "c", "output": odd}],
        None,
        "reasoning",
    )

    assert made[1] == tool("c", "")
