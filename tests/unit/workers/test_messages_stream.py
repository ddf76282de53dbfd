"""A Messages stream as a Responses stream, event by event."""

from __future__ import annotations

import pytest

from shared.errors import UpstreamError
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
    translated,
)
from workers.providers.anthropic import seals
from workers.providers.anthropic.deltas import Translator
from workers.providers.anthropic.request import Reading
from workers.providers.anthropic.tools import ANSWER


def test_stream_when_texts_are_neighbours_then_parts_of_one_message() -> None:
    outcome = ended(opening(), text(0, "a", "b"), text(1), text(2, "c"), closing())

    assert [item["type"] for item in outcome.items] == ["message"]
    assert [part["text"] for part in outcome.items[0]["content"]] == ["ab", "c"]
    assert outcome.response["model"] == "claude-x"


def test_stream_when_a_tool_is_called_then_text_after_it_is_a_message_of_its_own() -> None:
    outcome = ended(opening(), text(0, "a"), tool(1, '{"x":', "1}"), text(2, "b"), closing("tool_use"))

    assert [item["type"] for item in outcome.items] == ["message", "function_call", "message"]
    assert outcome.items[1]["call_id"] == "toolu_1"
    assert outcome.items[1]["arguments"] == '{"x":1}'


@pytest.mark.parametrize("pieces", [(), ("",)])
def test_stream_when_a_tool_takes_nothing_then_its_arguments_are_an_object(pieces: tuple[str, ...]) -> None:
    assert ended(opening(), tool(0, *pieces), closing("tool_use")).items[0]["arguments"] == "{}"


def test_stream_when_tools_are_called_in_parallel_then_an_item_each() -> None:
    outcome = ended(opening(), tool(0, "{}"), tool(1, '{"y":2}'), closing("tool_use"))

    assert [item["arguments"] for item in outcome.items] == ["{}", '{"y":2}']


