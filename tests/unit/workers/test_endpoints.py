"""An upstream that has `compact` and `input_tokens` is asked itself, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared.catalog import Deadlines
from shared.catalog import Provider as Account
from shared.errors import UpstreamError
from tests.support.backends import Backends
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


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked))  # type: ignore[attr-defined]
        body = json.dumps(ANSWERS.get(self.path, {})).encode()
        self.send_response(200 if self.path in ANSWERS else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    running.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def provider(server: ThreadingHTTPServer) -> Iterator[ResponsesApi]:
    client = HttpClient(pool_size=1)
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield ResponsesApi(Account(name="main", base_url=url, api_key="k"), client)
    client.close()


def _call() -> Call:
    return Call(Deadlines(), total_seconds=10)


GENERATION = Generation("resp_1", 1, "m", {"model": "main/m", "store": False, "stream": None}, "hello")


def test_count_when_the_upstream_has_the_endpoint_then_its_own_number(
    provider: ResponsesApi, server: ThreadingHTTPServer
) -> None:
    counted = counting.count(provider, GENERATION, _call())

    assert (counted["input_tokens"], counted["counted_by"]) == (42, "upstream")
    assert server.asked == [  # type: ignore[attr-defined]
        ("/v1/responses/input_tokens", {"model": "m", "input": "hello"})
    ]


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
