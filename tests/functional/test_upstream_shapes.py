"""Incomplete and faulty upstreams: what comes out is legal, and what breaks off is failed, with 200."""

from __future__ import annotations

import pytest

from tests.support.contract import Json, check_frames, check_response
from tests.support.event_order import check_story, texts_of
from tests.support.stack import Stack
from tests.support.wire import create, create_stream, events_of, replay
from upstream.directives import QUIRKS

# decided before or after the store: one of the two databases is enough
pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")

WEATHER: Json = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
    },
}
SHAPES: dict[str, Json] = {
    "text": {"input": "hello"},
    "tool": {"input": "What is the weather in Oslo?", "tools": [WEATHER]},
    "reasoning": {"input": "hello", "reasoning": {"effort": "low"}},
}
# what is odd but whole, and what the answer then holds
ODD = ("bad_utf8", "nul", "surrogate", "bom", "crlf", "cr", "no_space", "dup_terminal", "after_terminal")
# fault -> the reason that opens the error's message
BROKEN = {
    "reset:3": "upstream_disconnected",
    "truncate:3": "upstream_disconnected",
    "cut:3": "upstream_incomplete",
    "cut:0": "upstream_incomplete",
    "garbage": "upstream_invalid_response",
    "wrong_content_type": "upstream_invalid_response",
    "gzip_bomb": "upstream_invalid_response",
    "error_event:3": "upstream_error",
    "failed:3": "upstream_failed",
    "stall_before_headers": "upstream_timeout",
    "stall_after_headers": "upstream_timeout",
    "stall_mid:3": "upstream_timeout",
    "comments_only": "upstream_timeout",
    "drip": "upstream_timeout",
}


@pytest.mark.parametrize("quirk", sorted(QUIRKS))
@pytest.mark.parametrize("shape", SHAPES)
def test_stream_when_the_upstream_is_incomplete_then_ours_is_whole(
    stack: Stack, quirk: str, shape: str
) -> None:
    events = events_of(create_stream(stack, model=f"plain!quirk={quirk}", **SHAPES[shape]))

    response = check_story(events)
    assert response["status"] == "completed"
    kinds = [item["type"] for item in response["output"]]
    assert (
        kinds
        == {"text": ["message"], "tool": ["function_call"], "reasoning": ["reasoning", "message"]}[shape]
    )


@pytest.fixture(scope="module")
def healthy(stack: Stack) -> str:
    """What a healthy upstream says."""
    text: str = create(stack)["output"][0]["content"][0]["text"]
    return text


@pytest.mark.parametrize("quirk", sorted(QUIRKS - {"other_final"}))
def test_create_when_the_upstream_is_incomplete_then_the_text_is_whole(
    stack: Stack, healthy: str, quirk: str
) -> None:
    response = check_response(create(stack, model=f"plain!quirk={quirk}"))

    assert response["output"][0]["content"][0]["text"] == healthy


def test_create_when_the_upstreams_last_word_contradicts_it_then_what_was_streamed_stands(
    stack: Stack, healthy: str
) -> None:
    response = check_response(create(stack, model="plain!quirk=other_final"))

    assert response["output"][0]["content"][0]["text"] == healthy


def test_stream_when_every_quirk_comes_at_once_then_ours_is_whole(stack: Stack) -> None:
    quirks = (
        "no_sequence",
        "no_ids",
        "no_done",
        "no_event_lines",
        "small_envelope",
        "no_added_parts",
        "no_usage",
    )

    events = events_of(create_stream(stack, model="plain!" + "&".join(f"quirk={quirk}" for quirk in quirks)))

    assert "hello" in texts_of(events)
    assert check_story(events)["status"] == "completed"


@pytest.mark.parametrize("fault", [*ODD, "missing_created"])
def test_stream_when_the_upstreams_bytes_are_odd_then_ours_are_not(stack: Stack, fault: str) -> None:
    events = events_of(create_stream(stack, model=f"plain!fault={fault}"))

    assert check_story(events)["status"] == "completed"
    assert "scripted upstream" in texts_of(events)
    assert "\0" not in texts_of(events)


def test_stream_when_one_event_is_a_megabyte_then_it_arrives(stack: Stack) -> None:
    events = events_of(create_stream(stack, model="plain!fault=big_event:1000000"))

    assert len(texts_of(events)) > 1_000_000
    check_story(events)


@pytest.fixture(scope="module")
def broken(stack: Stack) -> dict[str, str]:
    """A background response for every way to break, all begun at once: some take their deadline."""
    return {fault: create(stack, model=f"mock-n10!fault={fault}", background=True)["id"] for fault in BROKEN}


@pytest.mark.parametrize("fault", BROKEN)
def test_background_when_the_upstream_breaks_off_then_the_stream_ends_as_failed(
    stack: Stack, broken: dict[str, str], fault: str
) -> None:
    events = check_frames(replay(stack, broken[fault]))

    response = check_story(events, background=True)
    assert response["status"] == "failed"
    assert response["error"]["message"].split(":")[0] == BROKEN[fault]


@pytest.mark.parametrize("fault", BROKEN)
def test_background_when_the_upstream_breaks_off_then_it_is_not_paid_again(
    stack: Stack, broken: dict[str, str], fault: str
) -> None:
    replay(stack, broken[fault])

    assert len(stack.calls(broken[fault])) == 1


@pytest.mark.parametrize("fault", ["reset:3", "cut:3", "garbage", "error_event:3", "failed:3"])
def test_create_when_the_upstream_breaks_off_then_200_with_the_failed_object(
    stack: Stack, fault: str
) -> None:
    response = check_response(create(stack, model=f"mock-n10!fault={fault}"))

    assert response["status"] == "failed"
    assert stack.request("GET", f"/responses/{response['id']}").json() == response


def test_create_when_it_broke_off_then_the_text_so_far_is_kept(stack: Stack) -> None:
    response = create(stack, model="mock-n10!fault=cut:3")

    (message,) = response["output"]
    assert (message["status"], len(message["content"][0]["text"].split())) == ("incomplete", 3)


def test_create_when_nobody_listens_then_failed_and_never_billed(stack: Stack) -> None:
    response = check_response(create(stack, model="down/plain"))

    assert response["error"]["message"].startswith("upstream_unreachable: ")
    assert stack.calls(response["id"]) == []
