"""What an Open Responses conformance suite asks over WebSocket (CONTRACT 10), line by line."""

from __future__ import annotations

from typing import Any

from tests.clients.http_lines import MODEL, QUESTION, Line, completed, message
from tests.support.event_order import check_story
from tests.support.shapes import Json, fit_compacted, fit_event, fit_socket_error
from tests.support.sockets import Socket, open_socket
from tests.support.stack import Stack

MADE_UP = "resp_" + "0" * 48


def turn(socket: Socket, text: str, **body: Any) -> Json:
    """One turn whose every event fits and which ends completed."""
    wanted = {"model": MODEL, "input": [message("user", text)], **body}
    events = [fit_event(event) for event in socket.turn(**wanted)]
    return completed(check_story(events))


def refused(socket: Socket, **body: Any) -> str:
    """The code of a turn that is refused."""
    (only,) = socket.turn(**{"model": MODEL, "input": [message("user", "hello")], **body})
    code: str = fit_socket_error(only)["error"]["code"]
    return code


def websocket_response(stack: Stack) -> None:
    with open_socket(stack) as socket:
        turn(socket, "Count from 1 to 5.")


def sequential_responses(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = turn(socket, "Say one.", store=False)
        second = turn(socket, "Say two.", store=False)
    assert first["id"] != second["id"]


def continuation(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = turn(socket, "My name is Alice.", store=False)
        second = turn(socket, "echo request", store=False, previous_response_id=first["id"])
    assert "My name is Alice." in second["output"][0]["content"][0]["text"]


def reconnect_store_false_recovery(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = turn(socket, "My name is Alice.", store=False)
    with open_socket(stack) as socket:
        code = refused(socket, store=False, previous_response_id=first["id"])
        assert code == "previous_response_not_found"
        turn(socket, "Then anew.", store=False)


def previous_response_not_found(stack: Stack) -> None:
    with open_socket(stack) as socket:
        assert refused(socket, previous_response_id=MADE_UP) == "previous_response_not_found"


def failed_continuation_evicts_cache(stack: Stack) -> None:
    stray = {"type": "function_call_output", "call_id": "call_nobody_made", "output": "18 degrees"}
    with open_socket(stack) as socket:
        first = turn(socket, QUESTION, store=False)
        refused(socket, store=False, previous_response_id=first["id"], input=[stray])
        code = refused(socket, store=False, previous_response_id=first["id"])
    assert code == "previous_response_not_found"


def compact_new_chain(stack: Stack) -> None:
    body = {"model": MODEL, "input": [message("user", "My name is Alice.")]}
    answer = stack.request("POST", "/responses/compact", json=body)
    assert answer.status_code == 200, answer.text
    window = fit_compacted(answer.json())["output"]
    with open_socket(stack) as socket:
        turn(socket, "", input=[*window, message("user", "Go on.")], tools=[], store=False)


LINES: dict[str, Line] = {
    "websocket-response": websocket_response,
    "websocket-sequential-responses": sequential_responses,
    "websocket-continuation": continuation,
    "websocket-reconnect-store-false-recovery": reconnect_store_false_recovery,
    "websocket-previous-response-not-found": previous_response_not_found,
    "websocket-failed-continuation-evicts-cache": failed_continuation_evicts_cache,
    "websocket-compact-new-chain": compact_new_chain,
}
