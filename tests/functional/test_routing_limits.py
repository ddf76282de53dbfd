"""What an account takes at a time and a minute: the rest waits in the queue, or goes elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import redis
import requests

from tests.support.contract import Json
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import create

LONG = "one-at-a-time/mock-n500-i20"
WORDS = "some words that cost tokens " * 40


@pytest.fixture
def client(stack: Stack) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(stack.dev["redis_url"])
    yield client
    client.close()


def begin(stack: Stack, model: str, **body: Any) -> str:
    identity: str = create(stack, model=model, background=True, **body)["id"]
    return identity


def state(stack: Stack, response_id: str) -> Json:
    value: Json = stack.request("GET", f"/responses/{response_id}").json()
    return value


def wait_for(stack: Stack, response_id: str, status: str) -> None:
    wait_until(lambda: state(stack, response_id)["status"] == status, f"{response_id} is {status}")


def completed(stack: Stack, ids: list[str]) -> list[str]:
    return [i for i in ids if state(stack, i)["status"] == "completed"]


def wait_until_full(stack: Stack, account: str) -> None:
    url = stack.base_url.removesuffix("/v1") + "/metrics"
    sample = f'respool_provider_at_limit{{provider="{account}"}} 1'
    wait_until(lambda: sample in requests.get(url, timeout=30).text, f"{account} is full")


def forget_minute(client: redis.Redis, account: str) -> None:
    """Let a minute pass for an account."""
    client.delete(f"respool:{{quota.{account}}}:minute")


def test_concurrency_when_more_are_asked_for_then_one_after_the_other(stack: Stack) -> None:
    ids = [begin(stack, "one-at-a-time/mock-n10-i10") for _ in range(4)]
    for response_id in ids:
        wait_for(stack, response_id, "completed")

    calls = [call for response_id in ids for call in stack.calls(response_id)]
    times = sorted((call["started"], call["ended"]) for call in calls)
    assert len(times) == 4
    assert all(ended <= started for (_, ended), (started, _) in pairwise(times))


def test_concurrency_when_reached_then_the_rest_waits_until_it_is_free(stack: Stack) -> None:
    running = begin(stack, LONG)
    wait_for(stack, running, "in_progress")
    waiting = begin(stack, "one-at-a-time/plain")
    elsewhere = create(stack, model="narrow-first")

    assert elsewhere["provider"] == "the-spare"
    assert state(stack, waiting)["status"] in ("queued", "in_progress")  # claimed at most to be given back
    assert stack.calls(waiting) == []
    stack.request("POST", f"/responses/{running}/cancel")
    wait_for(stack, waiting, "completed")
    assert len(stack.calls(waiting)) == 1


def test_requests_when_the_minute_is_full_then_the_rest_waits_for_the_next(
    stack: Stack, client: redis.Redis
) -> None:
    forget_minute(client, "two-a-minute")
    ids = [begin(stack, "two-a-minute/plain") for _ in range(3)]
    wait_until(lambda: len(completed(stack, ids)) == 2, "two are completed")
    (last,) = set(ids) - set(completed(stack, ids))
    wait_until_full(stack, "two-a-minute")
    assert stack.calls(last) == []

    forget_minute(client, "two-a-minute")

    wait_for(stack, last, "completed")
    assert len(stack.calls(last)) == 1


def test_tokens_when_the_minute_is_full_then_the_rest_waits_for_the_next(
    stack: Stack, client: redis.Redis
) -> None:
    forget_minute(client, "few-tokens")
    wait_for(stack, begin(stack, "few-tokens/plain", input=WORDS), "completed")
    wait_until_full(stack, "few-tokens")
    last = begin(stack, "few-tokens/plain")

    assert stack.calls(last) == []
    forget_minute(client, "few-tokens")
    wait_for(stack, last, "completed")


def test_alias_when_the_only_target_left_is_at_its_limit_then_it_is_waited_for(stack: Stack) -> None:
    running = begin(stack, LONG)
    wait_for(stack, running, "in_progress")
    refused = begin(stack, "bad-key-then-narrow")

    wait_until(lambda: state(stack, refused)["provider"] == "one-at-a-time", "it is sent elsewhere")
    assert state(stack, refused)["status"] in ("queued", "in_progress")  # claimed at most to be given back
    stack.request("POST", f"/responses/{running}/cancel")
    wait_for(stack, refused, "completed")
