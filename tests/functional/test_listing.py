"""GET /responses, our extension: own responses, newest first, page by page, narrowed by filters."""

from __future__ import annotations

from typing import Any

import pytest
from openai.pagination import SyncCursorPage
from openai.types.responses import Response

from tests.support.contract import Json, check_response
from tests.support.stack import Stack
from tests.support.wire import create, create_stream, error_of, events_of

Made = dict[str, str]


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    """Of a tenant that no other test creates for."""
    return stack.new_key("listing")


@pytest.fixture(scope="module")
def made(stack: Stack, key: str) -> Made:
    """Five responses of every sort, oldest first."""
    metadata = {"user": "42", "env": "prod"}
    behind: str = create(stack, key, background=True, metadata={"user": "42"})["id"]
    stack.request("GET", f"/responses/{behind}?stream=true", key)  # to its end
    failed = events_of(create_stream(stack, key, model="plain!fault=refuse:400"))[0]["response"]["id"]
    return {
        "background": behind,
        "failed": failed,
        "tagged": create(stack, key, metadata=metadata)["id"],
        "other": create(stack, key, model="strict/gpt-4.1")["id"],
        "last": create(stack, key, metadata={"user": "7"})["id"],
    }


def listed(stack: Stack, key: str, **query: Any) -> Json:
    answer = stack.request("GET", "/responses", key, params=query)
    assert answer.status_code == 200, answer.text
    page: Json = answer.json()
    assert page.keys() == {"object", "data", "first_id", "last_id", "has_more"} and page["object"] == "list"
    return page


def ids(page: Json) -> list[str]:
    return [response["id"] for response in page["data"]]


def test_list_when_nothing_is_said_then_all_newest_first(stack: Stack, key: str, made: Made) -> None:
    page = listed(stack, key)

    assert ids(page) == list(made.values())[::-1]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made["last"], made["background"], False)


def test_list_when_ended_then_its_objects_are_those_of_get(stack: Stack, key: str, made: Made) -> None:
    page = listed(stack, key)

    for response in page["data"]:
        check_response(response)
        assert response == stack.request("GET", f"/responses/{response['id']}", key).json()


def test_list_when_there_is_none_then_empty(stack: Stack) -> None:
    page = listed(stack, stack.new_key("nobody"))

    assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_list_when_the_sdk_pages_then_every_response_once(
    stack: Stack, key: str, made: Made, order: str
) -> None:
    pages = stack.client(key).get_api_list(
        "/responses",
        page=SyncCursorPage[Response],
        model=Response,
        options={"params": {"limit": 2, "order": order}},
    )

    expected = list(made.values())
    assert [response.id for response in pages] == (expected if order == "asc" else expected[::-1])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "failed"}, ["failed"]),
        ({"status": "cancelled"}, []),
        ({"model": "gpt-4.1"}, ["other"]),
        ({"background": "true"}, ["background"]),
        ({"background": "false", "status": "completed"}, ["last", "other", "tagged"]),
        ({"metadata[user]": "42"}, ["tagged", "background"]),
        ({"metadata[user]": "42", "metadata[env]": "prod"}, ["tagged"]),
        ({"metadata[user]": "42", "metadata[env]": "test"}, []),
        ({"created_after": 4_000_000_000}, []),
        ({"created_before": 1_000_000_000}, []),
        ({"created_after": 0, "limit": 1}, ["last"]),
        ({"a_parameter_of_tomorrow": "x", "limit": 1}, ["last"]),
    ],
)
def test_list_when_narrowed_then_only_what_matches(
    stack: Stack, key: str, made: Made, query: dict[str, Any], expected: list[str]
) -> None:
    assert ids(listed(stack, key, **query)) == [made[name] for name in expected]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("order=up", "order"),
        ("after=resp_unknown", "after"),
        ("after=%00", "after"),
        ("after=", "after"),
        ("status=done", "status"),
        ("status=failed&status=queued", "status"),
        ("model=", "model"),
        ("model=a%00b", "model"),
        ("background=yes", "background"),
        ("background=", "background"),
        ("metadata=x", "metadata"),
        ("metadata[a=x", "metadata"),
        ("metadata[a]=x&metadata[a]=y", "metadata"),
        ("metadata[a]=" + "x" * 513, "metadata"),
        ("&".join(f"metadata[{n}]=x" for n in range(17)), "metadata"),
        ("created_after=yesterday", "created_after"),
        ("created_before=-1", "created_before"),
        ("created_after=1" + "0" * 30, "created_after"),
    ],
)
def test_list_when_a_parameter_is_wrong_then_refused_naming_it(stack: Stack, query: str, param: str) -> None:
    answer = stack.request("GET", f"/responses?{query}")

    assert (answer.status_code, error_of(answer)["param"]) == (400, param)


@pytest.mark.parametrize("whose", ["foreign", "unstored"])
def test_list_after_what_the_caller_cannot_see_then_the_same_refusal(
    stack: Stack, key: str, made: Made, whose: str
) -> None:
    unseen = made["last"] if whose == "foreign" else create(stack, store=False)["id"]

    error = error_of(stack.request("GET", f"/responses?after={unseen}"))

    assert error["message"] == f"No response with id '{unseen}' in this list."


def test_list_when_not_stored_or_deleted_then_not_shown(stack: Stack) -> None:
    key = stack.new_key("listing-gone")
    create(stack, key, store=False)
    deleted = create(stack, key)["id"]
    stack.request("DELETE", f"/responses/{deleted}", key)

    assert ids(listed(stack, key)) == []


def test_list_when_in_progress_then_shown_as_it_is(stack: Stack) -> None:
    key = stack.new_key("listing-running")
    running = create(stack, key, model="mock-n900-i20", background=True)["id"]

    (shown,) = listed(stack, key, background="true")["data"]
    stack.request("POST", f"/responses/{running}/cancel", key)

    assert check_response(shown)["status"] in ("queued", "in_progress")
    assert ids(listed(stack, key, status="cancelled")) == [running]


def test_list_when_the_key_is_wrong_then_refused(stack: Stack) -> None:
    assert stack.request("GET", "/responses", "sk-wrong").status_code == 401


def test_list_at_the_guides_path_then_it_is_the_same_list(stack: Stack, key: str, made: Made) -> None:
    base = stack.base_url.removesuffix("/v1") + "/api/llm/api/inference/openai"
    client = stack.client(key).with_options(base_url=base)

    assert client.get("/responses", cast_to=object) == listed(stack, key)
