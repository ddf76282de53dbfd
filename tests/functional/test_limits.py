"""How much one API process takes on: beyond it, refused before anything is accepted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.running import started
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    limits = {
        "RESPOOL_MAX_STREAMS_PER_KEY": "2",
        "RESPOOL_MAX_STREAMS": "3",
        "RESPOOL_MAX_QUEUED_PER_TENANT": "1000",
        "RESPOOL_MAX_INFLIGHT_BODY_BYTES": "1",
    }
    with started(Stack(tmp_path_factory.mktemp("narrow"), limits)) as stack:
        yield stack


def test_streams_when_a_key_has_too_many_then_429_and_nothing_is_accepted(narrow: Stack) -> None:
    body = {"model": "plain!words=200&pace=100", "input": "hi", "stream": True}
    open_streams = [narrow.request("POST", "/responses", json=body, stream=True) for _ in range(2)]
    before = len(narrow.upstream.ledger()["calls"])

    refused = narrow.request("POST", "/responses", json=body)

    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_streams")
    assert int(refused.headers["retry-after"]) >= 1
    assert len(narrow.upstream.ledger()["calls"]) <= max(before, 2)
    for stream in open_streams:
        stream.close()
    wait_until(lambda: _is_served(narrow), "the places are given back")


def test_streams_when_the_process_has_too_many_then_503(narrow: Stack) -> None:
    wait_until(lambda: _is_served(narrow), "the places are given back")
    body = {"model": "plain!words=200&pace=100", "input": "hi", "stream": True}
    keys = [narrow.new_key(f"tenant-{n}") for n in range(4)]
    open_streams = [narrow.request("POST", "/responses", key, json=body, stream=True) for key in keys[:3]]

    refused = narrow.request("POST", "/responses", keys[3], json=body)

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_many_streams")
    for stream in open_streams:
        stream.close()


def _is_served(stack: Stack) -> bool:
    return stack.request("POST", "/responses", json={"model": "plain", "input": "hi"}).status_code == 200
