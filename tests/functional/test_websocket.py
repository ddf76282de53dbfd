"""WebSocket mode: upgrades, whole turns, the official client's helper, and clients that go away."""

from __future__ import annotations

from typing import Any

import psutil
import pytest
import requests

from tests.support.contract import check_error, check_response
from tests.support.event_order import check_story
from tests.support.sockets import Socket, check_error_message, open_socket
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import column_of, follow

SLOW = "mock-n2000-i20"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_turn_when_the_upstream_answers_then_its_events_tell_the_whole_story(stack: Stack) -> None:
    with open_socket(stack) as socket:
        events = socket.turn()

    assert check_story(events)["status"] == "completed"


def test_turn_when_done_then_it_is_the_same_response_by_http(stack: Stack) -> None:
    with open_socket(stack) as socket:
        events = socket.turn(metadata={"via": "socket"})

    response = events[-1]["response"]
    assert stack.request("GET", f"/responses/{response['id']}").json() == response
    assert follow(stack, response["id"]) == events


def test_turn_at_the_guides_path_when_asked_then_it_is_the_same_mode(stack: Stack) -> None:
    base = stack.base_url.removesuffix("/v1") + "/api/llm/api/inference/openai"

    with open_socket(stack, base_url=base) as socket:
        assert socket.response()["status"] == "completed"


def test_turns_when_sequential_then_each_is_whole(stack: Stack) -> None:
    with open_socket(stack) as socket:
        stories = [check_story(socket.turn(store=False, input=f"say {n}")) for n in range(3)]

    assert len({story["id"] for story in stories}) == 3


def test_turns_when_sent_at_once_then_they_are_answered_in_their_order(stack: Stack) -> None:
    with open_socket(stack) as socket:
        for n in range(4):
            socket.send(metadata={"n": str(n)}, model="mock-n5-i5")
        stories = [check_story(socket.events()) for _ in range(4)]

    assert [story["metadata"]["n"] for story in stories] == ["0", "1", "2", "3"]


def test_turn_when_the_answer_is_long_and_read_late_then_every_event_arrives(stack: Stack) -> None:
    with open_socket(stack, unread=1) as socket:
        socket.send(model="mock-n20000")
        first = socket.receive()
        wait_until(lambda: column_of(stack, first["response"]["id"], "terminal_at"), "it ended")
        events = [first, *socket.events()]

    assert check_story(events)["status"] == "completed"


def test_turn_when_the_upstream_fails_then_it_ends_as_failed(stack: Stack) -> None:
    with open_socket(stack) as socket:
        events = socket.turn(model="plain!fault=cut:3")

    assert events[-1]["type"] == "response.failed"
    assert check_response(events[-1]["response"])["status"] == "failed"


def test_sdk_connect_when_it_creates_then_its_events_end_completed(stack: Stack) -> None:
    with stack.client().responses.connect() as connection:
        connection.response.create(model="plain", input="hello", store=False)
        events: list[Any] = []
        for event in connection:
            events.append(event)
            if event.type in ("response.completed", "error"):
                break

    assert events[-1].response.status == "completed"
    assert "hello" in events[-1].response.output_text


def test_sdk_connect_when_refused_then_it_reads_the_error(stack: Stack) -> None:
    with stack.client().responses.connect() as connection:
        connection.response.create(model="plain", input="hi", previous_response_id="resp_" + "0" * 48)
        event: Any = connection.recv()

    assert (event.type, event.error.code) == ("error", "previous_response_not_found")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk-rsp-wrong"}])
def test_upgrade_when_the_key_is_wrong_then_it_is_refused_with_401(
    stack: Stack, headers: dict[str, str]
) -> None:
    answer = requests.get(stack.base_url + "/responses", headers={**UPGRADE, **headers}, timeout=10)

    assert answer.status_code == 401
    assert check_error(answer.status_code, answer.json())["message"]


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Sec-WebSocket-Version", "8", 426),
        ("Sec-WebSocket-Key", "short", 400),
        ("Transfer-Encoding", "chunked", 400),
    ],
)
def test_upgrade_when_its_headers_are_wrong_then_it_is_refused_in_our_envelope(
    stack: Stack, header: str, value: str, status: int
) -> None:
    answer = stack.request("GET", "/responses", headers={**UPGRADE, header: value})

    assert answer.status_code == status
    check_error(answer.status_code, answer.json())


