"""How a chat answer ends: its status, its usage, the errors within it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import UpstreamError
from tests.unit.workers.chat_chunks import COUNTED, Chunk, Heard, called, chunk, heard, usage
from workers.providers.chat.answers import Answer

STOP = chunk(reason="stop")


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "eos", "end_turn"])
def test_end_when_of_the_models_own_then_completed(reason: str) -> None:
    assert heard(chunk({"content": "a"}), chunk(reason=reason)).response["status"] == "completed"


@pytest.mark.parametrize(
    ("reason", "why"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_end_when_it_was_stopped_then_incomplete_with_the_reason(reason: str, why: str) -> None:
    response = heard(chunk({"content": "a"}), chunk(reason=reason)).response

    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": why})
    assert response["output"][0]["status"] == "incomplete"


def test_end_when_stopped_within_a_call_then_only_that_call_is_incomplete() -> None:
    result = heard(
        chunk({"content": "a"}),
        called(index=0, id="a", name="f", arguments="{}"),
        called(index=1, id="b", name="f", arguments='{"x'),
        chunk(reason="length"),
    )

    assert [item["status"] for item in result.output] == ["completed", "completed", "incomplete"]


@pytest.mark.parametrize("empty", ["", "null", None])
def test_end_when_chunks_carry_empty_reasons_then_they_end_nothing(empty: Any) -> None:
    assert not Heard(Answer()).feed(chunk({"content": "a"}, empty)).answer.finished


def test_end_when_the_stream_says_done_without_a_reason_then_completed() -> None:
    assert heard(chunk({"content": "a"})).response["status"] == "completed"


@pytest.mark.parametrize(
    ("chunks", "done"), [([chunk({"content": "a"})], False), ([chunk({"role": "assistant"})], True)]
)
def test_end_when_cut_off_or_empty_then_no_terminal_event(chunks: list[Chunk], done: bool) -> None:
    assert Heard(Answer()).feed(*chunks).end(done=done).assembler.outcome is None


def test_end_when_the_connection_closes_after_the_reason_then_completed() -> None:
    assert Heard(Answer()).feed(STOP).end(done=False).response["status"] == "completed"


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource"])
def test_end_when_the_server_broke_off_then_failed(reason: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        heard(chunk({"content": "a"}), chunk(reason=reason))

    assert caught.value.reason == "upstream_error"


# usage


@pytest.mark.parametrize(
    "chunks",
    [
        [STOP, {"choices": [], "usage": COUNTED}],
        [chunk({"content": "a"}, usage=None), chunk(reason="stop", usage=COUNTED)],
        [chunk({"content": "a"}, usage=usage(7, 1, 8)), STOP, {"choices": [], "usage": COUNTED}],
        [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": COUNTED}]}],
        [chunk(reason="stop", x_groq={"usage": COUNTED})],
        [STOP, {"choices": None, "usage": COUNTED}, {"choices": [], "usage": None}],
    ],
)
def test_usage_when_it_comes_at_last_then_counted(chunks: list[Chunk]) -> None:
    assert heard(*chunks).response["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 12,
    }


@pytest.mark.parametrize("key", ["prompt_cache_hit_tokens", "cached_tokens"])
def test_usage_when_the_cache_is_counted_elsewhere_then_in_its_place(key: str) -> None:
    response = heard(STOP, {"choices": [], "usage": usage(7, 5, 12, **{key: 3})}).response

    assert response["usage"]["input_tokens_details"]["cached_tokens"] == 3


def test_usage_when_it_never_comes_then_zeros_that_clients_can_read() -> None:
    assert heard(chunk({"content": "a"}), STOP).response["usage"]["total_tokens"] == 0


def test_model_when_the_server_resolves_it_then_told() -> None:
    response = heard(chunk({"content": "a"}, model="m-2024", service_tier="flex"), STOP).response

    assert (response["model"], response["service_tier"]) == ("m-2024", "flex")


# errors


@pytest.mark.parametrize(
    ("error", "reason", "code", "status"),
    [
        ({"error": {"code": 429, "message": "m"}}, "upstream_rate_limited", "rate_limit_exceeded", 429),
        ({"error": {"code": None, "type": "tokens"}}, "upstream_rate_limited", "rate_limit_exceeded", 429),
        ({"error": {"code": "503", "message": "m"}}, "upstream_overloaded", "server_error", 503),
        ({"error": "busy", "error_type": "overloaded"}, "upstream_overloaded", "server_error", 503),
        ({"error": {"type": "BadRequestError", "code": 400}}, "upstream_refused", "server_error", 400),
        (
            {"object": "error", "type": "BadRequestError", "code": 400},
            "upstream_refused",
            "server_error",
            400,
        ),
        ({"error": {"code": "context_length_exceeded"}}, "upstream_refused", "context_length_exceeded", 400),
        ({"error": {"type": "server_error", "code": "server_error"}}, "upstream_error", "server_error", None),
        ({"error": {"code": 401}}, "upstream_auth", "server_error", None),
        ({"choices": [{"index": 0, "error": {"code": 502}}]}, "upstream_error", "server_error", None),
    ],
)
def test_error_when_it_comes_first_then_mapped_by_its_structure(
    error: Chunk, reason: str, code: str, status: int | None
) -> None:
    with pytest.raises(UpstreamError) as caught:
        Answer().feed(error)

    refusal = caught.value.refusal
    assert (caught.value.reason, caught.value.code) == (reason, code)
    assert (refusal["upstream_status"] if refusal else None) == status


@pytest.mark.parametrize("code", [400, 429, 503])
def test_error_when_something_was_generated_then_no_refusal_that_could_be_tried_again(code: int) -> None:
    answer = Answer()
    answer.feed(chunk({"content": "a"}))

    with pytest.raises(UpstreamError) as caught:
        answer.feed({"error": {"code": code, "message": "m"}})

    assert caught.value.refusal is None


def test_error_when_the_answer_had_begun_without_words_then_no_refusal_either() -> None:
    answer = Answer()
    answer.feed(chunk({"role": "assistant", "content": ""}))

    with pytest.raises(UpstreamError) as caught:
        answer.feed({"error": {"code": 503, "message": "m"}})

    assert caught.value.refusal is None


def test_error_when_it_comes_with_what_was_generated_then_no_refusal_either() -> None:
    cut = {"index": 0, "message": {"content": "half"}, "error": {"code": 429}, "finish_reason": "error"}

    with pytest.raises(UpstreamError) as caught:
        Answer().whole({"choices": [cut]})

    assert caught.value.refusal is None


@pytest.mark.parametrize("code", [401, 403, 500, 502, None])
def test_error_when_it_is_not_the_clients_then_its_words_are_not_shown(code: int | None) -> None:
    with pytest.raises(UpstreamError) as caught:
        Answer().feed({"error": {"code": code, "message": "key sk-secret of host-7"}})

    assert "secret" not in str(caught.value)


def test_error_when_only_the_events_name_tells_then_heard() -> None:
    with pytest.raises(UpstreamError):
        Answer().feed({"message": "m", "code": 500}, "error")


@pytest.mark.parametrize(
    "broken",
    [
        {"choices": {}},
        {"choices": [1]},
        {"choices": [{"delta": "x"}]},
        chunk({"content": 5}),
        chunk({"content": ["x"]}),
        chunk({"tool_calls": ["x"]}),
        chunk({"tool_calls": [{"index": "0"}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": 5}}]}),
    ],
)
def test_chunk_when_it_cannot_be_understood_then_refused_as_invalid(broken: Chunk) -> None:
    with pytest.raises(UpstreamError) as caught:
        Answer().feed(broken)

    assert caught.value.reason == "upstream_invalid_response"


@pytest.mark.parametrize(
    "empty",
    [
        {},
        {"choices": []},
        {"choices": [], "prompt_filter_results": [{}]},
        {"choices": [{"index": 0, "delta": None}]},
        chunk({"content": None, "tool_calls": None, "refusal": None, "function_call": None, "role": None}),
    ],
)
def test_chunk_when_it_says_nothing_then_no_events(empty: Chunk) -> None:
    assert Answer().feed(empty) == []
