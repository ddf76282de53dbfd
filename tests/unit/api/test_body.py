"""A body that does not arrive: its request ends by itself (RELIABILITY B77)."""

from __future__ import annotations

import io
import socket
from typing import Any

import pytest
from flask import Flask, request
from gevent.event import Event

from api import body, errors
from api.limits import BodyBudget

WHOLE = b'{"a": 1}'


class Stalling(io.RawIOBase):
    """Sends some of a body, then nothing; gives up after a while lest the test hangs."""

    def __init__(self, given: bytes) -> None:
        self._given = given

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._given:
            count = min(len(buffer), len(self._given))
            buffer[:count], self._given = self._given[:count], self._given[count:]
            return count
        Event().wait(20)
        return 0


@pytest.fixture
def app() -> Flask:
    app = Flask("test")
    errors.install(app)
    body.install(app, BodyBudget(2**30), seconds=0.05)
    app.add_url_rule("/", view_func=lambda: {"got": body.read_json(request)}, methods=["POST"])
    return app


def post(app: Flask, given: bytes, **environ: Any) -> Any:
    headers = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(WHOLE))}
    environ = {**headers, "wsgi.input": Stalling(given), **environ}
    return app.test_client().post("/", environ_overrides=environ)


@pytest.mark.parametrize("given", [b"", WHOLE[:3]])
def test_body_when_it_stalls_then_408(app: Flask, given: bytes) -> None:
    answer = post(app, given)

    assert (answer.status_code, answer.json["error"]["code"]) == (408, "request_timeout")


def test_body_when_it_stalls_then_no_more_of_it_is_waited_for(app: Flask) -> None:
    ours, theirs = socket.socketpair()

    post(app, b"", **{"gunicorn.socket": ours})

    with ours, theirs:
        assert ours.recv(1) == b""


def test_body_when_it_is_there_then_it_is_read(app: Flask) -> None:
    answer = post(app, WHOLE)

    assert answer.json == {"got": {"a": 1}}
