"""A connection's memory: the latest unstored response of each lane, within bounds."""

from __future__ import annotations

from typing import Any

from api.creation import Accepted
from api.memory import MAX_ENTRIES, Memory
from shared.store.rows import ResponseRow, Stored
from shared.wire.request import parse_create

ANSWER = [{"type": "message", "id": "msg_1", "role": "assistant", "content": []}]


def test_find_when_a_response_was_kept_then_it_has_input_and_output() -> None:
    memory = Memory()

    memory.keep(None, _accepted("resp_1", "hello"), ANSWER)

    earlier = memory.find("resp_1")
    assert earlier is not None
    assert earlier.items == [{"role": "user", "content": "hello"}, *ANSWER]


def test_find_when_the_lane_has_a_later_one_then_the_older_is_gone() -> None:
    memory = Memory()
    for response_id in ("resp_1", "resp_2"):
        memory.keep("a", _accepted(response_id), ANSWER)

    assert (memory.find("resp_1"), memory.find("resp_2") is None) == (None, False)


def test_find_when_another_lane_has_a_later_one_then_both_are_there() -> None:
    memory = Memory()
    memory.keep("a", _accepted("resp_1"), ANSWER)
    memory.keep("b", _accepted("resp_2"), ANSWER)

    assert memory.find("resp_1") and memory.find("resp_2")


def test_keep_when_all_together_are_too_large_then_the_oldest_go() -> None:
    memory = Memory(max_bytes=1000)
    memory.keep("a", _accepted("resp_1", "x" * 600), [])
    memory.keep("b", _accepted("resp_2", "x" * 600), [])

    assert (memory.find("resp_1"), memory.find("resp_2") is None) == (None, False)


def test_keep_when_one_alone_is_too_large_then_it_is_not_kept() -> None:
    memory = Memory(max_bytes=1000)

    memory.keep("a", _accepted("resp_1", "x" * 2000), [])

    assert memory.find("resp_1") is None


def test_keep_when_there_are_too_many_lanes_then_the_oldest_goes() -> None:
    memory = Memory()
    for number in range(MAX_ENTRIES + 1):
        memory.keep(f"lane-{number}", _accepted(f"resp_{number}"), ANSWER)

    assert (memory.find("resp_0"), memory.find("resp_1") is None) == (None, False)


def test_keep_when_it_is_stored_then_the_store_has_it() -> None:
    memory = Memory()

    memory.keep(None, _accepted("resp_1", store=True), ANSWER)

    assert memory.find("resp_1") is None


def test_keep_when_it_belongs_to_a_conversation_then_its_history_is_elsewhere() -> None:
    memory = Memory()

    memory.keep(None, _accepted("resp_1", conversation_id="conv_1"), ANSWER)

    assert memory.find("resp_1") is None


def test_keep_when_a_call_was_broken_off_then_it_is_left_out() -> None:
    memory = Memory()
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{", "status": "incomplete"}

    memory.keep(None, _accepted("resp_1"), [*ANSWER, call])

    earlier = memory.find("resp_1")
    assert earlier is not None and call not in earlier.items


def test_forget_when_given_no_id_then_nothing_happens() -> None:
    memory = Memory()
    memory.keep(None, _accepted("resp_1"), ANSWER)

    for wrong in (None, 7, ["resp_1"], {"id": "resp_1"}):
        memory.forget(wrong)
        assert memory.find(wrong) is None

    assert memory.find("resp_1")


def _accepted(response_id: str, input: Any = "x", *, store: bool = False, **row: Any) -> Accepted:
    body = {"model": "m", "input": input}
    nothing: dict[str, Any] = dict.fromkeys(ResponseRow._fields)
    made = ResponseRow(**{**nothing, "id": response_id, "store": store, **row})
    return Accepted(parse_create(body), Stored(made, {}, None), body)
