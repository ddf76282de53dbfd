"""What goes wrong upstream looks the same whatever dialect it was said in."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.dialects.asking import MODES, Target
from tests.dialects.conftest import BROKEN
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import error_of

pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")

# the upstream's status -> ours, type, and the reason a background response fails for
REFUSALS = [
    (400, 400, "invalid_request_error", "upstream_refused"),
    (404, 404, "invalid_request_error", "upstream_refused"),
    (413, 413, "invalid_request_error", "upstream_refused"),
    (429, 429, "rate_limit_error", "upstream_rate_limited"),
    (401, 502, "server_error", "upstream_auth"),
    (403, 502, "server_error", "upstream_auth"),
    (500, 502, "server_error", "upstream_error"),
    (503, 503, "server_error", "upstream_overloaded"),
    (529, 503, "server_error", "upstream_overloaded"),
]
# what breaks an answer off -> why it failed: as a stream, and as a whole answer
BREAKS = {
    "cut:3": ("upstream_incomplete", "upstream_disconnected"),
    "reset:3": ("upstream_disconnected", "upstream_disconnected"),
    "truncate:3": ("upstream_disconnected", "upstream_disconnected"),
    "garbage": ("upstream_invalid_response", "upstream_invalid_response"),
    "wrong_content_type": ("upstream_invalid_response", "upstream_invalid_response"),
    "gzip_bomb": ("upstream_invalid_response", "upstream_invalid_response"),
    "stall_before_headers": ("upstream_timeout", "upstream_timeout"),
    "stall_after_headers": ("upstream_timeout", "upstream_timeout"),
    "stall_mid:3": ("upstream_timeout", "upstream_timeout"),
    "drip:1": ("upstream_timeout", "upstream_timeout"),
    "redirect:/": ("upstream_error", "upstream_error"),
    "html:502": ("upstream_error", "upstream_error"),
}
SLOW = "words=900&pace=20"  # eighteen seconds: never to its end here


@pytest.mark.parametrize(("theirs", "ours", "kind", "reason"), REFUSALS)
def test_blocking_when_the_upstream_refuses_then_its_status_in_our_envelope(
    target: Target, theirs: int, ours: int, kind: str, reason: str
) -> None:
    body = {"model": target.named(f"fault=refuse:{theirs}:7"), "input": "hi"}

    answer = target.stack.request("POST", "/responses", json=body)

    error = error_of(answer)
    assert (answer.status_code, error["type"]) == (ours, kind)
    if ours in (429, 503):
        assert answer.headers["retry-after"] == "7"
    if ours >= 500:
        assert (error["code"], answer.headers["x-should-retry"]) == (reason, "false")


@pytest.mark.parametrize(("theirs", "ours", "kind", "reason"), REFUSALS)
def test_stream_when_the_upstream_refuses_then_it_ends_as_failed(
    target: Target, theirs: int, ours: int, kind: str, reason: str
) -> None:
    mode = "background" if target.whole else "streamed"

    told = target.ask(mode, f"fault=refuse:{theirs}")

    assert (told.status, reason_of(told.response)) == ("failed", reason)
    assert told.response["error"]["code"] == ("rate_limit_exceeded" if theirs == 429 else "server_error")


def test_sdk_when_the_upstream_is_at_its_limit_then_it_raises_the_right_error(target: Target) -> None:
    with pytest.raises(openai.RateLimitError):
        target.client.responses.create(model=target.named("fault=refuse:429"), input="hi")


@pytest.fixture(scope="module")
def broken(stack: Stack, client: OpenAI) -> dict[tuple[str, str], str]:
    """A background response for every way to break off, all begun at once: some take their deadline."""
    targets = [Target(stack, client, model) for model in BROKEN]
    return {
        (target.model, fault): target.begin(f"words=4&fault={fault}")
        for fault in BREAKS
        for target in targets
    }


@pytest.mark.parametrize("fault", BREAKS)
@pytest.mark.parametrize("model", BROKEN)
def test_background_when_the_upstream_breaks_off_then_failed_and_paid_once(
    stack: Stack, client: OpenAI, broken: dict[tuple[str, str], str], model: str, fault: str
) -> None:
    target, response_id = Target(stack, client, model), broken[model, fault]

    told = target.told(response_id, background=True)

    assert (told.status, reason_of(told.response)) == ("failed", BREAKS[fault][target.whole])
    assert len(stack.calls(response_id)) == 1


def test_stream_when_it_is_cut_then_the_text_so_far_is_kept(streaming: Target) -> None:
    told = streaming.ask("streamed", "words=10&fault=cut:3")

    (message,) = told.response["output"]
    assert (message["status"], len(told.text.split())) == ("incomplete", 3)


@pytest.mark.parametrize("mode", MODES)
def test_error_when_it_comes_within_a_stream_then_failed(streaming: Target, mode: str) -> None:
    told = streaming.ask(mode, "words=10&fault=failed:3")

    reason = "upstream_failed" if streaming.dialect == "responses" else "upstream_error"
    assert (told.status, reason_of(told.response)) == ("failed", reason)
    assert len(told.text.split()) == 3


@pytest.mark.parametrize("mode", MODES)
def test_slow_upstream_when_it_goes_on_then_every_word_comes(target: Target, mode: str) -> None:
    told = target.ask(mode, "words=8&pace=10")

    assert (told.status, len(told.text.split())) == ("completed", 8)


def test_slow_upstream_when_it_streams_then_words_come_before_its_end(streaming: Target) -> None:
    stream = streaming.client.responses.create(model=streaming.named(SLOW), input="hi", stream=True)
    response_id, seen = "", ""

    for event in stream:
        if event.type == "response.created":
            response_id = event.response.id
        elif event.type == "response.output_text.delta":
            seen = outcome(streaming, response_id)
            break

    cancel(streaming, response_id)
    stream.close()
    assert seen == "running"


def test_cancel_when_in_the_middle_then_the_upstream_call_is_ended(target: Target) -> None:
    response_id = target.begin(SLOW)
    wait_until(lambda: target.stack.calls(response_id), "the upstream is called")

    status = target.client.responses.cancel(response_id).status

    assert status == "cancelled"
    wait_until(lambda: outcome(target, response_id) == "aborted", "the upstream call is aborted", seconds=5)
    assert target.told(response_id, background=True).status == "cancelled"


def outcome(target: Target, response_id: str) -> str:
    return ", ".join(call["outcome"] for call in target.stack.calls(response_id))


def cancel(target: Target, response_id: str) -> None:
    headers = {"Content-Type": "application/json"}
    target.stack.request("POST", f"/responses/{response_id}/cancel", headers=headers)


def reason_of(response: Any) -> str:
    return str(response["error"]["message"]).partition(":")[0]
