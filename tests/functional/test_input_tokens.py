"""POST /responses/input_tokens."""

from __future__ import annotations

from tests.support.stack import Stack


def test_count_when_the_upstream_has_no_endpoint_then_marked_as_not_its_own(stack: Stack) -> None:
    answer = stack.client().responses.input_tokens.with_raw_response.count(model="plain", input="a b c d")

    assert answer.headers["x-respool-counted-by"] in ("estimate", "tokenizer")
    assert answer.parse().object == "response.input_tokens"
    assert answer.parse().input_tokens > 0


def test_count_when_chained_then_the_earlier_turns_count_too(stack: Stack) -> None:
    client = stack.client()
    first = client.responses.create(model="plain", input="a question of some length to count")

    alone = client.responses.input_tokens.count(model="plain", input="next")
    chained = client.responses.input_tokens.count(model="plain", input="next", previous_response_id=first.id)

    assert chained.input_tokens > alone.input_tokens


def test_count_when_nothing_is_given_then_still_answered(stack: Stack) -> None:
    answer = stack.request("POST", "/responses/input_tokens", json={})

    assert answer.status_code == 200
    assert answer.json() == {"object": "response.input_tokens", "input_tokens": 0}
