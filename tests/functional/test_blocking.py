"""Blocking creates through the official client."""

from __future__ import annotations

from tests.support.stack import Stack


def test_create_when_the_upstream_answers_then_the_object_is_complete(stack: Stack) -> None:
    response = stack.client().responses.create(model="plain", input="hello")

    assert response.status == "completed"
    assert "hello" in response.output_text
    assert len(stack.calls(response.id)) == 1