def test_stream_when_it_thinks_then_a_summary_and_the_whole_of_it_sealed() -> None:
    outcome = ended(opening(), thinking(0, "h", "m"), text(1, "a"), closing())

    assert outcome.items[0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert seals.opened(outcome.items[0]["encrypted_content"]) == {
        "type": "thinking",
        "thinking": "hm",
        "signature": "sig",
    }


def test_stream_when_thinking_is_not_shown_then_sealed_all_the_same() -> None:
    outcome = ended(opening(), thinking(0), closing())

    assert outcome.items[0]["summary"] == []
    assert seals.opened(outcome.items[0]["encrypted_content"]) is not None


def test_stream_when_thinking_is_redacted_then_sealed() -> None:
    outcome = ended(opening(), block(0, {"type": "redacted_thinking", "data": "zzz"}), closing())

    assert seals.opened(outcome.items[0]["encrypted_content"]) == {"type": "redacted_thinking", "data": "zzz"}


def test_stream_when_thinking_is_not_signed_then_not_sealed() -> None:
    outcome = ended(opening(), thinking(0, "hm", signature=""), closing())

    assert outcome.items[0].get("encrypted_content") is None


def test_stream_when_the_answer_is_a_call_then_it_is_text() -> None:
    outcome = ended(opening(), tool(0, '{"a":', "1}", name=ANSWER), closing("tool_use"))

    assert outcome.items[0]["content"][0]["text"] == '{"a":1}'


def test_stream_when_a_custom_tool_is_called_then_its_text_is_taken_out() -> None:
    outcome = ended(opening(), tool(0, '{"input":"*** ', 'Begin"}', name="patch"), closing("tool_use"))

    assert outcome.items[0]["type"] == "custom_tool_call"
    assert outcome.items[0]["input"] == "*** Begin"


@pytest.mark.parametrize(
    ("stop_reason", "status", "reason"),
    [
        ("end_turn", "completed", None),
        ("stop_sequence", "completed", None),
        ("tool_use", "completed", None),
        ("a_later_one", "completed", None),
        ("max_tokens", "incomplete", "max_output_tokens"),
        ("model_context_window_exceeded", "incomplete", "max_output_tokens"),
        ("pause_turn", "incomplete", "max_output_tokens"),
    ],
)
def test_stream_when_it_stops_then_the_status_for_that(
    stop_reason: str, status: str, reason: str | None
) -> None:
    outcome = ended(opening(), text(0, "a"), closing(stop_reason))

    assert outcome.status == status
    assert (outcome.response["incomplete_details"] or {}).get("reason") == reason


def test_stream_when_a_call_is_cut_by_the_limit_then_it_is_incomplete() -> None:
    outcome = ended(opening(), tool(0, '{"x":1}'), tool(1, '{"x":'), closing("max_tokens"))

    assert [item["status"] for item in outcome.items] == ["completed", "incomplete"]


@pytest.mark.parametrize(
    "details", [None, {"type": "refusal", "category": "bio", "explanation": "Not that."}]
)
def test_stream_when_the_model_refuses_then_a_refusal_part(details: Event | None) -> None:
    outcome = ended(opening(), text(0, "Well"), closing("refusal", stop_details=details))

    parts = outcome.items[0]["content"]
    assert outcome.status == "completed"
    assert [part["type"] for part in parts] == ["output_text", "refusal"]
    assert parts[1]["refusal"] == ("Not that." if details else "The model declined to answer.")


def test_usage_when_a_cache_was_used_then_in_the_total_and_in_the_details() -> None:
    first = opening(cache_read_input_tokens=10, cache_creation_input_tokens=20, service_tier="priority")
    end = closing()
    end[0]["usage"]["output_tokens_details"] = {"thinking_tokens": 5}

    outcome = ended(first, text(0, "a"), end)

    assert outcome.usage == {
        "input_tokens": 33,
        "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 20},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 40,
    }
    assert outcome.response["service_tier"] == "priority"


def test_stream_when_reasoning_was_left_out_then_the_response_says_so() -> None:
    outcome = ended(opening(), text(0, "a"), closing(), reading=Reading(unthought=True))

    assert outcome.response["reasoning"]["effort"] == "none"


@pytest.mark.parametrize(
    ("kind", "reason", "code"),
    [
        ("overloaded_error", "upstream_overloaded", "server_error"),
        ("rate_limit_error", "upstream_rate_limited", "rate_limit_exceeded"),
        ("api_error", "upstream_error", "server_error"),
        ("authentication_error", "upstream_auth", "server_error"),
        ("some_new_error", "upstream_error", "server_error"),
    ],
)
@pytest.mark.parametrize("begun", [True, False])
def test_error_when_inside_the_stream_then_by_its_type_and_a_refusal_only_before_anything(
    kind: str, reason: str, code: str, begun: bool
) -> None:
    translator = Translator(READING)
    if begun:
        translator.hear(opening())

    with pytest.raises(UpstreamError) as raised:
        translator.hear({"type": "error", "error": {"type": kind, "message": "key sk-secret"}})

    assert (raised.value.reason, raised.value.code) == (reason, code)
    assert (raised.value.refusal is None) is begun
    assert "secret" not in raised.value.message


@pytest.mark.parametrize("missing", ["message_stop", "message_delta"])
def test_stream_when_it_ends_early_then_ended_only_if_it_had_said_why(missing: str) -> None:
    events = [opening(), *text(0, "a"), *closing()]
    events = events[: [event["type"] for event in events].index(missing)]

    endings = [e["type"] for e in translated(events) if e["type"] == "response.completed"]

    assert endings == (["response.completed"] if missing == "message_stop" else [])


def test_stream_when_it_has_what_we_do_not_know_then_left_out() -> None:
    citation = {"type": "citations_delta", "citation": {"type": "char_location"}}
    events = [
        opening(),
        {"type": "ping"},
        {"type": "news", "x": 1},
        *block(0, {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
        *block(1, {"type": "text", "text": "a"}, citation, {"type": "text_delta", "text": "b"}),
        {"type": "content_block_delta", "index": 1, "delta": None},
        *closing(),
    ]

    assert [p["text"] for p in ended(events).items[0]["content"]] == ["ab"]


def test_delta_when_its_type_is_no_word_then_refused_as_invalid() -> None:
    with pytest.raises(UpstreamError) as caught:
        translated([opening(), {"type": "content_block_delta", "index": 0, "delta": {"type": []}}])

    assert caught.value.reason == "upstream_invalid_response"
