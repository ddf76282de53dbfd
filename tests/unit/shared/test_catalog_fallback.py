"""Targets that cannot express a request are passed over."""

from __future__ import annotations

from typing import Any

import pytest

from shared.catalog import Catalog, Provider, Target
from shared.catalog.fallback import able, next_able
from shared.errors import InvalidRequest

IMAGE = {"type": "input_image", "image_url": "https://example.org/i.png"}
SEES: dict[str, Any] = {"model": "smart", "input": [{"role": "user", "content": [IMAGE]}]}
READS: dict[str, Any] = {"model": "smart", "input": "hello"}


def account(name: str, *lacks: str) -> Provider:
    return Provider(name=name, dialect="chat_completions", base_url="http://h/v1", lacks=frozenset(lacks))


@pytest.fixture
def catalog() -> Catalog:
    accounts = [account("blind", "images"), account("seeing"), account("also-seeing")]
    targets = [Target(provider="blind"), *(Target(provider=a.name, weight=0) for a in accounts[1:])]
    return Catalog({a.name: a for a in accounts}, "blind", {"smart": targets, "dark": targets[:1]})


def test_route_when_its_account_can_express_it_then_that_one(catalog: Catalog) -> None:
    assert able(catalog, catalog.route("smart"), READS).key == "blind/smart"


def test_route_when_its_account_cannot_then_the_next_that_can(catalog: Catalog) -> None:
    route = able(catalog, catalog.route("smart"), SEES)

    assert (route.key, route.alias) == ("seeing/smart", "smart")


def test_route_when_no_target_can_then_the_first_says_why(catalog: Catalog) -> None:
    with pytest.raises(InvalidRequest) as refused:
        able(catalog, catalog.route("dark"), SEES)

    assert refused.value.param is not None and refused.value.param.startswith("input[0]")


def test_route_when_the_account_was_named_then_no_other(catalog: Catalog) -> None:
    with pytest.raises(InvalidRequest):
        able(catalog, catalog.route("blind/smart"), SEES)


def test_next_when_some_were_tried_and_some_are_held_back_then_the_one_that_is_left(catalog: Catalog) -> None:
    assert next_able(catalog, "smart", READS, {"blind/smart"}, {"seeing"}) == catalog.next_target(
        "smart", {"blind/smart", "seeing/smart"}
    )


def test_next_when_none_is_left_or_the_alias_is_gone_then_none(catalog: Catalog) -> None:
    assert next_able(catalog, "smart", SEES, {"seeing/smart"}, {"also-seeing"}) is None
    assert next_able(catalog, "gone", READS, ()) is None
