"""A dead worker does not re-run the model: a resumable provider goes on with the same generation."""

from __future__ import annotations

import pytest

from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.mark.parametrize("words", [12, 60])
def test_worker_killed_when_the_provider_is_resumable_then_one_seamless_stream(
    embedded: Stack, words: int
) -> None:
    client = embedded.client()
    model = f"resumable/plain!words={words}&pace=100"
    with client.responses.create(model=model, input="hi", stream=True, timeout=90) as stream:
        events = []
        for event in stream:
            events.append(event)
            if sum(e.type == "response.output_text.delta" for e in events) == 5:
                old = embedded.kill("worker")
                break
        events.extend(stream)

    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == events[-1].response.output_text
    assert len(text.split()) == words
    response_id = events[0].response.id
    assert client.responses.retrieve(response_id).output_text == text
    ledger = embedded.upstream.ledger()
    assert len(ledger["calls"][response_id]) == 1
    assert len(ledger["resumes"]) >= 1
    embedded.wait_for_restart("worker", old)


def test_connection_broken_when_the_provider_is_resumable_then_the_same_worker_goes_on(
    embedded: Stack,
) -> None:
    response = embedded.client().responses.create(model="resumable/plain!fault=reset:4&words=9", input="hi")

    assert response.status == "completed"
    assert len(response.output_text.split()) == 9
    assert len(embedded.calls(response.id)) == 1


def test_resume_refused_when_the_upstream_has_forgotten_the_stream_then_the_object_gives_the_rest(
    embedded: Stack,
) -> None:
    embedded.upstream.script("fault=refuse:400", on="resume")
    response = embedded.client().responses.create(model="resumable/plain!fault=reset:4&words=9", input="hi")

    assert response.status == "completed"
    assert len(response.output_text.split()) == 9
    assert len(embedded.calls(response.id)) == 1


def test_cancel_when_the_generation_goes_on_upstream_then_it_is_stopped_there(embedded: Stack) -> None:
    client = embedded.client()
    response = client.responses.create(model="resumable/plain!words=400&pace=50", input="hi", background=True)
    wait_until(lambda: embedded.calls(response.id), "the upstream was called")

    assert client.responses.cancel(response.id).status == "cancelled"

    call = wait_until(
        lambda: [c for c in embedded.calls(response.id) if c["outcome"] != "running"], "the upstream stopped"
    )
    assert call[0]["outcome"] == "aborted"


def test_worker_killed_when_nothing_was_seen_and_the_rule_allows_it_then_run_once_more(
    embedded: Stack,
) -> None:
    client = embedded.client()
    embedded.upstream.script("fault=stall_before_headers", "")
    response = client.responses.create(model="unseen/plain", input="hi", background=True)
    wait_until(lambda: embedded.calls(response.id), "the upstream was called")

    old = embedded.kill("worker")
    embedded.wait_for_restart("worker", old)

    ended = wait_until(lambda: _ended(embedded, response.id), "it ended", seconds=60)
    assert ended == "completed"
    assert len(embedded.calls(response.id)) == 2


def _ended(embedded: Stack, response_id: str) -> str | None:
    status = embedded.client().responses.retrieve(response_id).status
    return status if status not in ("queued", "in_progress") else None
