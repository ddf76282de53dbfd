"""Conversations and their items, through the official client and without it."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
import requests

from tests.functional.conftest import Keys
from tests.support.contract import Json
from tests.support.stack import Stack
from tests.support.wire import create, error_of

HI: Json = {"role": "user", "content": "hi"}


def talk(stack: Stack, *texts: str, key: str | None = None, **body: Any) -> str:
    """A new conversation of these user messages; its id."""
    items = [{"role": "user", "content": text} for text in texts]
    answer = stack.request("POST", "/conversations", key, json={"items": items, **body})
    assert answer.status_code == 200, answer.text
    identity: str = answer.json()["id"]
    return identity


def items_of(stack: Stack, conversation_id: str, query: str = "?order=asc&limit=100") -> list[Json]:
    answer = stack.request("GET", f"/conversations/{conversation_id}/items{query}")
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["data"]
    return found


def text_of(item: Json) -> str:
    text: str = item["content"][0]["text"]
    return text


def test_create_when_nothing_is_said_then_an_empty_conversation(stack: Stack) -> None:
    made = stack.client().conversations.create()

    assert (made.object, made.metadata) == ("conversation", {})
    assert made.id.startswith("conv_") and len(made.id) == len("conv_") + 48
    assert made == stack.client().conversations.retrieve(made.id)


def test_create_when_there_is_no_body_at_all_then_an_empty_conversation(stack: Stack) -> None:
    answer = stack.request("POST", "/conversations")

    assert answer.status_code == 200
    assert answer.json().keys() == {"id", "object", "created_at", "metadata"}
    assert type(answer.json()["created_at"]) is int


def test_create_when_metadata_and_items_are_given_then_both_are_there(stack: Stack) -> None:
    client = stack.client()

    made = client.conversations.create(metadata={"topic": "rivers"}, items=[HI, {**HI, "content": "again"}])

    listed = client.conversations.items.list(made.id, order="asc").data
    assert made.metadata == {"topic": "rivers"}
    assert [(i.type, i.status, i.content[0].type, i.content[0].text) for i in listed] == [
        ("message", "completed", "input_text", "hi"),
        ("message", "completed", "input_text", "again"),
    ]


def test_update_when_given_metadata_then_it_replaces_the_old(stack: Stack) -> None:
    client = stack.client()
    made = client.conversations.create(metadata={"a": "1"})

    updated = client.conversations.update(made.id, metadata={"b": "2"})

    assert updated.metadata == {"b": "2"}
    assert client.conversations.retrieve(made.id) == updated


def test_delete_when_done_then_it_is_gone_with_its_items(stack: Stack) -> None:
    client = stack.client()
    made = client.conversations.create(items=[HI])

    deleted = client.conversations.delete(made.id)

    assert deleted.to_dict() == {"id": made.id, "object": "conversation.deleted", "deleted": True}
    for gone in (client.conversations.retrieve, client.conversations.items.list, client.conversations.delete):
        with pytest.raises(openai.NotFoundError):
            gone(made.id)


def test_items_when_added_then_they_are_answered_as_a_list_and_stand_last(stack: Stack) -> None:
    client = stack.client()
    made = client.conversations.create(items=[HI])

    added = client.conversations.items.create(
        made.id, items=[{**HI, "content": "two"}, {"role": "assistant", "content": "three"}]
    )

    assert (added.object, added.has_more) == ("list", False)
    assert (added.first_id, added.last_id) == (added.data[0].id, added.data[1].id)
    assert [text_of(i) for i in items_of(stack, made.id)] == ["hi", "two", "three"]
    assert items_of(stack, made.id)[1:] == [i.to_dict() for i in added.data]


def test_items_when_one_brings_a_taken_id_then_it_gets_its_own(stack: Stack) -> None:
    identity = talk(stack, "hi")
    (first,) = items_of(stack, identity)

    stack.request("POST", f"/conversations/{identity}/items", json={"items": [first]})

    ids = [i["id"] for i in items_of(stack, identity)]
    assert len(set(ids)) == 2 and ids[0] == first["id"]


def test_items_when_one_is_a_reference_then_the_item_itself_is_added(stack: Stack) -> None:
    output = create(stack)["output"][0]
    identity = talk(stack)

    answer = stack.request(
        "POST",
        f"/conversations/{identity}/items",
        json={"items": [{"type": "item_reference", "id": output["id"]}]},
    )

    assert answer.json()["data"] == [output]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_items_when_the_client_pages_through_them_then_each_comes_once(stack: Stack, order: Any) -> None:
    texts = [str(n) for n in range(7)]
    identity = talk(stack, *texts)

    paged = [
        i.content[0].text for i in stack.client().conversations.items.list(identity, limit=3, order=order)
    ]

    assert paged == (texts if order == "asc" else texts[::-1])


def test_items_when_nothing_is_asked_for_then_the_newest_twenty_come_first(stack: Stack) -> None:
    identity = talk(stack, *(str(n) for n in range(20)))
    stack.request("POST", f"/conversations/{identity}/items", json={"items": [HI]})

    page = stack.request("GET", f"/conversations/{identity}/items").json()

    assert [text_of(i) for i in page["data"]] == ["hi", *(str(n) for n in range(19, 0, -1))]
    assert (page["object"], page["has_more"]) == ("list", True)
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])


def test_items_when_there_are_none_then_an_empty_page(stack: Stack) -> None:
    page = stack.request("GET", f"/conversations/{talk(stack)}/items").json()

    assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


def test_item_when_retrieved_then_as_it_was_listed(stack: Stack) -> None:
    identity = talk(stack, "hi")
    (listed,) = items_of(stack, identity)

    item = stack.client().conversations.items.retrieve(listed["id"], conversation_id=identity)

    assert item.to_dict() == listed


@pytest.mark.parametrize("chosen", ["a/b", "a b", "\N{SNOWMAN}", "a%2Fb"])
def test_item_when_its_caller_chose_an_odd_id_then_it_is_found_by_it(stack: Stack, chosen: str) -> None:
    identity = stack.request("POST", "/conversations", json={"items": [{**HI, "id": chosen}]}).json()["id"]

    path = f"/conversations/{identity}/items/{requests.utils.quote(chosen, safe='')}"

    assert stack.request("GET", path).json()["id"] == chosen


def test_item_when_deleted_then_the_conversation_is_answered_and_the_item_is_gone(stack: Stack) -> None:
    client = stack.client()
    made = client.conversations.create(items=[HI], metadata={"a": "1"})
    (item,) = items_of(stack, made.id)

    answered = client.conversations.items.delete(item["id"], conversation_id=made.id)

    assert answered == made
    assert items_of(stack, made.id) == []
    with pytest.raises(openai.NotFoundError):
        client.conversations.items.delete(item["id"], conversation_id=made.id)


def test_reasoning_when_its_sealed_content_is_not_asked_for_then_it_is_not_shown(stack: Stack) -> None:
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}
    identity = stack.request("POST", "/conversations", json={"items": [sealed]}).json()["id"]

    (hidden,) = items_of(stack, identity)
    (shown,) = items_of(stack, identity, "?include[]=reasoning.encrypted_content")

    assert ("encrypted_content" in hidden, shown["encrypted_content"]) == (False, "sealed")


VERBS: list[tuple[str, str, Json | None]] = [
    ("GET", "", None),
    ("POST", "", {"metadata": {}}),
    ("DELETE", "", None),
    ("GET", "/items", None),
    ("POST", "/items", {"items": [HI]}),
    ("GET", "/items/msg_1", None),
    ("DELETE", "/items/msg_1", None),
]


@pytest.mark.parametrize(("method", "path", "body"), VERBS)
def test_every_verb_when_the_conversation_is_foreign_then_as_if_it_never_was(
    stack: Stack, keys: Keys, method: str, path: str, body: Json | None
) -> None:
    theirs, unknown = talk(stack, key=keys.theirs), "conv_" + "0" * 48

    answers = [
        stack.request(method, f"/conversations/{identity}{path}", keys.mine, json=body)
        for identity in (theirs, unknown)
    ]

    assert [a.status_code for a in answers] == [404, 404]
    assert error_of(answers[0])["code"] == "conversation_not_found"
    assert answers[0].text.replace(theirs, unknown) == answers[1].text


@pytest.mark.parametrize("identity", ["resp_1", "conv_", "conv_%00", "conv_" + "x" * 300, "%F0%9F"])
def test_retrieve_when_the_id_is_none_then_404(stack: Stack, identity: str) -> None:
    answer = stack.request("GET", f"/conversations/{identity}")

    assert (answer.status_code, error_of(answer)["code"]) == (404, "conversation_not_found")


@pytest.mark.parametrize("item", ["msg_unknown", "a%00b", "%F0%9F"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_item_when_unknown_then_404(stack: Stack, method: str, item: str) -> None:
    answer = stack.request(method, f"/conversations/{talk(stack)}/items/{item}")

    assert (answer.status_code, error_of(answer)["code"]) == (404, "item_not_found")


TOO_MANY = [HI] * 21
WRONG: list[tuple[str, Any, str, str | None]] = [
    ("", [], "invalid_type", None),
    ("", None, "invalid_type", None),
    ("", {"metadata": 1}, "invalid_type", "metadata"),
    ("", {"metadata": {"a": 1}}, "invalid_type", "metadata"),
    ("", {"metadata": {"k" * 65: ""}}, "string_above_max_length", "metadata"),
    ("", {"items": "hi"}, "invalid_type", "items"),
    ("", {"items": TOO_MANY}, "array_above_max_length", "items"),
    ("", {"items": [1]}, "invalid_type", "items[0]"),
    ("", {"items": [HI, {"role": "user"}]}, "missing_required_parameter", "items[1].content"),
    ("", {"items": [{"id": "msg_unknown"}]}, "item_not_found", "items[0].id"),
    ("/{}", {}, "missing_required_parameter", "metadata"),
    ("/{}", {"metadata": [1]}, "invalid_type", "metadata"),
    ("/{}/items", {}, "missing_required_parameter", "items"),
    ("/{}/items", {"items": None}, "missing_required_parameter", "items"),
    ("/{}/items", {"items": TOO_MANY}, "array_above_max_length", "items"),
    ("/{}/items?include[]=x", {"items": [HI]}, "invalid_value", "include"),
]


@pytest.mark.parametrize(("path", "body", "code", "param"), WRONG)
def test_post_when_something_is_wrong_then_400_names_it(
    stack: Stack, path: str, body: Any, code: str, param: str | None
) -> None:
    identity = talk(stack)

    answer = stack.request(
        "POST",
        "/conversations" + path.format(identity),
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        *(("limit=0", "limit"), ("limit=101", "limit"), ("order=up", "order"), ("include[]=x", "include")),
        *(("after=msg_unknown", "after"), ("after=%00", "after"), ("after=a&after=b", "after")),
    ],
)
def test_list_when_the_query_is_wrong_then_400_names_it(stack: Stack, query: str, param: str) -> None:
    answer = stack.request("GET", f"/conversations/{talk(stack)}/items?{query}")

    assert (answer.status_code, error_of(answer)["param"]) == (400, param)
