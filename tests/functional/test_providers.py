"""Which provider serves a request: prefix, header, bare name; and the models that are listed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.echo import sent_for
from tests.support.stack import Stack
from tests.support.wire import create, error_of

# decided before or after the store: one of the two databases is enough
pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")

HEADERS = ("x-tfy-provider-name", "x-respool-provider")


def ask(stack: Stack, model: str, **headers: str) -> Any:
    body = {"model": model, "input": "hello"}
    return stack.request(
        "POST", "/responses", json=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def test_create_when_the_model_has_a_prefix_then_that_provider_serves_it(stack: Stack) -> None:
    response = create(stack, model="strict/gpt-4.1")

    assert response["provider"] == "openai"  # its label


def test_create_when_there_is_no_label_then_the_provider_is_named(stack: Stack) -> None:
    assert create(stack, model="main/plain")["provider"] == "main"


def test_create_when_the_model_has_a_prefix_then_the_upstream_does_not_see_it(stack: Stack) -> None:
    assert sent_for(stack, model="main/plain")["model"] == "plain"


def test_create_when_only_the_first_part_is_a_provider_then_the_rest_is_the_model(stack: Stack) -> None:
    assert sent_for(stack, model="strict/org/model-x")["model"] == "org/model-x"


def test_create_when_the_prefix_is_no_provider_then_it_belongs_to_the_model(stack: Stack) -> None:
    assert sent_for(stack, model="somebody/plain")["model"] == "somebody/plain"


@pytest.mark.parametrize(
    ("model", "provider"), [("gpt-4.1", "openai"), ("org/model-x", "openai"), ("any", "main")]
)
def test_create_when_the_name_is_bare_then_who_lists_it_serves_it(
    stack: Stack, model: str, provider: str
) -> None:
    assert create(stack, model=model)["provider"] == provider


@pytest.mark.parametrize("header", HEADERS)
def test_create_when_a_header_names_the_provider_then_it_serves_it(stack: Stack, header: str) -> None:
    answer = ask(stack, "gpt-4.1", **{header: "main"})

    assert (answer.status_code, answer.json()["provider"]) == (200, "main")


@pytest.mark.parametrize("header", HEADERS)
def test_create_when_header_and_prefix_disagree_then_400(stack: Stack, header: str) -> None:
    answer = ask(stack, "main/plain", **{header: "strict"})

    assert (answer.status_code, error_of(answer)["param"]) == (400, "model")


def test_create_when_header_and_prefix_agree_then_fine(stack: Stack) -> None:
    assert ask(stack, "main/plain", **{HEADERS[0]: "main"}).status_code == 200


@pytest.mark.parametrize("header", HEADERS)
def test_create_when_the_header_names_nobody_then_400(stack: Stack, header: str) -> None:
    assert (ask(stack, "plain", **{header: "nobody"}).status_code) == 400


def test_create_when_the_two_headers_disagree_then_400(stack: Stack) -> None:
    assert ask(stack, "plain", **{HEADERS[0]: "main", HEADERS[1]: "strict"}).status_code == 400


@pytest.mark.parametrize("model", ["strict/gpt-9", "strict/", "main/"])
def test_create_when_the_provider_does_not_list_the_model_then_404(stack: Stack, model: str) -> None:
    answer = ask(stack, model)

    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")


def test_create_when_the_upstream_does_not_know_the_model_then_404(stack: Stack) -> None:
    answer = ask(stack, "unknown-model")

    assert (answer.status_code, error_of(answer)["code"]) == (404, "model_not_found")


def test_calls_by_id_when_no_header_is_sent_then_the_stored_provider_is_used(stack: Stack) -> None:
    response = create(stack, model="strict/gpt-4.1")

    stored = stack.request("GET", f"/responses/{response['id']}").json()

    assert stored["provider"] == "openai"


def test_models_when_listed_then_prefixed_and_unique_bare_names(stack: Stack) -> None:
    listed = {model.id: model.owned_by for model in stack.client().models.list()}

    names = ["gpt-4.1", "gpt-4o-mini", "org/model-x"]
    expected = dict.fromkeys([*names, *(f"strict/{name}" for name in names)], "openai")
    assert expected.items() <= listed.items()


@pytest.mark.parametrize(
    "model", ["gpt-4.1", "strict/gpt-4.1", "org/model-x", "strict/org/model-x", "main/a/b/c"]
)
def test_model_when_it_can_be_routed_then_it_is_shown(stack: Stack, model: str) -> None:
    shown = stack.client().models.retrieve(model)

    assert (shown.id, shown.object) == (model, "model")


def test_model_when_its_slashes_are_escaped_then_the_same_model(stack: Stack) -> None:
    answer = stack.request("GET", "/models/strict%2Forg%2Fmodel-x")

    assert answer.json()["id"] == "strict/org/model-x"


def test_model_when_nobody_serves_it_then_404(stack: Stack) -> None:
    answer = stack.request("GET", "/models/strict/gpt-9")

    assert (answer.status_code, error_of(answer)["code"]) == (404, "model_not_found")
