"""WebSocket mode's messages: what a create may say, and what events and errors look like."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.errors import InvalidRequest, NotFound
from shared.wire import events, websocket

CREATE = {"type": "response.create", "model": "m", "input": "x"}
FRAME = events.encode({"type": "response.output_text.delta", "sequence_number": 4, "delta": "a\n\n}"})


def test_create_body_when_read_then_it_streams_and_the_envelope_is_gone() -> None:
    body = websocket.create_body({**CREATE, "stream_id": "a", "background": None})

    assert body == {"model": "m", "input": "x", "stream": True}


@pytest.mark.parametrize("kind", ["response.cancel", "", 7, ["response.create"], None])
def test_create_body_when_the_type_is_another_then_it_is_refused(kind: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        websocket.create_body({**CREATE, "type": kind})

    assert refused.value.param == "type"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stream", False),
        ("stream", 1),
        ("background", True),
        ("background", 0),
        ("generate", False),
        ("stream_options", {"include_obfuscation": True}),
        ("stream_options", []),
    ],
)
def test_create_body_when_delivery_is_asked_otherwise_then_it_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        websocket.create_body({**CREATE, name: value})

    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stream", True),
        ("background", False),
        ("generate", True),
        ("stream_options", {}),
        ("stream_options", {"include_obfuscation": False}),
    ],
)
def test_create_body_when_it_says_what_is_so_anyway_then_it_is_let_through(name: str, value: Any) -> None:
    assert websocket.create_body({**CREATE, name: value}) == {"model": "m", "input": "x", "stream": True}


@pytest.mark.parametrize("given", ["a", "A.b_c-9", "x" * 256, None])
def test_stream_id_when_well_formed_then_it_is_the_lane(given: str | None) -> None:
    assert websocket.read_stream_id({"stream_id": given}) == given


@pytest.mark.parametrize("given", ["", "x" * 257, "a b", "a\n", 'a"', "ü", 7, ["a"]])
def test_stream_id_when_malformed_then_it_is_refused(given: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        websocket.read_stream_id({"stream_id": given})

    assert refused.value.param == "stream_id"


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"{", b'{"a":1,"a":2}', b'"\xff"'])
def test_message_when_it_is_no_object_then_it_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        websocket.read_message(data)


def test_event_message_when_no_lane_is_named_then_it_is_the_json_of_the_frame() -> None:
    assert websocket.event_message(FRAME, None) == FRAME.partition(b"\ndata: ")[2].removesuffix(b"\n\n")


def test_event_message_when_a_lane_is_named_then_it_is_the_last_key() -> None:
    message = websocket.event_message(FRAME, "a.b")

    assert orjson.loads(message) == {**events.decode(FRAME), "stream_id": "a.b"}


def test_error_message_when_the_error_has_no_code_then_its_type_is_one() -> None:
    message = orjson.loads(websocket.error_message(NotFound("gone"), "a"))

    assert message == {
        "type": "error",
        "status": 404,
        "error": {
            "type": "invalid_request_error",
            "code": "invalid_request_error",
            "message": "gone",
            "param": None,
        },
        "code": "invalid_request_error",
        "message": "gone",
        "param": None,
        "stream_id": "a",
    }
