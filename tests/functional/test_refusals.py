"""An upstream that refuses cleanly: its status where it is the client's concern, never its secrets."""

from __future__ import annotations

from typing import Any

import openai
import pytest
import requests

from tests.support.contract import Json, check_response
from tests.support.event_order import check_story
from tests.support.stack import Stack
from tests.support.wire import column_of, create, create_stream, error_of, events_of, follow

# decided before or after the store: one of the two databases is enough
pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")

# the upstream's status -> ours, type, code (DESIGN 7.5)
REFUSALS = [
    (400, 400, "invalid_request_error", None),
    (404, 404, "invalid_request_error", "model_not_found"),
    (413, 413, "invalid_request_error", "request_too_large"),
    (422, 422, "invalid_request_error", None),
    (429, 429, "rate_limit_error", "rate_limit_exceeded"),
    (401, 502, "server_error", "upstream_auth"),
    (403, 502, "server_error", "upstream_auth"),
    (500, 502, "server_error", "upstream_error"),
    (502, 502, "server_error", "upstream_error"),
    (418, 502, "server_error", "upstream_error"),
    (503, 503, "server_error", "upstream_overloaded"),
    (529, 503, "server_error", "upstream_overloaded"),
]


def refused(stack: Stack, directive: str, **body: Any) -> requests.Response:
    return stack.request(
        "POST", "/responses", json={"model": f"plain!fault={directive}", "input": "hi", **body}
    )


@pytest.mark.parametrize(("theirs", "ours", "kind", "code"), REFUSALS)
def test_create_when_the_upstream_refuses_then_its_status_in_our_envelope(
    stack: Stack, theirs: int, ours: int, kind: str, code: str | None
) -> None:
    answer = refused(stack, f"refuse:{theirs}")

    error = error_of(answer)
    assert (answer.status_code, error["type"], error["code"]) == (ours, kind, code)


@pytest.mark.parametrize(("theirs", "ours", "kind", "code"), REFUSALS)
def test_create_when_the_upstream_refuses_then_an_sdk_does_not_pay_twice(
    stack: Stack, theirs: int, ours: int, kind: str, code: str | None
) -> None:
    answer = refused(stack, f"refuse:{theirs}")

    assert answer.headers.get("x-should-retry") == ("false" if ours >= 500 else None)


@pytest.mark.parametrize(
    ("given", "shown"), [("7", "7"), ("900", "60"), ("0", "1"), ("soon", "10"), ("", "10")]
)
def test_create_when_the_upstream_is_at_its_limit_then_retry_after_is_one_that_sdks_obey(
    stack: Stack, given: str, shown: str
) -> None:
    answer = refused(stack, f"refuse:429:{given}")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, shown)


def test_create_when_the_upstreams_answer_is_a_page_then_502_in_our_words(stack: Stack) -> None:
    answer = refused(stack, "html:502")

    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_error")
    assert "proxy-7" not in answer.text


def test_create_when_the_upstream_redirects_then_nobody_follows(stack: Stack) -> None:
    before = len(stack.upstream.ledger()["calls"])

    answer = refused(stack, "redirect:/v1/responses")

    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_error")
    assert len(stack.upstream.ledger()["calls"]) == before + 1


def test_create_when_our_key_is_refused_then_no_trace_of_it_is_shown(stack: Stack) -> None:
    answer = stack.request("POST", "/responses", json={"model": "refused/plain", "input": "hi"})

    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_auth")
    assert "bad-" not in answer.text and "Look your key up" not in answer.text


def test_stream_when_our_key_is_refused_then_no_trace_of_it_is_shown(stack: Stack) -> None:
    answer = create_stream(stack, model="refused/plain")

    assert check_story(events_of(answer))["status"] == "failed"
    assert b"bad-" not in answer.content and b"Look your key up" not in answer.content


def test_background_when_the_upstream_refuses_then_it_ends_as_failed(stack: Stack) -> None:
    response = create(stack, model="plain!fault=refuse:429:7", background=True)

    ended = check_story(follow(stack, response["id"]), background=True)

    assert (ended["status"], ended["error"]["code"]) == ("failed", "rate_limit_exceeded")
    assert ended["error"]["message"].startswith("upstream_rate_limited: ")


def test_create_when_refused_then_the_stored_response_is_failed(stack: Stack) -> None:
    refused(stack, "refuse:422")
    key, lines = list(stack.upstream.ledger()["calls"].items())[-1]

    stored = check_response(stack.request("GET", f"/responses/{key}").json())

    assert (stored["status"], lines[0]["status"]) == ("failed", 422)
    assert column_of(stack, key, "error_reason") == "upstream_refused"


def test_create_when_refused_then_it_is_not_tried_again(stack: Stack) -> None:
    refused(stack, "refuse:500")

    lines = list(stack.upstream.ledger()["calls"].values())[-1]

    assert len(lines) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, openai.BadRequestError), (422, openai.UnprocessableEntityError), (429, openai.RateLimitError)],
)
def test_sdk_when_the_upstream_refuses_then_it_raises_the_right_error(
    stack: Stack, status: int, kind: type[openai.APIStatusError]
) -> None:
    with pytest.raises(kind) as caught:
        stack.client().responses.create(model=f"plain!fault=refuse:{status}", input="hi")

    assert caught.value.request_id


def test_sdk_with_retries_when_the_upstream_breaks_then_it_is_called_once(stack: Stack) -> None:
    before = _calls(stack)

    with pytest.raises(openai.InternalServerError):
        stack.client(max_retries=2).responses.create(model="plain!fault=refuse:500", input="hi")

    assert len(_calls(stack)) == len(before) + 1


def test_create_when_the_clients_own_item_is_refused_then_the_upstreams_words_are_shown(stack: Stack) -> None:
    body: Json = {"model": "plain", "input": "hi", "tool_choice": "auto", "reasoning": {"effort": "low"}}
    forged = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "forged"}

    answer = stack.request(
        "POST", "/responses", json={**body, "input": [forged, {"role": "user", "content": "x"}]}
    )

    assert (answer.status_code, bool(error_of(answer)["message"])) == (400, True)


def _calls(stack: Stack) -> dict[str, Any]:
    calls: dict[str, Any] = stack.upstream.ledger()["calls"]
    return calls
