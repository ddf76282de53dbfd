"""input_items: what a response was made from, in pages (CONTRACT 3.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.contract import Json
from tests.support.echo import said
from tests.support.stack import Stack
from tests.support.wire import create, error_of

MANY = [{"role": "user", "content": f"number {n}"} for n in range(45)]


@pytest.fixture(scope="module")
def many(stack: Stack) -> str:
    """A response made from 45 messages."""
    response_id: str = create(stack, input=MANY)["id"]
    return response_id


@pytest.fixture(scope="module")
def chained(stack: Stack) -> Json:
    """A response with a turn before it, which had two messages, reasoning and an answer."""
    before = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "one"}]
    first = create(stack, input=before, reasoning={"effort": "low"}, instructions="Not listed.")
    return create(stack, input="two", previous_response_id=first["id"])


def items(stack: Stack, response_id: str, query: str = "") -> Json:
    answer = stack.request("GET", f"/responses/{response_id}/input_items{query}")
    assert answer.status_code == 200, answer.text
    page: Json = answer.json()
    assert page.keys() == {"object", "data", "first_id", "last_id", "has_more"} and page["object"] == "list"
    ids = [item["id"] for item in page["data"]]
    assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
    return page


def texts(page: Json) -> list[str]:
    return [said(item)[1] for item in page["data"]]


def test_items_when_the_input_was_a_string_then_one_user_message(stack: Stack) -> None:
    response = create(stack, input="hi")

    (item,) = items(stack, response["id"])["data"]

    assert item["id"].startswith("msg_")
    assert {key: item[key] for key in ("type", "role", "status", "content")} == {
        "type": "message",
        "role": "user",
        "status": "completed",
        "content": [{"type": "input_text", "text": "hi"}],
    }


def test_items_when_an_assistant_string_was_sent_then_it_is_output_text(stack: Stack) -> None:
    response = create(stack, input=[{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}])

    item = items(stack, response["id"])["data"][-1]

    assert item["content"] == [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}]


def test_items_when_nothing_is_said_then_the_newest_twenty_newest_first(stack: Stack, many: str) -> None:
    page = items(stack, many)

    assert texts(page) == [f"number {n}" for n in range(44, 24, -1)]
    assert page["has_more"] is True


def test_items_when_ascending_then_oldest_first(stack: Stack, many: str) -> None:
    page = items(stack, many, "?order=asc&limit=100")

    assert (texts(page), page["has_more"]) == ([message["content"] for message in MANY], False)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 7, 45])
def test_items_when_paged_by_hand_then_every_item_once(
    stack: Stack, many: str, order: str, limit: int
) -> None:
    seen: list[str] = []
    page = items(stack, many, f"?order={order}&limit={limit}")
    seen += texts(page)
    while page["has_more"]:
        page = items(stack, many, f"?order={order}&limit={limit}&after={page['last_id']}")
        seen += texts(page)

    expected = [str(message["content"]) for message in MANY]
    assert seen == (expected if order == "asc" else expected[::-1])


def test_items_when_the_sdk_pages_then_every_item_once(stack: Stack, many: str) -> None:
    listed: Any = stack.client().responses.input_items.list(many, limit=10)

    assert [item.content[0].text for item in listed] == [message["content"] for message in reversed(MANY)]


def test_items_when_chained_then_earlier_turns_follow_newest_first(stack: Stack, chained: Json) -> None:
    page = items(stack, chained["id"])

    kinds = [item.get("role", item["type"]) for item in page["data"]]
    assert kinds == ["user", "assistant", "reasoning", "user", "system"]


def test_items_when_chained_then_its_own_output_is_not_among_them(stack: Stack, chained: Json) -> None:
    listed = {item["id"] for item in items(stack, chained["id"])["data"]}

    assert not listed & {item["id"] for item in chained["output"]}


def test_items_when_listed_then_their_ids_are_all_different(stack: Stack, chained: Json) -> None:
    listed = [item["id"] for item in items(stack, chained["id"])["data"]]

    assert len(set(listed)) == len(listed)


def test_items_when_the_parent_was_deleted_then_its_turn_is_still_listed(stack: Stack) -> None:
    first = create(stack, input="one")
    second = create(stack, input="two", previous_response_id=first["id"])
    stack.request("DELETE", f"/responses/{first['id']}")

    assert texts(items(stack, second["id"], "?order=asc"))[::2] == ["one", "two"]


def test_items_when_the_page_ends_exactly_then_there_is_no_more(stack: Stack, many: str) -> None:
    assert items(stack, many, "?limit=45")["has_more"] is False


def test_items_when_an_item_came_with_an_id_then_it_keeps_it(stack: Stack) -> None:
    mine = {"type": "message", "id": "msg_mine", "role": "user", "content": "x"}

    response = create(stack, input=[mine])

    assert items(stack, response["id"])["first_id"] == "msg_mine"


def test_items_when_the_response_still_runs_then_they_are_listed(stack: Stack) -> None:
    response = create(stack, model="mock-n200-i20", background=True)

    assert texts(items(stack, response["id"])) == ["hello"]
    stack.request("POST", f"/responses/{response['id']}/cancel")


def test_items_when_after_belongs_to_another_response_then_400(stack: Stack, many: str) -> None:
    other = items(stack, create(stack)["id"])["first_id"]

    answer = stack.request("GET", f"/responses/{many}/input_items?after={other}")

    assert (answer.status_code, error_of(answer)["param"]) == (400, "after")