def test_upgrade_when_accepted_then_the_request_has_a_name(stack: Stack) -> None:
    with open_socket(stack) as socket:
        assert socket.connection.response is not None
        assert socket.connection.response.headers["x-request-id"]


def test_get_when_it_is_no_upgrade_then_it_is_plain_http(stack: Stack) -> None:
    assert stack.request("GET", "/responses").headers["content-type"] == "application/json"


@pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")  # each process remembers keys
def test_turn_when_the_key_was_revoked_meanwhile_then_it_is_refused(stack: Stack) -> None:
    key = stack.new_key("revoked-on-a-socket")
    with open_socket(stack, key) as socket:
        assert socket.response()["status"] == "completed"
        _revoke(stack, "revoked-on-a-socket")

        refused = wait_until(lambda: _refusal(socket), "the key is no longer trusted")

    assert check_error_message(refused)["status"] == 401


def test_close_when_an_unstored_response_runs_then_it_is_cancelled(stack: Stack) -> None:
    with open_socket(stack) as socket:
        socket.send(model=SLOW, store=False)
        response_id = socket.receive()["response"]["id"]

    wait_until(lambda: column_of(stack, response_id, "status") == "cancelled", "it is cancelled")


def test_close_when_a_stored_response_runs_then_it_goes_on(stack: Stack) -> None:
    with open_socket(stack) as socket:
        socket.send(model="mock-n100-i10")
        response_id = socket.receive()["response"]["id"]

    wait_until(lambda: column_of(stack, response_id, "status") == "completed", "it is completed")


def test_close_when_turns_wait_then_they_are_not_begun(stack: Stack) -> None:
    key = stack.new_key("waiting-turns")
    with open_socket(stack, key) as socket:
        socket.send(model=SLOW, store=False)
        first = socket.receive()["response"]["id"]
        socket.send(metadata={"turn": "second"})
    wait_until(lambda: column_of(stack, first, "status") == "cancelled", "the first is cancelled")

    listed = stack.request("GET", "/responses", key).json()

    assert listed["data"] == []


def test_close_when_many_sockets_are_gone_then_the_process_holds_nothing_of_them(stack: Stack) -> None:
    with open_socket(stack) as socket:
        socket.response()
    server = _api_worker(stack)
    before = _clients(stack, server)
    sockets = [open_socket(stack) for _ in range(10)]
    for number, opening in enumerate(sockets):
        opened = opening.__enter__()
        opened.send(model=SLOW, store=False) if number % 2 else opened.response()
    assert _clients(stack, server) >= before + 10

    for opening in sockets:
        opening.__exit__(None, None, None)

    wait_until(lambda: _clients(stack, server) <= before + 2, "connections are closed")


def _clients(stack: Stack, server: psutil.Process) -> int:
    """Connections of clients; the pools of the database and of Redis come and go by their own rules."""
    port = int(stack.base_url.split(":")[2].split("/")[0])
    return sum(c.laddr.port == port and c.status == "ESTABLISHED" for c in server.net_connections("tcp"))


def _revoke(stack: Stack, tenant: str) -> None:
    rows = [line.split("\t") for line in stack.keys("list").splitlines()]
    (key_id,) = [row[0] for row in rows if row[1] == tenant]
    stack.keys("revoke", key_id)


def _refusal(socket: Socket) -> dict[str, Any] | None:
    last = socket.turn()[-1]
    return last if last["type"] == "error" else None


def _api_worker(stack: Stack) -> psutil.Process:
    """The process that answers: gunicorn's child."""
    (child,) = psutil.Process(stack.pid("api")).children()
    return child
