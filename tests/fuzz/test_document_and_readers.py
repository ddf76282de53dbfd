"""The document never forbids what the code accepts: both come from the same types and limits."""

from __future__ import annotations

from typing import Any

import jsonschema
from hypothesis import strategies as st

from api.openapi import build_document
from shared.errors import InvalidRequest
from shared.wire import conversations
from shared.wire.request import parse_create
from tests.fuzz.ammunition import creates, items, scalars, tools
from tests.fuzz.rounds import fuzz

COMPONENTS = build_document(["/v1"], "0")["components"]
item_lists = st.lists(items, min_size=1, max_size=3)


def validator(name: str) -> jsonschema.Draft202012Validator:
    reference = {"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}
    return jsonschema.Draft202012Validator(reference)


CREATE, ITEMS = validator("CreateResponse"), validator("CreateItems")


def test_create_when_it_is_accepted_then_the_document_allows_it() -> None:
    accepted = []

    def check(body: dict[str, Any]) -> None:
        try:
            parse_create(body)
        except InvalidRequest:
            return
        accepted.append(body)
        assert [e.message for e in CREATE.iter_errors(body)] == []

    odd = st.fixed_dictionaries(
        {"model": st.just("m"), "input": st.one_of(st.text(), item_lists)},
        optional={"tools": st.lists(tools, max_size=2), "temperature": scalars, "stream": scalars},
    )
    fuzz(check, examples=400, share=0, body=st.one_of(creates(), odd))
    assert accepted


def test_items_when_they_are_accepted_then_the_document_allows_them() -> None:
    accepted = []

    def check(given: list[Any]) -> None:
        try:
            conversations.parse_items({"items": given})
        except InvalidRequest:
            return
        accepted.append(given)
        assert [e.message for e in ITEMS.iter_errors({"items": given})] == []

    fuzz(check, examples=400, share=0, given=item_lists)
    assert accepted
