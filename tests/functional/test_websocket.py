"""WebSocket mode: turns, their order and lanes, the connection's memory, and what leaves it open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from typing import Any

import psutil
import pytest
import requests

from tests.functional.test_blocking import sent_upstream
from tests.support.contract import check_error, check_response
from tests.support.event_order import check_story
from tests.support.sockets import Socket, check_error_message, open_socket
from tests.support.stack import ROOT, Stack
from tests.support.waiting import wait_until
from tests.support.wire import column_of, follow

SLOW = "mock-n2000-i20"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
UNKNOWN_CALL = [{"type": "function_call_output", "call_id": "call_nobody", "output": "1"}]


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


# the connection's memory


def test_continuation_when_nothing_is_stored_then_the_upstream_has_all_turns(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False, input="one")
        second = socket.response(store=False, input="two", previous_response_id=first["id"])
        third = socket.response(store=False, input="echo request", previous_response_id=second["id"])

    texts = [_text(item) for item in sent_upstream(third)["input"]]
    assert [texts[0], texts[2], texts[4]] == ["one", "two", "echo request"]
    assert texts[1] == _text(first["output"][0]) and texts[3] == _text(second["output"][0])


def test_continuation_when_nothing_is_stored_then_the_object_names_the_response_before(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False)
        events = socket.turn(store=False, previous_response_id=first["id"])

    assert check_story(events)["previous_response_id"] == first["id"]
    assert events[0]["response"]["previous_response_id"] == first["id"]


def test_continuation_when_the_chain_began_stored_then_the_upstream_has_all_turns(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(input="one")
        second = socket.response(store=False, input="two", previous_response_id=first["id"])
        third = socket.response(store=False, input="echo request", previous_response_id=second["id"])

    texts = [_text(item) for item in sent_upstream(third)["input"]]
    assert [texts[0], texts[2], texts[4]] == ["one", "two", "echo request"]


def test_continuation_when_it_answers_a_tool_call_then_it_completes(stack: Stack) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
    with open_socket(stack) as socket:
        asked = socket.response(store=False, input="What is the weather?", tools=[tool])
        (call,) = [item for item in asked["output"] if item["type"] == "function_call"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}

        answered = socket.response(store=False, input=[output], previous_response_id=asked["id"])

    assert answered["status"] == "completed"


def test_continuation_when_the_socket_is_new_then_the_id_is_unknown_there(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False)

    with open_socket(stack) as socket:
        error = socket.error(store=False, previous_response_id=first["id"])
        fresh = socket.response(store=False)

    assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
    assert fresh["status"] == "completed"


def test_continuation_when_the_id_is_made_up_then_it_is_unknown(stack: Stack) -> None:
    with open_socket(stack) as socket:
        error = socket.error(previous_response_id="resp_" + "0" * 48)

    assert (error["status"], error["code"]) == (400, "previous_response_not_found")


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param({"input": UNKNOWN_CALL}, id="refused"),
        pytest.param({"temperature": 3}, id="invalid"),
        pytest.param({"model": "plain!fault=refuse:400"}, id="failed"),
    ],
)
def test_continuation_when_one_failed_then_its_id_is_forgotten(stack: Stack, failing: dict[str, Any]) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False)
        failed = socket.turn(**{"store": False, "previous_response_id": first["id"], **failing})[-1]

        error = socket.error(store=False, previous_response_id=first["id"])

    assert failed["type"] in ("error", "response.failed")
    assert error["code"] == "previous_response_not_found"


def test_continuation_when_a_later_response_came_then_the_older_one_is_forgotten(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False)
        socket.response(store=False)

        error = socket.error(store=False, previous_response_id=first["id"])

    assert error["code"] == "previous_response_not_found"


def test_continuation_when_it_is_stored_then_it_is_one_for_every_connection(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(input="one")
    with open_socket(stack) as socket:
        second = socket.response(input="echo request", previous_response_id=first["id"])

    assert _text(sent_upstream(second)["input"][0]) == "one"


def test_continuation_when_it_is_stored_after_unstored_turns_then_its_items_are_listed(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False, input="one")
        second = socket.response(store=True, input="two", previous_response_id=first["id"])

    listed = stack.request("GET", f"/responses/{second['id']}/input_items?order=asc").json()["data"]
    assert [_text(listed[0]), _text(listed[2])] == ["one", "two"]


def test_chain_when_it_begins_with_a_compaction_then_the_turn_completes(stack: Stack) -> None:
    answer = stack.request("POST", "/responses/compact", json={"model": "plain", "input": "a long story"})
    user = {"type": "message", "role": "user", "content": "go on"}

    with open_socket(stack) as socket:
        response = socket.response(input=[*answer.json()["output"], user], tools=[])

    assert response["status"] == "completed"


def test_turn_when_the_key_was_revoked_meanwhile_then_it_is_refused(stack: Stack) -> None:
    key = stack.new_key("revoked-on-a-socket")
    with open_socket(stack, key) as socket:
        assert socket.response()["status"] == "completed"
        _revoke(stack, "revoked-on-a-socket")

        refused = wait_until(lambda: _refusal(socket), "the key is no longer trusted")

    assert check_error_message(refused)["status"] == 401


# lanes


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


# errors leave the socket open


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


# upgrades


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


# the client goes


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
    before = len(server.net_connections("tcp"))
    sockets = [open_socket(stack) for _ in range(10)]
    for number, opening in enumerate(sockets):
        opened = opening.__enter__()
        opened.send(model=SLOW, store=False) if number % 2 else opened.response()
    assert len(server.net_connections("tcp")) >= before + 10

    for opening in sockets:
        opening.__exit__(None, None, None)

    wait_until(lambda: len(server.net_connections("tcp")) <= before + 2, "connections are closed")


# the official client


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


def _text(item: dict[str, Any]) -> str:
    content = item["content"]
    text: str = content if isinstance(content, str) else content[0]["text"]
    return text


def _revoke(stack: Stack, tenant: str) -> None:
    base = [sys.executable, "-m", "cli", "keys"]
    where = ["--data-dir", str(stack.data_dir)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = partial(subprocess.run, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in run([*base, "list", *where]).stdout.splitlines()]
    (key_id,) = [row[0] for row in rows if row[1] == tenant]
    run([*base, "revoke", key_id, *where])


def _refusal(socket: Socket) -> dict[str, Any] | None:
    last = socket.turn()[-1]
    return last if last["type"] == "error" else None


def _first_error(socket: Socket) -> dict[str, Any]:
    while (message := socket.receive())["type"] != "error":
        pass
    return message


def _api_worker(stack: Stack) -> psutil.Process:
    """The process that answers: gunicorn's child."""
    (child,) = psutil.Process(stack.pid("api")).children()
    return child
