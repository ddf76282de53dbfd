"""Three keys of two tenants: one tenant's own is the other's nothing, to the byte."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.functional.conftest import Keys
from tests.support.contract import Json
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import create, error_of, events_of

MISSING = "resp_" + "0" * 48
Route = tuple[str, str, Json | None]


def chain(**extra: Any) -> Json:
    return {"model": "plain", "input": "x", "previous_response_id": "{id}", **extra}


ROUTES: dict[str, Route] = {
    "retrieve": ("GET", "/responses/{id}", None),
    "stream": ("GET", "/responses/{id}?stream=true", None),
    "resume": ("GET", "/responses/{id}?stream=true&starting_after=1", None),
    "delete": ("DELETE", "/responses/{id}", None),
    "cancel": ("POST", "/responses/{id}/cancel", None),
    "input_items": ("GET", "/responses/{id}/input_items", None),
    "items_after": ("GET", "/responses/{id}/input_items?after=msg_1", None),
    "chain": ("POST", "/responses", chain()),
    "chain_stream": ("POST", "/responses", chain(stream=True)),
    "chain_background": ("POST", "/responses", chain(background=True)),
    "chain_unstored": ("POST", "/responses", chain(store=False)),
    "chain_answer": (
        "POST",
        "/responses",
        chain(input=[{"type": "function_call_output", "call_id": "{call}", "output": "x"}]),
    ),
    "reference": (
        "POST",
        "/responses",
        {"model": "plain", "input": [{"type": "item_reference", "id": "{item}"}]},
    ),
    "input_tokens": ("POST", "/responses/input_tokens", chain()),
    "compact": ("POST", "/responses/compact", chain()),
}
TOOL: Json = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}


def ask(stack: Stack, key: str, route: Route, **names: str) -> requests.Response:
    method, path, body = route
    for name, value in names.items():
        path = path.replace("{" + name + "}", value)
    return stack.request(method, path, key, json=None if body is None else _filled(body, names))


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, names) for inner in value]
    return names.get(value[1:-1], value) if isinstance(value, str) and value.startswith("{") else value


@pytest.fixture(scope="module")
def own(stack: Stack, keys: Keys) -> Json:
    """An ended response of the first tenant, with a tool call."""
    return create(stack, keys.mine, background=False, input="What is the weather in Oslo?", tools=[TOOL])


@pytest.fixture(scope="module")
def running(stack: Stack, keys: Keys) -> Json:
    """A background response of the first tenant that runs."""
    return create(stack, keys.mine, model="mock-n3000-i20", background=True)


@pytest.mark.parametrize("name", ROUTES)
def test_route_when_the_id_is_foreign_then_the_answer_is_that_of_a_missing_one(
    stack: Stack, keys: Keys, own: Json, name: str
) -> None:
    call = own["output"][0]

    foreign = ask(stack, keys.theirs, ROUTES[name], id=own["id"], call=call["call_id"], item=call["id"])
    missing = ask(stack, keys.theirs, ROUTES[name], id=MISSING, call=call["call_id"], item="fc_" + "0" * 48)

    hidden = foreign.text.replace(own["id"], MISSING).replace(call["id"], "fc_" + "0" * 48)
    assert (foreign.status_code, hidden) == (missing.status_code, missing.text)
    assert error_of(foreign)


@pytest.mark.parametrize("name", ["retrieve", "stream", "delete", "cancel", "input_items", "chain"])
def test_route_when_the_foreign_response_runs_then_the_answer_is_that_of_a_missing_one(
    stack: Stack, keys: Keys, running: Json, name: str
) -> None:
    foreign = ask(stack, keys.theirs, ROUTES[name], id=running["id"])
    missing = ask(stack, keys.theirs, ROUTES[name], id=MISSING)

    assert (foreign.status_code, foreign.text.replace(running["id"], MISSING)) == (
        missing.status_code,
        missing.text,
    )


def test_running_response_when_others_tried_everything_then_it_still_runs(
    stack: Stack, keys: Keys, running: Json
) -> None:
    for name in ("delete", "cancel"):
        ask(stack, keys.theirs, ROUTES[name], id=running["id"])

    seen = stack.request("GET", f"/responses/{running['id']}", keys.mine).json()["status"]

    stack.request("POST", f"/responses/{running['id']}/cancel", keys.mine)
    assert seen in ("queued", "in_progress")


@pytest.mark.parametrize("name", ["retrieve", "stream", "input_items"])
def test_route_when_another_key_of_the_tenant_asks_then_it_is_answered(
    stack: Stack, keys: Keys, own: Json, name: str
) -> None:
    assert ask(stack, keys.also_mine, ROUTES[name], id=own["id"]).status_code == 200


def test_chain_when_another_key_of_the_tenant_goes_on_then_it_may(stack: Stack, keys: Keys) -> None:
    first = create(stack, keys.mine)

    second = create(stack, keys.also_mine, previous_response_id=first["id"])

    assert second["status"] == "completed"


def test_delete_when_another_key_of_the_tenant_asks_then_it_is_gone(stack: Stack, keys: Keys) -> None:
    response = create(stack, keys.mine)

    ask(stack, keys.also_mine, ROUTES["delete"], id=response["id"])

    assert ask(stack, keys.mine, ROUTES["retrieve"], id=response["id"]).status_code == 404


@pytest.mark.parametrize(
    "name", ["retrieve", "stream", "delete", "cancel", "input_items", "chain", "chain_answer"]
)
def test_route_when_the_response_was_deleted_then_the_answer_is_that_of_a_missing_one(
    stack: Stack, keys: Keys, name: str
) -> None:
    gone = create(stack, keys.mine, input="What is the weather in Oslo?", tools=[TOOL])
    call_id = gone["output"][0]["call_id"]
    output = {"type": "function_call_output", "call_id": call_id, "output": "x"}
    create(stack, keys.mine, previous_response_id=gone["id"], input=[output])  # a child keeps its items alive
    ask(stack, keys.mine, ROUTES["delete"], id=gone["id"])

    after = ask(stack, keys.mine, ROUTES[name], id=gone["id"], call=call_id)
    missing = ask(stack, keys.mine, ROUTES[name], id=MISSING, call=call_id)

    assert (after.status_code, after.text.replace(gone["id"], MISSING)) == (missing.status_code, missing.text)


def test_stream_when_read_with_a_tenants_own_key_then_it_comes(stack: Stack, keys: Keys) -> None:
    response = create(stack, keys.theirs)

    answer = stack.request("GET", f"/responses/{response['id']}?stream=true", keys.theirs)

    assert events_of(answer)[-1]["response"] == response


def test_key_when_it_is_revoked_then_it_stops_working_within_seconds(stack: Stack) -> None:
    key = stack.new_key("revoked")
    assert stack.request("GET", "/models", key).status_code == 200
    listed = [line.split("\t") for line in stack.keys("list").splitlines()]
    key_id = next(line[0] for line in listed if line[1] == "revoked")

    stack.keys("revoke", key_id)

    wait_until(lambda: stack.request("GET", "/models", key).status_code == 401, "it is refused", seconds=10)
    assert error_of(stack.request("GET", "/models", key))["code"] == "invalid_api_key"


def test_keys_when_listed_then_no_secret_is_shown(stack: Stack, keys: Keys) -> None:
    listed = stack.keys("list")

    assert not [key for key in (keys.mine, keys.theirs) if key[-12:] in listed]


def test_store_when_a_key_was_made_then_the_key_itself_is_nowhere_on_disk(stack: Stack, keys: Keys) -> None:
    files = [path for path in stack.data_dir.rglob("*") if path.is_file() and path.name != "dev.json"]

    assert files
    assert not [path for path in files if keys.mine.encode() in path.read_bytes()]
