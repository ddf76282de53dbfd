"""Streamed creates on the wire: framing, order, numbers, and the object inside every event."""

from __future__ import annotations

import pytest

from tests.support.contract import check_response
from tests.support.event_order import check_numbers, check_story, of_type, texts_of
from tests.support.stack import Stack
from tests.support.wire import create, create_stream, error_of, events_of, follow

TEXT_ORDER = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


def test_stream_when_text_is_generated_then_its_events_come_in_the_official_order(stack: Stack) -> None:
    events = events_of(create_stream(stack))

    check_story(events)
    kinds = [event["type"] for event in events]
    first_seen = list(dict.fromkeys(kinds))
    assert first_seen == TEXT_ORDER
    assert all(kinds.count(kind) == 1 for kind in TEXT_ORDER if kind != "response.output_text.delta")


def test_stream_when_words_come_one_by_one_then_each_is_a_delta(stack: Stack) -> None:
    events = events_of(create_stream(stack, model="mock-n30-i5"))

    assert len(of_type(events, "response.output_text.delta")) == 30


def test_stream_when_it_ended_then_get_shows_the_terminal_events_object(stack: Stack) -> None:
    events = events_of(create_stream(stack))

    stored = stack.request("GET", f"/responses/{events[0]['response']['id']}").json()

    assert stored == events[-1]["response"]
    assert stored["output"][0]["content"][0]["text"] == texts_of(events)


def test_stream_when_begun_then_its_headers_say_what_it_is(stack: Stack) -> None:
    answer = create_stream(stack)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "no-cache" in answer.headers["cache-control"]
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-request-id"]
    assert answer.content


def test_stream_when_read_raw_then_no_line_is_an_id_or_a_retry(stack: Stack) -> None:
    answer = create_stream(stack)

    fields = {line.partition(b":")[0] for line in answer.content.split(b"\n") if line}

    assert fields == {b"event", b"data"}


def test_stream_when_the_model_is_slow_then_the_first_event_comes_before_the_last_word(stack: Stack) -> None:
    with create_stream(stack, model="mock-n100-i20") as answer:
        lines = answer.iter_lines()
        first, data = next(lines), next(lines).decode()
        stored = stack.request("GET", f"/responses/{_id_in(data)}").json()

    assert first == b"event: response.created"
    assert stored["status"] in ("queued", "in_progress")


def test_stream_when_the_words_run_out_then_it_ends_incomplete(stack: Stack) -> None:
    events = events_of(create_stream(stack, model="mock-n50", max_output_tokens=16))

    assert check_story(events)["incomplete_details"] == {"reason": "max_output_tokens"}
    assert events[-2]["item"]["status"] == "incomplete"


def test_stream_when_the_request_is_wrong_then_it_is_an_http_error_and_no_stream(stack: Stack) -> None:
    answer = stack.request("POST", "/responses", json={"model": "plain", "input": 3, "stream": True})

    assert (answer.status_code, error_of(answer)["param"]) == (400, "input")


def test_stream_when_the_upstream_refuses_then_it_ends_as_failed(stack: Stack) -> None:
    events = events_of(create_stream(stack, model="plain!fault=refuse:400"))

    response = check_story(events)
    assert response["status"] == "failed"
    assert response["error"]["message"].startswith("upstream_refused: ")


def test_stream_when_created_blocking_then_it_can_be_replayed_all_the_same(stack: Stack) -> None:
    response = create(stack)

    events = follow(stack, response["id"])

    assert check_story(events) == response


def test_stream_when_background_and_stream_then_it_is_queued_first(stack: Stack) -> None:
    events = events_of(create_stream(stack, background=True))

    assert check_story(events, background=True)["background"] is True


def test_stream_when_the_wish_for_obfuscation_is_said_then_it_is_accepted(stack: Stack) -> None:
    events = events_of(create_stream(stack, stream_options={"include_obfuscation": False}))

    check_numbers(events, first=0)


def test_stream_when_text_is_not_ascii_then_it_arrives_as_it_was(stack: Stack) -> None:
    said = "naïve 漢字 🎉 \u2028 \x85 end"

    events = events_of(create_stream(stack, input=said))

    assert "naïve 漢字 🎉" in texts_of(events)


@pytest.mark.parametrize("after", [0, 3])
def test_follow_of_a_running_foreground_response_then_it_goes_to_the_end(stack: Stack, after: int) -> None:
    with create_stream(stack, model="mock-n40-i10") as answer:
        lines = answer.iter_lines()
        assert next(lines) == b"event: response.created"
        response_id = _id_in(next(lines).decode())

        running = check_response(stack.request("GET", f"/responses/{response_id}").json())
        events = follow(stack, response_id, after)

    assert running["status"] in ("queued", "in_progress")
    assert events[-1]["type"] == "response.completed"


def _id_in(data: str) -> str:
    """The response's id in a data line."""
    return data.split('"id":"')[1].split('"')[0]
