"""WebSocket mode: lanes side by side, and messages that are refused while the socket stays open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.event_order import check_story
from tests.support.sockets import Socket, check_error_message, open_socket
from tests.support.stack import Stack

SLOW = "mock-n2000-i20"


def test_lanes_when_two_are_used_then_each_has_its_own_whole_story(stack: Stack) -> None:
    with open_socket(stack) as socket:
        for lane in ("a", "b"):
            socket.send(stream_id=lane, model="mock-n50-i5")
        events = [*socket.events(), *socket.events()]

    for lane in ("a", "b"):
        own = [{k: v for k, v in e.items() if k != "stream_id"} for e in events if e["stream_id"] == lane]
        assert check_story(own)["status"] == "completed"


def test_lanes_when_one_is_busy_then_another_does_not_wait(stack: Stack) -> None:
    with open_socket(stack) as socket:
        socket.send(stream_id="busy", model=SLOW, store=False)
        socket.send(stream_id="free")
        ended = socket.events()[-1]

    assert ended["stream_id"] == "free"


def test_lanes_when_a_new_one_continues_another_then_it_knows_the_response(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False, stream_id="a")

        forked = socket.response(store=False, stream_id="b", previous_response_id=first["id"])

    assert forked["status"] == "completed"


def test_lane_when_too_many_wait_then_the_last_is_refused(stack: Stack) -> None:
    with open_socket(stack) as socket:
        socket.send(model=SLOW, store=False)
        socket.receive()
        for _ in range(17):
            socket.send(store=False)
        refused = _first_error(socket)

    assert check_error_message(refused)["code"] == "too_many_requests_waiting"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"type": "response.cancel"}, "type"),
        ({"type": None}, "type"),
        ({"model": None}, "model"),
        ({"model": "strict/nobody"}, "model"),
        ({"stream": False}, "stream"),
        ({"background": True}, "background"),
        ({"stream_options": {"include_obfuscation": True}}, "stream_options"),
        ({"generate": False}, "generate"),
        ({"stream_id": "a b"}, "stream_id"),
        ({"stream_id": ""}, "stream_id"),
        ({"stream_id": 7}, "stream_id"),
        ({"temperature": 3}, "temperature"),
    ],
)
def test_message_when_refused_then_the_parameter_is_named_and_the_next_turn_completes(
    stack: Stack, message: dict[str, Any], param: str
) -> None:
    with open_socket(stack) as socket:
        error = socket.error(**message)
        after = socket.response()

    assert (error["param"], after["status"]) == (param, "completed")


@pytest.mark.parametrize("raw", ["", "{", "[]", "null", '{"type":"a","type":"b"}', b'{"type":"x"}'])
def test_message_when_it_cannot_be_read_then_an_error_and_the_next_turn_completes(
    stack: Stack, raw: str | bytes
) -> None:
    with open_socket(stack) as socket:
        socket.connection.send(raw)
        error = check_error_message(socket.receive())
        after = socket.response()

    assert (error["status"], after["status"]) == (400, "completed")


def test_message_when_too_large_then_an_error_and_the_next_turn_completes(stack: Stack) -> None:
    with open_socket(stack) as socket:
        socket.connection.send("x" * (16 * 1024 * 1024 + 1))
        error = check_error_message(socket.receive())
        after = socket.response()

    assert (error["status"], after["status"]) == (413, "completed")


def test_message_when_it_comes_in_fragments_then_it_is_one(stack: Stack) -> None:
    create = {"type": "response.create", "model": "plain", "input": "hello — ü"}
    message = json.dumps(create, ensure_ascii=False)

    with open_socket(stack) as socket:
        socket.connection.send(iter([message[:20], message[20:55], message[55:]]))

        assert socket.events()[-1]["response"]["status"] == "completed"


def test_message_when_it_says_what_a_socket_does_anyway_then_it_is_accepted(stack: Stack) -> None:
    with open_socket(stack) as socket:
        response = socket.response(stream=True, background=False, stream_options=None, generate=True)

    assert response["status"] == "completed"


def test_error_when_its_lane_is_named_then_it_says_so(stack: Stack) -> None:
    with open_socket(stack) as socket:
        (refused,) = socket.turn(model=None, stream_id="a.lane_1-x")

    assert refused["stream_id"] == "a.lane_1-x"


def _first_error(socket: Socket) -> dict[str, Any]:
    while (message := socket.receive())["type"] != "error":
        pass
    return message
