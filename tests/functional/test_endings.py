"""Cancel, delete, and clients that go away: what stops, what goes on, and what is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.contract import Json, check_frames, check_response
from tests.support.event_order import check_story
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import create, create_stream, error_of, follow, forget_events, replay

WORKER_SLOTS = 32  # RESPOOL_WORKER_CONCURRENCY's default
SLOW = "mock-n900-i20"  # eighteen seconds: never to its end here


def begun(stack: Stack, **body: Any) -> str:
    """A slow background response that its upstream has begun to answer."""
    response_id: str = create(stack, **{"model": SLOW, "background": True, **body})["id"]
    wait_until(lambda: stack.calls(response_id), "the upstream is called")
    return response_id


def cancel(stack: Stack, response_id: str) -> requests.Response:
    headers = {"Content-Type": "application/json"}
    return stack.request("POST", f"/responses/{response_id}/cancel", headers=headers)


def status(stack: Stack, response_id: str) -> str:
    shown: str = stack.request("GET", f"/responses/{response_id}").json()["status"]
    return shown


def outcome(stack: Stack, response_id: str) -> str:
    return ", ".join(call["outcome"] for call in stack.calls(response_id))


def test_cancel_when_in_progress_then_cancelled_at_once(stack: Stack) -> None:
    response_id = begun(stack)

    answer = cancel(stack, response_id)

    assert answer.status_code == 200
    assert check_response(answer.json())["status"] == "cancelled"
    assert stack.request("GET", f"/responses/{response_id}").content == answer.content


def test_cancel_when_in_progress_then_the_upstream_call_is_ended(stack: Stack) -> None:
    response_id = begun(stack)

    cancel(stack, response_id)

    wait_until(lambda: outcome(stack, response_id) == "aborted", "the upstream call is aborted", seconds=5)


def test_cancel_when_somebody_follows_then_the_stream_ends_as_failed(stack: Stack) -> None:
    response_id = begun(stack)
    with stack.request("GET", f"/responses/{response_id}?stream=true", stream=True) as answer:
        next(answer.iter_lines())
        cancel(stack, response_id)
        rest = replay(stack, response_id)

    events = check_frames(rest)
    assert check_story(events, background=True)["status"] == "cancelled"
    assert events[-1]["type"] == "response.failed"


def test_cancel_when_done_then_its_story_is_the_same_hot_and_archived(stack: Stack) -> None:
    response_id = begun(stack)
    cancel(stack, response_id)
    hot = replay(stack, response_id)

    forget_events(stack, response_id)

    assert replay(stack, response_id) == hot


@pytest.fixture
def full(stack: Stack) -> Iterator[list[str]]:
    """More slow background responses than a worker has room for."""
    ids = [create(stack, model=SLOW, background=True)["id"] for _ in range(WORKER_SLOTS)]
    yield ids
    for response_id in ids:
        cancel(stack, response_id)


def test_cancel_when_queued_then_it_never_reaches_the_upstream(stack: Stack, full: list[str]) -> None:
    waiting = create(stack, model=SLOW, background=True)["id"]

    answer = cancel(stack, waiting)

    for response_id in full:
        cancel(stack, response_id)
    follow(stack, create(stack, background=True)["id"])  # the worker has passed the place in the queue
    assert check_response(answer.json())["status"] == "cancelled"
    assert stack.calls(waiting) == []


def test_cancel_when_queued_then_its_stream_is_a_whole_story(stack: Stack, full: list[str]) -> None:
    waiting = create(stack, model=SLOW, background=True)["id"]

    answer = cancel(stack, waiting)

    events = follow(stack, waiting)
    assert [event["type"] for event in events] == ["response.created", "response.queued", "response.failed"]
    assert check_story(events, background=True) == answer.json()


def test_cancel_when_cancelled_already_then_the_same_answer(stack: Stack) -> None:
    response_id = begun(stack)

    first, second = cancel(stack, response_id), cancel(stack, response_id)

    assert (second.status_code, second.content) == (200, first.content)


@pytest.mark.parametrize(
    ("background", "message"),
    [(True, "Cannot cancel a completed response."), (False, "Cannot cancel a synchronous response.")],
)
def test_cancel_when_finished_then_400(stack: Stack, background: bool, message: str) -> None:
    response = create(stack, background=background)
    follow(stack, response["id"])

    answer = cancel(stack, response["id"])

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["message"]) == (400, "not_cancellable", message)


def test_cancel_when_a_foreground_stream_runs_then_it_ends_too(stack: Stack) -> None:
    with create_stream(stack, model=SLOW) as answer:
        lines = answer.iter_lines()
        next(lines)
        response_id = id_in(next(lines))
        cancelled = cancel(stack, response_id)
        kinds = [line for line in lines if line.startswith(b"event: ")]

    assert cancelled.status_code == 200
    assert kinds[-1] == b"event: response.failed"


def test_cancel_with_the_sdk_when_in_progress_then_cancelled(stack: Stack) -> None:
    assert stack.client().responses.cancel(begun(stack)).status == "cancelled"


def test_delete_when_finished_then_it_is_gone(stack: Stack) -> None:
    response_id = create(stack)["id"]

    answer = stack.request("DELETE", f"/responses/{response_id}")

    assert answer.json() == {"id": response_id, "object": "response", "deleted": True}
    paths = ("", "?stream=true", "/input_items")
    assert [stack.request("GET", f"/responses/{response_id}{path}").status_code for path in paths] == [
        404
    ] * 3


def test_delete_when_in_flight_then_400_and_it_lives_on(stack: Stack) -> None:
    response_id = begun(stack)

    answer = stack.request("DELETE", f"/responses/{response_id}")

    assert (answer.status_code, error_of(answer)["message"]) == (400, "Cannot delete an in-flight response.")
    assert status(stack, response_id) == "in_progress"
    cancel(stack, response_id)


def test_delete_when_deleted_already_then_404(stack: Stack) -> None:
    response_id = create(stack)["id"]
    stack.request("DELETE", f"/responses/{response_id}")

    answer = stack.request("DELETE", f"/responses/{response_id}")

    assert (answer.status_code, error_of(answer)["code"]) == (404, "response_not_found")


def test_delete_with_the_sdk_when_cancelled_then_it_is_gone(stack: Stack) -> None:
    responses = stack.client().responses
    response_id = responses.cancel(begun(stack)).id

    responses.delete(response_id)

    assert stack.request("GET", f"/responses/{response_id}").status_code == 404


def test_disconnect_when_stored_and_streamed_then_it_goes_on_to_its_end(stack: Stack) -> None:
    response_id = leave_stream(stack, model="mock-n60-i20")

    wait_until(lambda: status(stack, response_id) == "completed", "it completes without its client")
    assert outcome(stack, response_id) == "completed"


def test_disconnect_when_not_stored_and_streamed_then_it_is_cancelled(stack: Stack) -> None:
    response_id = leave_stream(stack, model=SLOW, store=False)

    wait_until(lambda: outcome(stack, response_id) == "aborted", "the call is aborted", seconds=8)


def test_disconnect_when_not_stored_and_blocking_then_it_is_cancelled(stack: Stack) -> None:
    response_id = leave_blocking(stack, "mock-n901-i20", store=False)

    wait_until(lambda: outcome(stack, response_id) == "aborted", "the call is aborted", seconds=8)


def test_disconnect_when_stored_and_blocking_then_it_goes_on_to_its_end(stack: Stack) -> None:
    response_id = leave_blocking(stack, "mock-n61-i20", store=True)

    wait_until(lambda: status(stack, response_id) == "completed", "it completes without its client")


def test_disconnect_when_in_background_then_it_goes_on(stack: Stack) -> None:
    response_id = leave_stream(stack, model="mock-n60-i20", background=True, store=False)

    wait_until(lambda: status(stack, response_id) == "completed", "it completes without its client")


@pytest.mark.parametrize("stream", [False, True])
def test_store_false_when_in_the_foreground_then_its_id_is_not_found(stack: Stack, stream: bool) -> None:
    created: Json
    if stream:
        created = check_frames(create_stream(stack, store=False).content)[-1]["response"]
    else:
        created = create(stack, store=False)

    answer = stack.request("GET", f"/responses/{created['id']}")

    assert (created["store"], answer.status_code) == (False, 404)


def leave_stream(stack: Stack, **body: Any) -> str:
    """Begin a stream, read its first event, go away."""
    with create_stream(stack, **body) as answer:
        lines = answer.iter_lines()
        next(lines)
        response_id = id_in(next(lines))
    wait_until(lambda: stack.calls(response_id), "the upstream is called")
    return response_id


def leave_blocking(stack: Stack, model: str, *, store: bool) -> str:
    """Begin a blocking create of a model nobody else asks for, and go away before it ends."""
    body = {"model": model, "input": "hello", "store": store}
    with pytest.raises(requests.exceptions.ReadTimeout):
        headers = {"Authorization": f"Bearer {stack.api_key}"}
        requests.post(f"{stack.base_url}/responses", json=body, headers=headers, timeout=0.5)
    calls: Json = stack.upstream.ledger()["calls"]
    return next(key for key, lines in calls.items() if lines[0]["model"] == model)


def id_in(data_line: bytes) -> str:
    return data_line.decode().split('"id":"')[1].split('"')[0]
