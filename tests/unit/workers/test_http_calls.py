"""Calls of an upstream: every deadline bites, a fence closes the socket, errors say what was billed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shared.catalog import Catalog, Deadlines, Provider
from shared.errors import LeaseLost, UpstreamError
from tests.support.backends import Backends
from tests.support.rows import OWNER
from tests.support.servers import free_port
from tests.support.waiting import wait_until
from tests.unit.workers.http_posts import LONG, post
from upstream.launch import Running
from workers import lease
from workers.lease import Beat, Watchdog
from workers.providers import Call, Generation, HttpClient, connections, open_providers


@pytest.fixture
def watchdog(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watchdog]:
    monkeypatch.setattr(lease, "WATCH_SECONDS", 0.02)
    beat = Beat(backends.store.leases, backends.log, owner=OWNER, heartbeat_seconds=3600)
    made = Watchdog(beat)
    beat.start()
    made.start()
    yield made
    made.stop()
    beat.stop()


def generate(
    client: HttpClient, url: str, model: str, call: Call, key: str = "resp_1"
) -> list[dict[str, Any]]:
    """All events of one generation."""
    account = Provider(name="main", base_url=f"{url}/v1", api_key="upstream-key")
    provider = open_providers(Catalog({"main": account}, "main"), client)["main"]
    generation = Generation(key, 1, model, {"model": model}, "hi")
    return list(provider.stream(generation, call))


def deadlines(**changes: float) -> Deadlines:
    return LONG.model_copy(update=changes)


@pytest.mark.parametrize(
    ("model", "changes", "word"),
    [
        ("plain!fault=stall_before_headers", {"first_byte": 0.2, "connect": 0.1}, "first byte"),
        ("plain!fault=stall_after_headers", {"progress": 0.2}, "progress"),
        ("mock-n9!fault=stall_mid:3", {"progress": 0.2}, "progress"),
        ("plain!fault=comments_only:20", {"progress": 0.2}, "progress"),
        ("plain!fault=drip:20", {"progress": 0.2}, "progress"),
        ("mock-n5000-i20", {"total": 0.4}, "total"),
    ],
)
def test_call_when_a_deadline_passes_then_ended_with_its_name(
    upstream: Running,
    client: HttpClient,
    watchdog: Watchdog,
    model: str,
    changes: dict[str, float],
    word: str,
) -> None:
    call = Call(deadlines(**changes), total_seconds=60)

    with watchdog.watching(call), pytest.raises(UpstreamError) as ended:
        generate(client, upstream.url, model, call)

    assert (ended.value.reason, ended.value.unbilled) == ("upstream_timeout", False)
    assert word in ended.value.message


def test_call_when_the_rows_time_is_shorter_than_the_providers_then_it_counts(
    upstream: Running, client: HttpClient, watchdog: Watchdog
) -> None:
    call = Call(LONG, total_seconds=0.3)

    with watchdog.watching(call), pytest.raises(UpstreamError, match="total"):
        generate(client, upstream.url, "mock-n5000-i20", call)


def test_call_when_words_keep_coming_then_progress_is_never_missed(
    upstream: Running, client: HttpClient, watchdog: Watchdog
) -> None:
    call = Call(deadlines(progress=0.5), total_seconds=60)

    with watchdog.watching(call):
        events = generate(client, upstream.url, "mock-n40-i20", call)

    assert events[-1]["type"] == "response.completed"


def test_call_when_words_pause_longer_than_the_first_byte_may_take_then_heard_all_the_same(
    upstream: Running, client: HttpClient, watchdog: Watchdog
) -> None:
    call = Call(deadlines(first_byte=0.3, progress=10), total_seconds=60)

    with watchdog.watching(call):
        events = generate(client, upstream.url, "mock-n2-i700", call)

    assert events[-1]["type"] == "response.completed"


def test_call_when_fenced_then_lease_lost_and_the_upstream_sees_the_socket_close(
    upstream: Running, client: HttpClient
) -> None:
    call = Call(LONG, total_seconds=60)
    threading.Timer(0.2, call.fence).start()

    with pytest.raises(LeaseLost):
        generate(client, upstream.url, "mock-n5000-i20", call, key="resp_fenced")

    def outcome() -> str:
        (line,) = upstream.ledger()["calls"]["resp_fenced"]
        return str(line["outcome"])

    wait_until(lambda: outcome() != "running", "the upstream has noticed")
    assert outcome() != "completed"


def test_call_when_fenced_before_it_is_sent_then_nothing_is_sent(
    upstream: Running, client: HttpClient
) -> None:
    call = Call(LONG, total_seconds=60)
    call.fence()

    with pytest.raises(LeaseLost):
        generate(client, upstream.url, "mock-n3", call, key="resp_early")

    assert "resp_early" not in upstream.ledger()["calls"]


def test_call_when_ended_twice_then_the_first_reason_counts() -> None:
    call = Call(LONG, total_seconds=60)

    call.end("total")
    call.fence()

    with pytest.raises(UpstreamError, match="total"):
        call.check()


def test_watchdog_when_the_beat_is_dead_then_what_runs_is_given_up(
    backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "WATCH_SECONDS", 0.02)
    beat = Beat(backends.store.leases, backends.log, owner=OWNER, heartbeat_seconds=3600)
    watchdog = Watchdog(beat)
    lost = threading.Event()

    with beat.holding("resp_1", 1, lost.set):
        watchdog.start()  # the beat was never started
        assert lost.wait(10)

    watchdog.stop()


def test_post_when_nobody_listens_then_unbilled(client: HttpClient) -> None:
    with pytest.raises(UpstreamError) as refused:
        post(client, f"http://127.0.0.1:{free_port()}/v1/responses")

    assert (refused.value.reason, refused.value.unbilled) == ("upstream_unreachable", True)


def test_post_when_the_name_does_not_exist_then_unbilled(client: HttpClient) -> None:
    with pytest.raises(UpstreamError) as refused:
        post(client, "http://no-such-host.invalid/v1/responses")

    assert (refused.value.reason, refused.value.unbilled) == ("upstream_unreachable", True)


def test_post_when_nobody_accepts_in_time_then_unbilled(client: HttpClient) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)  # the queue of connections is full
        try:
            with pytest.raises(UpstreamError) as refused:
                post(
                    client, f"http://127.0.0.1:{address[1]}/", Call(deadlines(connect=0.2), total_seconds=60)
                )
        finally:
            for one in waiting:
                one.close()

    assert (refused.value.reason, refused.value.unbilled) == ("upstream_unreachable", True)


def test_post_when_tls_is_not_spoken_there_then_unbilled(client: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: answer_in_plain(listener))
        thread.start()
        with pytest.raises(UpstreamError) as refused:
            post(client, f"https://127.0.0.1:{listener.getsockname()[1]}/v1/responses")
        thread.join(10)

    assert (refused.value.reason, refused.value.unbilled) == ("upstream_unreachable", True)


def answer_in_plain(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def test_post_when_the_connection_breaks_after_sending_then_the_outcome_is_unknown(
    client: HttpClient,
) -> None:
    with Server(answers=[b""]) as server, pytest.raises(UpstreamError) as broken:
        post(client, server.url)

    assert (broken.value.reason, broken.value.unbilled) == ("upstream_disconnected", False)


@pytest.mark.parametrize("fault", ["cut:2", "reset:2", "truncate:2"])
def test_stream_when_it_breaks_off_then_never_unbilled(
    upstream: Running, client: HttpClient, fault: str
) -> None:
    call = Call(LONG, total_seconds=60)

    try:
        events = generate(client, upstream.url, f"mock-n9!fault={fault}", call)
    except UpstreamError as error:
        assert (error.reason, error.unbilled) == ("upstream_disconnected", False)
    else:
        assert events[-1]["type"] != "response.completed"


def test_post_when_redirected_then_not_followed(client: HttpClient) -> None:
    away = b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"

    with Server(answers=[away]) as server:
        reply = client.post(server.url, b"{}", {}, Call(LONG, total_seconds=60))
        reply.close()

    assert reply.status == 307


def test_post_when_a_cookie_is_set_then_never_sent_back(client: HttpClient) -> None:
    with Server(answers=[_ok(b"Set-Cookie: a=b; Path=/\r\n"), _ok()]) as server:
        post(client, server.url)
        post(client, server.url)

    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_connection_when_it_was_just_used_then_used_again(client: HttpClient) -> None:
    with Server(answers=[_ok(), _ok()]) as server:
        post(client, server.url)
        post(client, server.url)

    assert server.connections == 1


def test_connection_when_idle_for_long_then_a_new_one(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_CONNECTION_SECONDS", 0)
    with Server(answers=[_ok(), _ok()]) as server:
        post(client, server.url)
        post(client, server.url)

    assert server.connections == 2


def test_overdue_when_nothing_has_passed_then_none() -> None:
    assert Call(LONG, total_seconds=60).overdue(time.monotonic()) is None


def _ok(headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 2\r\n\r\n{}"


class Server:
    """Answers with the given bytes, one after the other; an empty answer closes the connection."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                while self._answers and self._reply(connection):
                    pass

    def _reply(self, connection: socket.socket) -> bool:
        request = b""
        while not request.endswith(b"{}"):
            part = connection.recv(65_536)
            if not part:
                return False
            request += part
        self.requests.append(request)
        answer = self._answers.pop(0)
        connection.sendall(answer)
        return bool(answer)
