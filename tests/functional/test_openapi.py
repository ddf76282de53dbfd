"""The OpenAPI document and its page: they say what the product does, neither more nor less."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

from api.openapi.requests import MEANING
from shared.wire.fields import CreateFields
from tests.support.contract import Json, check_frames
from tests.support.stack import ROOT, Stack
from tests.support.wire import create, create_stream

MOUNTS = ("/v1", "/api/llm/api/inference/openai")
TENANT = "openapi"
_ROUTES = """
import json
from api.wsgi import application
rules = application.url_map.iter_rules()
print(json.dumps([[method, str(rule)] for rule in rules for method in rule.methods]))
"""


@pytest.fixture(scope="session")
def document(stack: Stack) -> Json:
    answer = requests.get(root(stack) + "/openapi.json", timeout=30)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    value: Json = answer.json()
    return value


@pytest.fixture(scope="session")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """(method, path) of every route of the application that gunicorn loads."""
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RESPOOL_")},
        "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('routes') / 'store.db'}",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "RESPOOL_SECRET_KEY": "routes",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", _ROUTES], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return {(method, path) for method, path in json.loads(done.stdout) if method not in ("HEAD", "OPTIONS")}


def root(stack: Stack) -> str:
    return stack.base_url.removesuffix("/v1")


def operations(document: Json) -> dict[tuple[str, str], Json]:
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "servers"
    }


def schema_errors(document: Json, schema: Json, value: Any) -> list[str]:
    """Where a value is not what a schema of the document says."""
    validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def named(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def test_document_when_read_then_it_is_valid_openapi(document: Json) -> None:
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_document_when_it_refers_to_something_then_that_is_there(document: Json) -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        place: Any = document
        for step in reference.split("/"):
            assert step in place, reference
            place = place[step]


def test_document_when_compared_with_the_routes_then_they_are_the_same(
    document: Json, routes: set[tuple[str, str]]
) -> None:
    described = set()
    for (method, path), operation in operations(document).items():
        bases = ("",) if operation.get("security") == [] else MOUNTS
        described |= {(method, base + path) for base in bases}

    assert described == {(method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)) for method, path in routes}
    assert [server["url"] for server in document["servers"]] == list(MOUNTS)


def test_document_when_a_path_has_a_parameter_then_it_is_described(document: Json) -> None:
    for (method, path), operation in operations(document).items():
        described = {p["name"] for p in operation["parameters"] if p["in"] == "path"}

        assert described == set(re.findall(r"{(\w+)}", path)), f"{method} {path}"


def test_create_when_described_then_it_has_every_field_that_is_read(document: Json) -> None:
    properties = document["components"]["schemas"]["CreateResponse"]["properties"]

    assert properties.keys() >= CreateFields.model_fields.keys()
    assert properties.keys() == MEANING.keys()
    assert all(schema["description"] for schema in properties.values())


def test_response_when_described_then_its_keys_are_those_of_a_new_one(stack: Stack, document: Json) -> None:
    described = document["components"]["schemas"]["Response"]

    response = create(stack, stack.api_key)

    assert set(described["required"]) == response.keys() == described["properties"].keys()


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    return stack.new_key(TENANT)


Call = Callable[[Stack, str], requests.Response]


def call(method: str, path: str, body: Json | None = None) -> Call:
    """A request for a documented operation; names in braces are filled with what the product made."""

    def made(stack: Stack, key: str) -> requests.Response:
        target = path
        if "{response_id}" in path:
            target = path.replace("{response_id}", create(stack, key)["id"])
        if "{conversation_id}" in path:
            items = {"items": [{"id": "msg_mine", "role": "user", "content": "hello"}]}
            conversation = stack.request("POST", "/conversations", key, json=items).json()
            target = path.replace("{conversation_id}", conversation["id"]).replace("{item_id}", "msg_mine")
        return stack.request(method, target.replace("{model}", "strict/org/model-x"), key, json=body)

    return made


def cancelled(stack: Stack, key: str) -> requests.Response:
    running = create(stack, key, model="mock-n900-i20", background=True)
    return stack.request("POST", f"/responses/{running['id']}/cancel", key)


TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
SEALED = "reasoning.encrypted_content"
MESSAGE: Json = {"role": "user", "content": "hello"}
ASKED: Json = {"model": "plain", "input": "hello"}
CALLS: dict[str, list[Call]] = {
    "createResponse": [
        call("POST", "/responses", ASKED),
        call("POST", "/responses", {**ASKED, "background": True, "metadata": {"a": "b"}}),
        call("POST", "/responses", {**ASKED, "tools": [TOOL], "tool_choice": "required"}),
        call("POST", "/responses", {**ASKED, "reasoning": {"effort": "high"}, "include": [SEALED]}),
        call("POST", "/responses", {**ASKED, "model": "plain!fault=cut:3"}),
        call("POST", "/responses", {**ASKED, "text": {"format": {"type": "json_object"}}}),
    ],
    "listResponses": [call("GET", "/responses?status=completed&limit=2"), call("GET", "/responses")],
    "retrieveResponse": [call("GET", "/responses/{response_id}?include[]=reasoning.encrypted_content")],
    "deleteResponse": [call("DELETE", "/responses/{response_id}")],
    "cancelResponse": [cancelled],
    "listInputItems": [call("GET", "/responses/{response_id}/input_items?order=asc")],
    "compactConversation": [call("POST", "/responses/compact", ASKED)],
    "countInputTokens": [call("POST", "/responses/input_tokens", ASKED)],
    "createConversation": [call("POST", "/conversations", {"metadata": {"a": "b"}})],
    "retrieveConversation": [call("GET", "/conversations/{conversation_id}")],
    "updateConversation": [call("POST", "/conversations/{conversation_id}", {"metadata": {}})],
    "deleteConversation": [call("DELETE", "/conversations/{conversation_id}")],
    "createItems": [call("POST", "/conversations/{conversation_id}/items", {"items": [MESSAGE]})],
    "listItems": [call("GET", "/conversations/{conversation_id}/items")],
    "retrieveItem": [call("GET", "/conversations/{conversation_id}/items/{item_id}")],
    "deleteItem": [call("DELETE", "/conversations/{conversation_id}/items/{item_id}")],
    "listModels": [call("GET", "/models")],
    "retrieveModel": [call("GET", "/models/{model}")],
}  # fmt: skip


def test_operations_when_they_need_a_key_then_each_is_tried_here(document: Json) -> None:
    guarded = {o["operationId"] for o in operations(document).values() if o.get("security") != []}

    assert guarded == CALLS.keys()


@pytest.mark.parametrize(
    ("name", "number"), [(name, n) for name, calls in CALLS.items() for n in range(len(calls))]
)
def test_answer_when_it_succeeds_then_it_is_as_described(
    stack: Stack, key: str, document: Json, name: str, number: int
) -> None:
    operation = next(o for o in operations(document).values() if o["operationId"] == name)

    answer = CALLS[name][number](stack, key)

    assert answer.status_code == 200, answer.text
    described = operation["responses"]["200"]
    schema = described["content"][answer.headers["content-type"]]["schema"]
    assert schema_errors(document, schema, answer.json()) == []
    always = {h for h in described["headers"] if h != "Idempotent-Replayed"}
    assert always <= {h.lower() for h in answer.headers}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_server_when_asked_for_its_health_then_it_is_as_described(
    stack: Stack, document: Json, path: str
) -> None:
    answer = requests.get(root(stack) + path, timeout=30)

    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema_errors(document, schema, answer.json()) == []


def test_stream_when_read_then_its_events_are_as_described(stack: Stack, document: Json) -> None:
    answer = create_stream(stack, tools=[TOOL], tool_choice="required")

    operation = document["paths"]["/responses"]["post"]
    assert answer.headers["content-type"].partition(";")[0] in operation["responses"]["200"]["content"]
    for event in check_frames(answer.content):
        assert schema_errors(document, named("StreamEvent"), event) == []
        if "response" in event:
            assert schema_errors(document, named("Response"), event["response"]) == []


REFUSED: dict[str, tuple[str, str, Json | None, int]] = {
    "field": ("POST", "/responses", {"model": "plain", "input": 3}, 400),
    "model": ("POST", "/responses", {**ASKED, "model": "strict/nothing"}, 404),
    "upstream": ("POST", "/responses", {**ASKED, "model": "plain!fault=refuse:500"}, 502),
    "limited": ("POST", "/responses", {**ASKED, "model": "plain!fault=refuse:429"}, 429),
    "id": ("GET", "/responses/resp_1", None, 404),
    "item": ("GET", "/conversations/conv_1/items/x", None, 404),
    "query": ("GET", "/responses?limit=0", None, 400),
}


@pytest.mark.parametrize("row", REFUSED)
def test_answer_when_it_is_an_error_then_it_is_as_described(
    stack: Stack, key: str, document: Json, row: str
) -> None:
    method, path, body, status = REFUSED[row]

    answer = stack.request(method, path, key, json=body)

    assert answer.status_code == status
    assert schema_errors(document, named("Error"), answer.json()) == []
    described = document["components"]["responses"][f"Error{status}"]
    assert {"x-request-id", "openai-processing-ms", "openai-version"} <= described["headers"].keys()
    assert any(
        str(status) in operation["responses"]
        for (known, pattern), operation in operations(document).items()
        if known == method and re.fullmatch(re.sub(r"{\w+}", ".+", pattern), path.partition("?")[0])
    )


def test_document_when_no_key_is_given_then_it_is_answered(stack: Stack) -> None:
    for path in ("/openapi.json", "/docs"):
        assert requests.get(root(stack) + path, timeout=30).status_code == 200


def test_page_when_opened_then_it_brings_all_it_needs(stack: Stack) -> None:
    page = requests.get(root(stack) + "/docs", timeout=30)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert set(re.findall(r"""(?:src|href)=["']([^"']*)""", page.text)) == {"openapi.json", "data:,", "#main"}
    assert not re.search(r"@import|\burl\(", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_page_when_shipped_then_it_is_in_the_package() -> None:
    text = (Path(ROOT) / "pyproject.toml").read_text()

    assert '"api" = ["static/*"]' in text and (Path(ROOT) / "api/static/docs.html").is_file()
