"""Idempotency-Key: one response a key, however often and by whatever way it is asked for."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from shared.log import EventLog
from shared.services import connect_redis
from tests.support.stack import Stack
from tests.support.waiting import wait_until


def _create(stack: Stack, key: str, **body: object) -> tuple[int, dict, str | None]:
    answer = stack.request(
        "POST",
        "/responses",
        json={"model": "plain", "input": "once", **body},
        headers={"Idempotency-Key": key},
    )
    return answer.status_code, answer.json(), answer.headers.get("Idempotent-Replayed")


def test_same_key_and_body_when_sent_again_then_the_same_response(stack: Stack) -> None:
    key = secrets.token_hex(8)

    status, first, replayed = _create(stack, key)
    again_status, again, again_replayed = _create(stack, key)

    assert (status, replayed) == (200, None)
    assert (again_status, again_replayed) == (200, "true")
    assert again == first
    assert len(stack.calls(first["id"])) == 1


def test_same_key_when_streamed_the_second_time_then_the_same_log(stack: Stack) -> None:
    key = secrets.token_hex(8)
    _, first, _ = _create(stack, key)

    stream = stack.request(
        "POST",
        "/responses",
        json={"model": "plain", "input": "once", "stream": True},
        headers={"Idempotency-Key": key},
    )

    assert first["id"] in stream.text
    assert stream.text.endswith("data: [DONE]\n\n")
    assert len(stack.calls(first["id"])) == 1


def test_same_key_when_the_body_differs_then_422(stack: Stack) -> None:
    key = secrets.token_hex(8)
    _create(stack, key)

    status, body, _ = _create(stack, key, temperature=0.1)

    assert (status, body["error"]["code"]) == (422, "idempotency_key_reuse")


def test_same_key_when_of_another_tenant_then_its_own_response(stack: Stack) -> None:
    key = secrets.token_hex(8)
    _, first, _ = _create(stack, key)

    other = stack.request(
        "POST",
        "/responses",
        stack.new_key("somebody-else"),
        json={"model": "plain", "input": "once"},
        headers={"Idempotency-Key": key},
    )

    assert other.json()["id"] != first["id"]


def test_same_key_when_sent_at_once_by_many_then_one_row(stack: Stack) -> None:
    key = secrets.token_hex(8)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _create(stack, key), range(8)))

    assert {status for status, _, _ in answers} == {200}
    assert len({body["id"] for _, body, _ in answers}) == 1
    assert len(stack.calls(answers[0][1]["id"])) == 1


def test_same_key_when_its_response_was_deleted_then_410(stack: Stack) -> None:
    key = secrets.token_hex(8)
    _, first, _ = _create(stack, key)
    stack.client().responses.delete(first["id"])

    status, body, _ = _create(stack, key)

    assert (status, body["error"]["code"]) == (410, "idempotency_response_deleted")


def test_key_when_background_then_the_object_as_it_is_now(stack: Stack) -> None:
    key = secrets.token_hex(8)
    _, first, _ = _create(stack, key, background=True)

    _, again, _ = _create(stack, key, background=True)

    assert again["id"] == first["id"]


def test_retry_when_it_has_a_key_of_its_own_then_never_attached_to_another_ones_response(
    stack: Stack,
) -> None:
    client = stack.client()
    body = {"model": "plain!words=30&pace=100", "input": secrets.token_hex(8)}
    with client.responses.create(**body, stream=True) as left:
        first = next(iter(left)).response.id
    with closing(connect_redis(stack.dev["redis_url"])) as client_of_log:
        wait_until(lambda: EventLog(client_of_log).waiter(first) == "", "its client is seen to be gone")
    retry = {"x-stainless-retry-count": "1"}

    second = client.responses.create(**body, extra_headers={**retry, "Idempotency-Key": secrets.token_hex(8)})

    assert second.id != first


def test_same_key_when_not_stored_and_one_of_two_clients_leaves_then_the_other_gets_it(stack: Stack) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"model": "mock-n150-i20", "input": "once", "store": False, "stream": True}
    client = stack.client()
    with client.responses.create(**body, extra_headers=headers) as stays:
        first = next(iter(stays)).response.id
        with client.responses.create(**body, extra_headers=headers) as leaves:
            assert next(iter(leaves)).response.id == first
        last = list(stays)[-1]

    assert last.type == "response.completed"
    assert len(stack.calls(first)) == 1


def test_compact_when_sent_again_with_its_key_then_paid_once(stack: Stack) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"model": "plain", "input": "to be compacted once"}

    first = stack.request("POST", "/responses/compact", json=body, headers=headers).json()
    again = stack.request("POST", "/responses/compact", json=body, headers=headers).json()
    created = stack.request("POST", "/responses", json=body, headers=headers)

    assert again == first
    assert created.status_code == 422


@pytest.mark.parametrize("key", ["", "k" * 256, "sch\u00f6n"])
def test_key_when_it_is_no_key_then_400(stack: Stack, key: str) -> None:
    answer = stack.request(
        "POST",
        "/responses",
        json={"model": "plain", "input": "x"},
        headers={"Idempotency-Key": key.encode("latin-1")},
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_idempotency_key")


def test_refused_request_when_repeated_with_its_key_then_not_remembered(stack: Stack) -> None:
    key = secrets.token_hex(8)
    status, _, _ = _create(stack, key, temperature=9)

    again, _, _ = _create(stack, key)

    assert (status, again) == (400, 200)
