"""How a generation ends: well, early, badly, in nonsense, once."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import UpstreamError
from tests.unit.workers.assembler_events import (
    added,
    assembler,
    delta,
    ended,
    message,
    outcome,
    output,
    run,
)

# endings


def test_completed_when_usage_is_missing_then_zeros() -> None:
    target = assembler()

    run(target, ended())

    usage = outcome(target).usage
    assert usage is not None
    assert usage["total_tokens"] == usage["input_tokens_details"]["cached_tokens"] == 0


def test_incomplete_when_items_are_open_then_only_the_last_is_incomplete() -> None:
    target = assembler()
    calls = [added(i, type="function_call", name="f") for i in (0, 1)]

    run(target, *calls, ended("incomplete", incomplete_details={"reason": "content_filter"}))

    assert [item["status"] for item in output(target)] == ["completed", "incomplete"]
    assert outcome(target).response["incomplete_details"] == {"reason": "content_filter"}
    assert outcome(target).status == "incomplete"


@pytest.mark.parametrize(
    ("event", "code", "message_said"),
    [
        (
            ended("failed", error={"code": "rate_limit_exceeded", "message": "m"}),
            "rate_limit_exceeded",
            "upstream_failed: m",
        ),
        (ended("failed", error={"code": "odd", "message": "m"}), "server_error", "upstream_failed: m (odd)"),
        (ended("failed"), "server_error", "upstream_failed: no details were given"),
        (ended("cancelled"), "server_error", "upstream_cancelled: no details were given"),
        ({"type": "error", "message": "m", "code": None}, "server_error", "upstream_error: m"),
        ({"type": "error", "error": {"message": "m"}}, "server_error", "upstream_error: m"),
        ({"error": {"message": "m"}}, "server_error", "upstream_error: m"),
        ({"type": "response.completed", "response": {"status": "failed"}}, "server_error", None),
    ],
)
def test_failure_when_the_upstream_says_so_then_failed_with_its_words(
    event: dict[str, Any], code: str, message_said: str | None
) -> None:
    target = assembler()

    run(target, event)

    found = outcome(target)
    assert (found.status, found.error_code) == ("failed", code)
    assert message_said in (None, found.error_message)
    assert found.response["error"] == {"code": found.error_code, "message": found.error_message}


def test_events_when_after_the_end_then_ignored() -> None:
    target = assembler()
    run(target, ended())
    first = target.outcome

    assert target.feed(delta("late")) == target.feed(ended("failed")) == []
    assert target.outcome is first


def test_fail_when_items_are_open_then_incomplete_and_nothing_said() -> None:
    target = assembler()
    said = run(target, delta("ab"))

    target.fail("upstream_timeout", "silent for 120 s")

    assert target.next_sequence == said[-1]["sequence_number"] + 1
    assert outcome(target).response["status"] == "failed"
    assert output(target)[0]["status"] == "incomplete"
    assert output(target)[0]["content"][0]["text"] == "ab"
    assert outcome(target).error_message == "upstream_timeout: silent for 120 s"


def test_fail_when_it_has_ended_then_the_first_ending_stays() -> None:
    target = assembler()
    run(target, ended())

    target.fail("upstream_timeout", "late")

    assert outcome(target).status == "completed"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": 5},
        {"type": "response.novel\ndata: x"},
        {"type": "response.output_text.delta", "delta": 5},
        {"type": "response.output_text.delta", "delta": "x", "output_index": "0"},
        {"type": "response.output_item.added", "item": []},
        {"type": "response.output_item.added", "item": {"type": None}},
        {"type": "response.content_part.added", "part": {"type": []}},
        {"type": "response.completed", "response": []},
        {"type": "response.completed", "response": {"output": {}}},
        {"type": "response.completed", "response": {"output": ["x"]}},
        {"object": "response", "status": "in_progress", "output": []},
        {"object": "response", "status": [], "output": []},
    ],
)
def test_event_when_malformed_then_an_upstream_error(event: dict[str, Any]) -> None:
    target = assembler()

    with pytest.raises(UpstreamError, match="upstream_invalid_response"):
        target.feed(event)


def test_event_when_malformed_after_frames_were_numbered_then_they_are_given_and_it_has_failed() -> None:
    target = assembler()
    broken = {"type": "message", "content": [{"type": "output_text", "text": 5}]}

    said = run(target, ended(output=[message("a"), broken]))

    assert said[-1]["sequence_number"] + 1 == target.next_sequence
    assert outcome(target).status == "failed"


def test_items_when_beyond_any_sane_number_then_refused() -> None:
    target = assembler()
    for index in range(4096):
        target.feed(added(index, type="acme:x", id=str(index)))

    with pytest.raises(UpstreamError, match="upstream_invalid_response"):
        target.feed(added(4096, type="acme:x"))


def test_progress_when_an_item_begins_then_seen() -> None:
    target = assembler()

    run(target, added(0, type="message"))

    assert target.progressed
