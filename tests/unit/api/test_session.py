"""A connection over a socket pair: limits, pings, goodbyes, and what breaks the protocol."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, Ping, Pong, TextMessage

from api.auth import Caller
from api.channel import Channel
from api.limits import BodyBudget
from api.memory import Memory
from api.session import Limits, Session
from api.turns import Peer
from shared.wire import websocket
from tests.support.waiting import wait_until

PEER = Peer(lambda: Caller("t", "k"), {}, "req_1")
LONG = Limits(life=60, idle=60, ping=60, look=0.05)


class Client:
    """The other end: a plain WebSocket client, and the session that serves it in a thread."""

    def __init__(self) -> None:
        self.sock, self._served = socket.socketpair()
        self.sock.settimeout(30)
        self.ws = Connection(ConnectionType.CLIENT)
        self.draining = threading.Event()
        self.running = threading.Event()
        self.go_on = threading.Event()
        self._thread = threading.Thread(target=lambda: None)

    def serve(self, limits: Limits = LONG) -> Client:
        channel = Channel(self._served, max_bytes=1000)
        session = Session(
            channel, PEER, self._answer, limits=limits, max_waiting_bytes=1000, budget=BodyBudget(1000)
        )

        def run() -> None:
            session.run(self.draining)
            self._served.close()

        self._thread = threading.Thread(target=run)
        self._thread.start()
        return self

    def send(self, event: Event) -> None:
        self.sock.sendall(self.ws.send(event))

    def events(self) -> list[Event]:
        """Everything up to the server's goodbye."""
        heard: list[Event] = []
        while not any(isinstance(event, CloseConnection) for event in heard):
            data = self.sock.recv(65536)
            assert data, heard
            self.ws.receive_data(data)
            heard += self.ws.events()
        return heard

    def wait_for_news(self) -> None:
        assert self.sock.recv(1, socket.MSG_PEEK)

    def answer_to_ping(self) -> Event:
        self.send(Ping(payload=b"still there?"))
        self.ws.receive_data(self.sock.recv(65536))
        (event,) = self.ws.events()
        return event

    def ended(self) -> bool:
        return not self._thread.is_alive()

    def close(self) -> None:
        self.go_on.set()
        self.sock.close()
        self._thread.join(30)

    def _answer(
        self, channel: Channel, peer: Peer, memory: Memory, stream_id: str | None, message: dict[str, Any]
    ) -> None:
        self.running.set()
        assert self.go_on.wait(30)
        channel.send([orjson.dumps({"type": "answer", "to": message["n"]})])


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.close()


def test_connection_when_too_old_then_it_is_told_and_closed(client: Client) -> None:
    *others, goodbye = client.serve(Limits(life=0.1, look=0.05)).events()

    assert _errors(others) == ["websocket_connection_limit_reached"]
    assert isinstance(goodbye, CloseConnection) and goodbye.code == 1001


def test_connection_when_nothing_is_heard_then_it_is_told_and_closed(client: Client) -> None:
    *others, goodbye = client.serve(Limits(idle=0.1, look=0.05)).events()

    assert _errors(others) == ["websocket_connection_limit_reached"]
    assert isinstance(goodbye, CloseConnection) and goodbye.code == 1001


def test_connection_when_pings_are_answered_then_it_is_not_idle(client: Client) -> None:
    client.serve(Limits(idle=1.0, ping=0.04, look=0.02))
    pings = 0
    while pings < 30:  # longer than it may be idle
        client.ws.receive_data(client.sock.recv(65536))
        for event in client.ws.events():
            assert isinstance(event, Ping), event
            client.send(event.response())
            pings += 1

    assert not client.ended()


def test_connection_when_the_process_is_to_end_and_nothing_runs_then_it_is_closed(client: Client) -> None:
    client.serve()

    client.draining.set()
    goodbye = client.events()[-1]

    assert isinstance(goodbye, CloseConnection) and goodbye.code == 1001


def test_connection_when_the_process_is_to_end_then_what_runs_is_finished_first(client: Client) -> None:
    client.serve().send(TextMessage(data='{"n":1}'))
    assert client.running.wait(30)
    client.send(TextMessage(data='{"n":2}'))

    client.draining.set()
    # the second answer shows that the session has looked since
    alive = [client.answer_to_ping(), client.answer_to_ping()]
    client.go_on.set()
    heard = client.events()

    assert all(isinstance(event, Pong) for event in alive)
    assert [orjson.loads(e.data)["to"] for e in heard if isinstance(e, TextMessage)] == [1]


def test_goodbye_when_the_client_says_it_then_it_is_answered_and_all_ends(client: Client) -> None:
    client.serve().send(CloseConnection(code=1000, reason="done"))

    goodbye = client.events()[-1]
    client.sock.close()
    wait_until(client.ended, "the session has ended")

    assert isinstance(goodbye, CloseConnection) and goodbye.code == 1000


def test_connection_when_the_client_vanishes_then_the_session_ends(client: Client) -> None:
    client.serve().sock.close()

    wait_until(client.ended, "the session has ended")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"\x81\x02hi", 1002, id="unmasked"),
        pytest.param(b"\xff\x80\x00\x00\x00\x00", 1002, id="reserved"),
        pytest.param(b"\x81\x82\x00\x00\x00\x00\xff\xfe", 1007, id="not-utf8"),
        pytest.param(b"\x80\x80\x00\x00\x00\x00", 1002, id="continues-nothing"),
    ],
)
def test_connection_when_the_protocol_is_broken_then_it_is_closed_with_the_reason(
    client: Client, raw: bytes, code: int
) -> None:
    client.serve().sock.sendall(raw)

    goodbye = client.events()[-1]

    assert isinstance(goodbye, CloseConnection) and goodbye.code == code


def test_message_when_it_is_too_large_in_pieces_then_only_it_is_refused(client: Client) -> None:
    client.serve().go_on.set()
    for _ in range(3):
        client.send(TextMessage(data="x" * 400, message_finished=False))
    client.send(TextMessage(data="x"))
    client.send(TextMessage(data='{"n":1}'))
    assert client.running.wait(30)
    client.draining.set()

    texts = [orjson.loads(e.data) for e in client.events() if isinstance(e, TextMessage)]

    assert texts[0]["status"] == 413


def test_error_messages_when_sent_then_they_are_the_wires(client: Client) -> None:
    client.serve().send(TextMessage(data="not json"))
    client.wait_for_news()
    client.draining.set()

    (text,) = [e for e in client.events() if isinstance(e, TextMessage)]

    with pytest.raises(Exception) as read:
        websocket.read_message(b"not json")
    assert orjson.loads(text.data) == orjson.loads(websocket.error_message(read.value, None))


def _errors(events: list[Event]) -> list[str]:
    return [orjson.loads(e.data)["error"]["code"] for e in events if isinstance(e, TextMessage)]
