"""An upstream that has `compact` and `input_tokens` is asked itself, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from shared.catalog import Deadlines
from shared.catalog import Provider as Account
from shared.errors import UpstreamError
from tests.support.backends import Backends
from tests.support.http_server import Handler, serving
from tests.support.rows import claimed
from workers import compaction, counting
from workers.providers import Call, Generation, HttpClient
from workers.providers.responses_api import ResponsesApi
from workers.sealed_content import make_sealer

COMPACTED = {"type": "compaction", "id": "cmp_1", "encrypted_content": "of the upstream"}
ANSWERS: dict[str, dict[str, Any]] = {
    "/v1/responses/compact": {"object": "response.compaction", "output": [COMPACTED], "usage": None},
    "/v1/responses/input_tokens": {"object": "response.input_tokens", "input_tokens": 42},
}


class Upstream(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, Any]] = []


class _Handler(Handler):
    server: Upstream

    def do_POST(self) -> None:
        self.server.asked.append((self.path, json.loads(self.body())))
        body = json.dumps(ANSWERS.get(self.path, {})).encode()
        self.answer(body, "application/json", 200 if self.path in ANSWERS else 404)


@pytest.fixture
def server() -> Iterator[Upstream]:
    with serving(Upstream()) as running:
        yield running


@pytest.fixture
def provider(server: Upstream, client: HttpClient) -> ResponsesApi:
    url = f"http://127.0.0.1:{server.server_port}/v1"
    return ResponsesApi(Account(name="main", base_url=url, api_key="k"), client)


def _call() -> Call:
    return Call(Deadlines(), total_seconds=10)


GENERATION = Generation("resp_1", 1, "m", {"model": "main/m", "store": False, "stream": None}, "hello")


def test_count_when_the_upstream_has_the_endpoint_then_its_own_number(
    provider: ResponsesApi, server: Upstream
) -> None:
    counted = counting.count(provider, GENERATION, _call())

    assert (counted["input_tokens"], counted["counted_by"]) == (42, "upstream")
    assert server.asked == [("/v1/responses/input_tokens", {"model": "m", "input": "hello"})]


def test_compact_when_the_upstream_has_the_endpoint_then_its_own_items(
    provider: ResponsesApi, backends: Backends
) -> None:
    claim = claimed(backends.store)

    compacted = compaction.compact(provider, GENERATION, _call(), claim, make_sealer("", "pepper"))

    assert compacted["output"] == [COMPACTED]
    assert (compacted["object"], compacted["id"]) == ("response.compaction", claim.row.id)
    assert compacted["usage"]["total_tokens"] == 0


def test_endpoint_when_it_is_not_there_then_known_as_such(provider: ResponsesApi) -> None:
    with pytest.raises(UpstreamError) as caught:
        provider.once("something_else", GENERATION, _call())

    assert compaction.is_not_there(caught.value)
