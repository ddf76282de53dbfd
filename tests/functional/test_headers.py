"""Headers both ways: what every answer has, and what a request's own headers do or do not do."""

from __future__ import annotations

import pytest
import requests

from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import create, create_stream


def answers(stack: Stack) -> dict[str, requests.Response]:
    response_id = create(stack)["id"]
    return {
        "create": stack.request("POST", "/responses", json={"model": "plain", "input": "x"}),
        "stream": create_stream(stack),
        "retrieve": stack.request("GET", f"/responses/{response_id}"),
        "replay": stack.request("GET", f"/responses/{response_id}?stream=true"),
        "list": stack.request("GET", "/responses?limit=1"),
        "items": stack.request("GET", f"/responses/{response_id}/input_items"),
        "delete": stack.request("DELETE", f"/responses/{response_id}"),
        "models": stack.request("GET", "/models"),
        "not found": stack.request("GET", f"/responses/{response_id}"),
        "no such path": stack.request("GET", "/nothing"),
        "no such method": stack.request("PATCH", "/responses"),
        "bad body": stack.request(
            "POST", "/responses", data=b"{", headers={"Content-Type": "application/json"}
        ),
        "unauthorized": stack.request("GET", "/models", "sk-wrong"),
    }


@pytest.fixture(scope="module")
def headers(stack: Stack) -> dict[str, dict[str, str]]:
    return {name: {k.lower(): v for k, v in a.headers.items()} for name, a in answers(stack).items()}


def test_every_answer_has_a_request_id_of_its_own(headers: dict[str, dict[str, str]]) -> None:
    names = {found["x-request-id"] for found in headers.values()}

    assert len(names) == len(headers) and all(name.startswith("req_") for name in names)


def test_every_answer_says_its_version_and_its_time(headers: dict[str, dict[str, str]]) -> None:
    wrong = {
        name
        for name, found in headers.items()
        if found.get("openai-version") != "2020-10-01" or not found.get("openai-processing-ms", "").isdigit()
    }

    assert wrong == set()


def test_every_answer_to_a_known_key_names_its_tenant(headers: dict[str, dict[str, str]]) -> None:
    named = {name: found.get("openai-organization") for name, found in headers.items()}

    assert named.pop("unauthorized") is None
    assert {named[n] for n in named if n not in ("no such path", "no such method")} == {"dev"}


def test_no_answer_tells_what_serves_it(headers: dict[str, dict[str, str]]) -> None:
    assert {found["server"] for found in headers.values()} == {"respool"}


def test_a_named_request_keeps_its_name(stack: Stack) -> None:
    answer = stack.request("GET", "/models", headers={"X-Request-Id": "mine-1"})

    assert answer.headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize("name", ["two words", "x" * 65, "<script>", "a,b"])
def test_a_badly_named_request_gets_a_name_of_ours(stack: Stack, name: str) -> None:
    answer = stack.request("GET", "/models", headers={"X-Request-Id": name})

    assert answer.headers["x-request-id"].startswith("req_")


def test_a_clients_own_name_is_in_the_log_beside_ours(stack: Stack) -> None:
    answer = stack.request("GET", "/models", headers={"X-Client-Request-Id": "client-name-4711"})

    def line() -> str:
        lines = (stack.data_dir / "logs" / "api.log").read_text(errors="replace").splitlines()
        return next((found for found in lines if "client-name-4711" in found), "")

    assert answer.headers["x-request-id"] in wait_until(line, "the log has the client's name")


@pytest.mark.parametrize("name", ["", "two words", "x" * 513, "n\u00e4me"])
def test_a_clients_malformed_name_changes_nothing(stack: Stack, name: str) -> None:
    answer = stack.request("GET", "/models", headers={"X-Client-Request-Id": name.encode("utf-8")})

    assert answer.status_code == 200


def test_organization_and_project_are_read_by_nobody(stack: Stack) -> None:
    client = stack.client(organization="org-of-somebody", project="proj-of-somebody")

    response = client.responses.create(model="plain", input="hello")

    assert stack.client().responses.retrieve(response.id) == response


def test_the_sdk_reads_the_request_id(stack: Stack) -> None:
    raw = stack.client().responses.with_raw_response.create(model="plain", input="hello")

    assert raw.headers["x-request-id"] == raw.parse()._request_id
