"""Responses in a conversation: its items go upstream first; a turn joins it when it has come to its end."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.functional.test_conversations import items_of, talk, text_of
from tests.support.contract import Json, check_response
from tests.support.echo import ECHO, said, sent_for
from tests.support.lanes import together
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import create, create_stream, events_of, follow

SLOW = "mock-n400-i10"


def answer_of(response: Json) -> str:
    return text_of(response["output"][-1])


def ended(stack: Stack, response_id: str) -> Json:
    def terminal() -> Json | None:
        response: Json = stack.request("GET", f"/responses/{response_id}").json()
        return None if response["status"] in ("queued", "in_progress") else response

    return wait_until(terminal, "the response ends") or {}


def test_create_when_in_a_conversation_then_the_upstream_gets_its_items_first(stack: Stack) -> None:
    identity = talk(stack, "one", "two")

    sent = sent_for(stack, conversation=identity)

    assert [said(i) for i in sent["input"]] == [("user", "one"), ("user", "two"), ("user", ECHO)]
    assert "conversation" not in sent


@pytest.mark.parametrize("shape", ["id", "object"])
def test_create_when_in_a_conversation_then_the_object_names_it(stack: Stack, shape: str) -> None:
    identity = talk(stack)

    response = create(stack, conversation=identity if shape == "id" else {"id": identity})

    assert check_response(response)["conversation"] == {"id": identity}


def test_create_when_it_completes_then_its_input_and_output_are_in_the_conversation(stack: Stack) -> None:
    identity = talk(stack, "before")

    response = create(stack, conversation=identity, input="question")

    items = items_of(stack, identity)
    assert [text_of(i) for i in items[:2]] == ["before", "question"]
    assert items[2:] == response["output"]


def test_create_when_it_is_the_third_turn_then_all_turns_go_oldest_first(stack: Stack) -> None:
    client = stack.client()
    identity = client.conversations.create().id
    for text in ("one", "two"):
        client.responses.create(model="plain", input=text, conversation=identity)

    sent = sent_for(stack, conversation=identity)

    assert [who for who, _ in map(said, sent["input"])] == ["user", "assistant", "user", "assistant", "user"]
    assert [text for who, text in map(said, sent["input"]) if who == "user"] == ["one", "two", ECHO]


def test_create_when_it_is_incomplete_then_its_turn_is_in_the_conversation(stack: Stack) -> None:
    identity = talk(stack)

    response = create(stack, model="mock-n50", max_output_tokens=16, conversation=identity)

    assert response["status"] == "incomplete"
    assert items_of(stack, identity)[1:] == response["output"]


def test_create_when_it_fails_then_nothing_is_in_the_conversation(stack: Stack) -> None:
    identity = talk(stack)

    response = create(stack, model="plain!fault=failed:3", conversation=identity)

    assert (response["status"], items_of(stack, identity)) == ("failed", [])


def test_create_when_cancelled_then_nothing_is_in_the_conversation(stack: Stack) -> None:
    identity = talk(stack)
    response = create(stack, model=SLOW, background=True, conversation=identity)

    stack.request("POST", f"/responses/{response['id']}/cancel")

    assert ended(stack, response["id"])["status"] == "cancelled"
    assert items_of(stack, identity) == []


def test_create_when_not_stored_then_the_history_is_read_and_nothing_is_written(stack: Stack) -> None:
    identity = talk(stack, "before")

    sent = sent_for(stack, conversation=identity, store=False)

    assert [said(i) for i in sent["input"]] == [("user", "before"), ("user", ECHO)]
    assert [text_of(i) for i in items_of(stack, identity)] == ["before"]


def test_stream_when_it_has_ended_then_its_turn_is_in_the_conversation(stack: Stack) -> None:
    identity = talk(stack)

    events = events_of(create_stream(stack, conversation=identity, input="question"))

    response = events[-1]["response"]
    assert response["conversation"] == {"id": identity}
    assert [text_of(i) for i in items_of(stack, identity)] == ["question", answer_of(response)]


def test_background_when_followed_to_its_end_then_its_turn_is_in_the_conversation(stack: Stack) -> None:
    identity = talk(stack)
    response = create(stack, conversation=identity, background=True, input="question")

    follow(stack, response["id"])

    assert len(items_of(stack, identity)) == 2


def test_create_when_items_come_while_it_runs_then_its_history_stays_as_it_was(stack: Stack) -> None:
    identity = talk(stack, "before")
    response = create(stack, model="mock-n60-i10", background=True, conversation=identity, input="question")

    stack.request(
        "POST", f"/conversations/{identity}/items", json={"items": [{"role": "user", "content": "meanwhile"}]}
    )

    text = answer_of(ended(stack, response["id"]))
    assert [text_of(i) for i in items_of(stack, identity)] == ["before", "meanwhile", "question", text]
    listed = stack.request("GET", f"/responses/{response['id']}/input_items?order=asc").json()["data"]
    assert [text_of(i) for i in listed] == ["before", "question"]


def test_delete_when_a_response_runs_then_it_ends_normally_and_keeps_its_history(stack: Stack) -> None:
    identity = talk(stack, "before")
    response = create(stack, model="mock-n60-i10", background=True, conversation=identity, input="question")

    assert stack.request("DELETE", f"/conversations/{identity}").status_code == 200

    assert ended(stack, response["id"])["status"] == "completed"
    sent = sent_for(stack, previous_response_id=response["id"])
    assert [text for who, text in map(said, sent["input"]) if who == "user"] == ["before", "question", ECHO]


def test_create_when_many_run_at_once_then_no_turn_stands_between_the_items_of_another(stack: Stack) -> None:
    identity = talk(stack)

    def turn(number: int) -> Json:
        return create(stack, model="mock-n20-i2", conversation=identity, input=f"question {number}")

    results = together(*(partial(turn, n) for n in range(6)))

    items = items_of(stack, identity)
    assert sorted(text_of(i) for i in items[::2]) == [f"question {n}" for n in range(6)]
    assert sorted(i["id"] for i in items[1::2]) == sorted(r["output"][0]["id"] for r in results)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_input_items_when_in_a_conversation_then_history_and_input_page_by_page(
    stack: Stack, order: Any
) -> None:
    identity = talk(stack, "one", "two", "three")
    response = create(stack, conversation=identity, input="question")

    listed = list(stack.client().responses.input_items.list(response["id"], limit=2, order=order))

    texts = ["one", "two", "three", "question"]
    assert [i.content[0].text for i in listed] == (texts if order == "asc" else texts[::-1])


def test_chain_when_it_goes_on_from_a_conversation_then_the_upstream_gets_all_of_it(stack: Stack) -> None:
    identity = talk(stack, "one")
    first = create(stack, conversation=identity, input="two")

    sent = sent_for(stack, previous_response_id=first["id"])

    assert [text for who, text in map(said, sent["input"]) if who == "user"] == ["one", "two", ECHO]


def test_reference_when_it_names_an_item_of_a_conversation_then_the_item_is_sent(stack: Stack) -> None:
    (item,) = items_of(stack, talk(stack, "far away"))

    sent = sent_for(stack, input=[{"id": item["id"]}, {"role": "user", "content": ECHO}])

    assert said(sent["input"][0]) == ("user", "far away")


def test_create_when_a_client_feeds_the_turn_back_then_it_is_taken(stack: Stack) -> None:
    identity = talk(stack)
    first = create(stack, conversation=identity)

    again = create(stack, conversation=identity, input=[*first["output"], {"role": "user", "content": "on"}])

    ids = [i["id"] for i in items_of(stack, identity)]
    assert again["status"] == "completed"
    assert len(ids) == len(set(ids)) == 5


def test_reasoning_when_the_conversation_goes_on_then_it_goes_upstream_sealed(stack: Stack) -> None:
    identity = talk(stack)
    create(stack, conversation=identity, reasoning={"effort": "low"})

    sent = sent_for(stack, conversation=identity)

    sealed = [i for i in sent["input"] if i.get("type") == "reasoning"]
    assert len(sealed) == 1 and sealed[0]["encrypted_content"]
