"""Connections to an upstream: one serves many calls, and a call that is over has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from shared.catalog import Deadlines, Provider
from shared.errors import UpstreamError
from tests.support.http_server import Handler, serving
from workers.providers import Call, Generation, HttpClient
from workers.providers.responses_api import ResponsesApi

EVENT = b'data: {"type":"response.completed","response":{"status":"completed","output":[]}}\n\n'


class Upstream(ThreadingHTTPServer):
    tail = b"data: [DONE]\n\n"  # after the last event
    chunks: bytes | None = None  # the whole body as it goes over the wire; None: the event and the tail
    status = 200
    connections = 0

    def process_request(self, request: object, client_address: object) -> None:
        self.connections += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]


class _Handler(Handler):
    server: Upstream

    def do_POST(self) -> None:
        self.body()
        if self.server.chunks is not None:
            self.send_response(self.server.status)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(self.server.chunks)
            return
        self.answer(EVENT + self.server.tail, "text/event-stream")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving(Upstream(("127.0.0.1", 0), _Handler)) as running:
        yield running


@pytest.fixture
def provider(upstream: Upstream, client: HttpClient) -> ResponsesApi:
    account = Provider(name="main", base_url=f"http://127.0.0.1:{upstream.server_port}", api_key="k")
    return ResponsesApi(account, client)


def first_event(provider: ResponsesApi) -> Call:
    """As the runner does: nothing is read after the terminal event."""
    call = Call(Deadlines(), total_seconds=60)
    with closing(provider.stream(Generation("resp_1", 1, "m", {}, "hi"), call)) as events:
        assert next(events)["type"] == "response.completed"
    return call


def everything(provider: ResponsesApi) -> list[dict[str, Any]]:
    call = Call(Deadlines(), total_seconds=60)
    return list(provider.stream(Generation("resp_1", 1, "m", {}, "hi"), call))


@pytest.mark.parametrize("tail", [b"", Upstream.tail])
def test_generations_when_each_ends_at_its_terminal_event_then_on_one_connection(
    upstream: Upstream, provider: ResponsesApi, tail: bytes
) -> None:
    upstream.tail = tail

    for _ in range(3):
        first_event(provider)

    assert upstream.connections == 1


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


def test_generations_when_read_to_the_end_of_their_chunks_then_on_one_connection(
    upstream: Upstream, provider: ResponsesApi
) -> None:
    upstream.chunks = chunked(EVENT[:20], EVENT[20:]) + b"0\r\n\r\n"

    for _ in range(3):
        assert len(everything(provider)) == 1

    assert upstream.connections == 1


def test_refusals_when_they_come_in_chunks_then_on_one_connection(
    upstream: Upstream, provider: ResponsesApi
) -> None:
    upstream.status, upstream.chunks = 400, chunked(b'{"error":', b"{}}") + b"0\r\n\r\n"

    for _ in range(3):
        with pytest.raises(UpstreamError):
            everything(provider)

    assert upstream.connections == 1


@pytest.mark.parametrize("junk", [b"zz\r\n", b"\r\n", b"1" * 70_000])
def test_generation_when_its_chunks_are_no_chunks_then_over_and_its_connection_with_it(
    upstream: Upstream, provider: ResponsesApi, junk: bytes
) -> None:
    upstream.chunks = chunked(b": early\n\n") + junk + chunked(EVENT)

    for _ in range(2):
        with pytest.raises(UpstreamError, match="upstream_disconnected"):
            everything(provider)

    assert upstream.connections == 2


def test_fence_when_the_call_is_over_then_the_next_call_on_its_connection_lives(
    upstream: Upstream, provider: ResponsesApi
) -> None:
    over = first_event(provider)
    call = Call(Deadlines(), total_seconds=60)

    with closing(provider.stream(Generation("resp_2", 1, "m", {}, "hi"), call)) as events:
        over.fence()
        assert next(events)["type"] == "response.completed"

    assert upstream.connections == 1
