"""WebSocket mode seen by a plain client: messages out, turns in, nothing of the SDK between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.contract import Json
from tests.support.event_order import TERMINAL_EVENTS
from tests.support.stack import Stack

PATIENCE_SECONDS = 30


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, **message: Any) -> None:
        """A create of the plain model, unless the message says otherwise."""
        wanted = {"type": "response.create", "model": "plain", "input": "hello", **message}
        self.connection.send(json.dumps(wanted))

    def receive(self) -> Json:
        data = self.connection.recv(PATIENCE_SECONDS)
        assert isinstance(data, str), "messages are text"
        message: Json = json.loads(data)
        return message

    def events(self) -> list[Json]:
        """One turn's events, up to its end or to an error."""
        events = [self.receive()]
        while events[-1]["type"] not in (*TERMINAL_EVENTS, "error"):
            events.append(self.receive())
        return events

    def turn(self, **message: Any) -> list[Json]:
        self.send(**message)
        return self.events()

    def response(self, **message: Any) -> Json:
        """The final object of a turn that must end with one."""
        last = self.turn(**message)[-1]
        assert "response" in last, last
        response: Json = last["response"]
        return response

    def error(self, **message: Any) -> Json:
        """The error message of a turn that must be refused."""
        (only,) = self.turn(**message)
        return check_error_message(only)


@contextmanager
def open_socket(
    stack: Stack, key: str | None = None, *, base_url: str | None = None, unread: int | None = None
) -> Iterator[Socket]:
    """`unread`: after how many messages the client stops reading; never, as it stands."""
    url = (base_url or stack.base_url).replace("http://", "ws://") + "/responses"
    headers = {"Authorization": f"Bearer {key or stack.api_key}"}
    with connect(url, additional_headers=headers, max_size=None, max_queue=unread, proxy=None) as connection:
        yield Socket(connection)


def check_error_message(message: Json) -> Json:
    """CONTRACT 4.7: what an error looks like on a socket; its inner object, with the status."""
    assert message["type"] == "error", message
    assert type(message["status"]) is int and 400 <= message["status"] < 600
    error: Json = message["error"]
    assert isinstance(error["code"], str) and error["code"]
    assert isinstance(error["message"], str) and error["message"]
    assert isinstance(error["type"], str) and "param" in error
    return {**error, "status": message["status"]}
