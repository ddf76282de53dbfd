"""Chains: the earlier turns go upstream in full from our own store, and outlive what was deleted."""

from __future__ import annotations

from tests.support.contract import Json, check_response
from tests.support.echo import ECHO, said, sent_for
from tests.support.stack import Stack
from tests.support.wire import create, create_stream, error_of, events_of


def answer_of(response: Json) -> str:
    text: str = response["output"][-1]["content"][0]["text"]
    return text


def test_create_when_it_continues_another_then_the_upstream_gets_both_turns(stack: Stack) -> None:
    first = create(stack, input="one")

    sent = sent_for(stack, previous_response_id=first["id"])

    assert [said(item) for item in sent["input"]] == [
        ("user", "one"),
        ("assistant", answer_of(first)),
        ("user", ECHO),
    ]


def test_create_when_it_is_the_fourth_turn_then_all_turns_go_oldest_first(stack: Stack) -> None:
    turn = create(stack, input="one")
    for text in ("two", "three"):
        turn = create(stack, input=text, previous_response_id=turn["id"])

    sent = sent_for(stack, previous_response_id=turn["id"])

    users = [text for who, text in map(said, sent["input"]) if who == "user"]
    assert users == ["one", "two", "three", ECHO]
    assert len(sent["input"]) == 7


def test_create_when_it_continues_another_then_the_object_names_its_parent(stack: Stack) -> None:
    first = create(stack)

    second = create(stack, previous_response_id=first["id"])

    assert check_response(second)["previous_response_id"] == first["id"]


def test_create_when_streamed_and_chained_then_the_upstream_gets_both_turns(stack: Stack) -> None:
    first = events_of(create_stream(stack, input="one"))[-1]["response"]

    second = events_of(create_stream(stack, input=ECHO, previous_response_id=first["id"]))[-1]["response"]

    assert '"one"' in answer_of(second)


def test_create_when_the_parent_had_instructions_then_they_are_not_inherited(stack: Stack) -> None:
    first = create(stack, input="one", instructions="Speak like a pirate.", temperature=0.1)

    sent = sent_for(stack, previous_response_id=first["id"])

    assert ("instructions" in sent, "temperature" in sent) == (False, False)


def test_create_when_the_turns_had_ids_then_the_upstream_is_not_sent_ours(stack: Stack) -> None:
    first = create(stack, input=[{"role": "user", "content": "one"}])

    sent = sent_for(stack, previous_response_id=first["id"])

    assert [item.get("id") for item in sent["input"]] == [None, None, None]


def test_create_when_its_parent_was_deleted_later_then_the_chain_still_holds(stack: Stack) -> None:
    first = create(stack, input="one")
    second = create(stack, input="two", previous_response_id=first["id"])
    assert stack.request("DELETE", f"/responses/{first['id']}").status_code == 200

    sent = sent_for(stack, previous_response_id=second["id"])

    assert [text for who, text in map(said, sent["input"]) if who == "user"] == ["one", "two", ECHO]


def test_create_when_its_parent_is_deleted_then_it_is_not_found(stack: Stack) -> None:
    first = create(stack)
    stack.request("DELETE", f"/responses/{first['id']}")

    body = {"model": "plain", "input": "x", "previous_response_id": first["id"]}
    answer = stack.request("POST", "/responses", json=body)

    assert (answer.status_code, error_of(answer)["code"]) == (400, "previous_response_not_found")


def test_create_when_its_parent_was_not_stored_then_it_is_not_found(stack: Stack) -> None:
    first = create(stack, store=False)

    body = {"model": "plain", "input": "x", "previous_response_id": first["id"]}
    answer = stack.request("POST", "/responses", json=body)

    assert (answer.status_code, error_of(answer)["code"]) == (400, "previous_response_not_found")


def test_create_when_store_is_false_then_it_still_reads_its_stored_parent(stack: Stack) -> None:
    first = create(stack, input="one")

    sent = sent_for(stack, previous_response_id=first["id"], store=False)

    assert said(sent["input"][0]) == ("user", "one")


def test_create_when_its_parent_failed_then_it_continues_from_what_there_is(stack: Stack) -> None:
    first = create(stack, model="mock-n10!fault=cut:3", input="one")
    assert first["status"] == "failed"

    sent = sent_for(stack, previous_response_id=first["id"])

    assert said(sent["input"][0]) == ("user", "one")


def test_create_when_another_provider_goes_on_then_it_gets_the_whole_chain(stack: Stack) -> None:
    first = create(stack, model="main/plain", input="one")

    sent = sent_for(stack, model="strict/gpt-4.1", previous_response_id=first["id"])

    assert (sent["model"], said(sent["input"][0])) == ("gpt-4.1", ("user", "one"))


def test_create_when_two_go_on_from_the_same_parent_then_neither_sees_the_other(stack: Stack) -> None:
    first = create(stack, input="one")
    create(stack, input="a sibling", previous_response_id=first["id"])

    sent = sent_for(stack, previous_response_id=first["id"])

    assert "a sibling" not in [text for _, text in map(said, sent["input"])]


def test_chain_with_the_sdk_when_there_is_no_new_input_then_the_parent_alone_goes_on(stack: Stack) -> None:
    responses = stack.client().responses
    first = responses.create(model="plain", input=ECHO)

    second = responses.create(model="plain", previous_response_id=first.id)

    assert second.status == "completed" and second.previous_response_id == first.id


def test_create_when_it_refers_to_an_item_of_ours_then_the_item_itself_goes_upstream(stack: Stack) -> None:
    message = create(stack, input="one")["output"][0]
    reference = {"type": "item_reference", "id": message["id"]}

    sent = sent_for(stack, input=[reference, {"role": "user", "content": ECHO}])

    assert said(sent["input"][0]) == ("assistant", message["content"][0]["text"])


def test_create_when_a_chain_is_long_then_every_turn_is_sent_once(stack: Stack) -> None:
    turn = create(stack, input="turn 0", model="mock-n2")
    for n in range(1, 25):
        turn = create(stack, input=f"turn {n}", model="mock-n2", previous_response_id=turn["id"])

    sent = sent_for(stack, previous_response_id=turn["id"])

    users = [text for who, text in map(said, sent["input"]) if who == "user"]
    assert users == [*(f"turn {n}" for n in range(25)), ECHO]
