"""A conformance suite for Open Responses finds nothing: CONTRACT 10's list, all lines started at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.clients import http_lines, socket_lines
from tests.support.shapes import fit_event, fit_response
from tests.support.stack import Stack
from tests.support.wire import create

LINES = {**http_lines.LINES, **socket_lines.LINES}
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def running(stack: Stack) -> Iterator[dict[str, Future[None]]]:
    """Every line, under way: a server that serves one at a time would fail by the sockets' patience."""
    with ThreadPoolExecutor(len(LINES)) as pool:
        yield {name: pool.submit(line, stack) for name, line in LINES.items()}


@pytest.mark.parametrize("name", LINES)
def test_conformance_when_all_lines_run_at_once_then_each_holds(
    running: dict[str, Future[None]], name: str
) -> None:
    running[name].result(PATIENCE_SECONDS)


# what the validator itself is worth


@pytest.mark.parametrize("key", ["temperature", "service_tier", "completed_at", "tools", "usage", "metadata"])
def test_schema_when_a_key_is_missing_then_it_does_not_fit(stack: Stack, key: str) -> None:
    response = create(stack)

    del response[key]

    with pytest.raises(AssertionError, match=key):
        fit_response(response)


@pytest.mark.parametrize("key", ["temperature", "top_p", "service_tier", "truncation", "output", "text"])
def test_schema_when_a_key_is_null_that_must_not_be_then_it_does_not_fit(stack: Stack, key: str) -> None:
    response = create(stack)

    response[key] = None

    with pytest.raises(AssertionError, match=key):
        fit_response(response)


@pytest.mark.parametrize("kind", ["response.reasoning.delta", "keepalive", "response.cancelled", "error"])
def test_schema_when_an_event_is_of_another_type_then_it_does_not_fit(kind: str) -> None:
    with pytest.raises(AssertionError, match=kind):
        fit_event({"type": kind, "sequence_number": 1})
