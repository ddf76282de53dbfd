"""Aliases: which target a request goes to, which one stands in for it, and what an alias may be called."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from shared.catalog import Catalog
from shared.errors import ConfigurationError
from tests.support.providers_file import load

ACCOUNTS = """
providers:
  main:
    base_url: http://main/v1
    models: [gpt-4.1, org/model-x]
  azure:
    base_url: http://azure/v1
    models: {gpt-4.1: deployment-1, mini: deployment-2}
  house:
    base_url: http://house/v1
    label: ours
default_provider: main
"""
ALIASES = """
aliases:
  gpt-4.1:
    - {provider: main, weight: 3}
    - {provider: azure}
  smart:
    - {provider: main, model: org/model-x}
    - {provider: azure, model: mini, weight: 0}
    - {provider: house, model: llama, weight: 0}
  local:
    - {provider: house}
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return load(tmp_path, ACCOUNTS + ALIASES)


def test_route_when_it_is_an_alias_then_by_weight(catalog: Catalog) -> None:
    rng = random.Random(7)

    drawn = Counter(catalog.route("gpt-4.1", rng=rng).key for _ in range(4000))

    assert set(drawn) == {"main/gpt-4.1", "azure/deployment-1"}
    assert 2.5 < drawn["main/gpt-4.1"] / drawn["azure/deployment-1"] < 3.5


def test_route_when_a_weight_is_zero_then_never_drawn(catalog: Catalog) -> None:
    rng = random.Random(7)

    assert {catalog.route("smart", rng=rng).key for _ in range(500)} == {"main/org/model-x"}


def test_route_when_it_is_an_alias_then_told(catalog: Catalog) -> None:
    assert catalog.route("smart").alias == "smart"


def test_route_when_a_target_has_no_model_then_the_aliass_name(catalog: Catalog) -> None:
    assert catalog.route("local").key == "house/local"


@pytest.mark.parametrize(
    ("prefer", "key"),
    [("house", "house/llama"), ("azure", "azure/deployment-2"), ("gone", "main/org/model-x")],
)
def test_route_when_a_target_is_preferred_then_that_one_if_it_is_there(
    catalog: Catalog, prefer: str, key: str
) -> None:
    assert catalog.route("smart", prefer=prefer).key == key


@pytest.mark.parametrize(
    ("model", "headers", "key"),
    [
        ("azure/smart", {}, "azure/deployment-2"),
        ("smart", {"x-respool-provider": "house"}, "house/llama"),
        ("house/gpt-4.1", {}, "house/gpt-4.1"),
        ("azure/gpt-4.1", {}, "azure/deployment-1"),
    ],
)
def test_route_when_an_account_is_named_then_it_alone(
    catalog: Catalog, model: str, headers: dict[str, str], key: str
) -> None:
    route = catalog.route(model, headers)

    assert (route.key, route.alias) == (key, None)


def test_next_target_when_one_was_tried_then_the_next_in_order(catalog: Catalog) -> None:
    route = catalog.next_target("smart", {"main/org/model-x"})

    assert route is not None
    assert (route.key, route.alias) == ("azure/deployment-2", "smart")


def test_next_target_when_an_account_is_held_back_then_passed_over(catalog: Catalog) -> None:
    route = catalog.next_target("smart", {"main/org/model-x"}, {"azure"})

    assert route is not None
    assert route.key == "house/llama"


def test_next_target_when_all_were_tried_then_none(catalog: Catalog) -> None:
    tried = {"main/org/model-x", "azure/deployment-2", "house/llama"}

    assert catalog.next_target("smart", tried) is None


def test_next_target_when_the_alias_is_gone_then_none(catalog: Catalog) -> None:
    assert catalog.next_target("gone", ()) is None


def test_names_when_there_are_aliases_then_first_and_once(catalog: Catalog) -> None:
    assert [name for name, _ in catalog.names()] == [
        *("gpt-4.1", "smart", "local"),
        *("main/gpt-4.1", "main/org/model-x", "org/model-x"),
        *("azure/gpt-4.1", "azure/mini", "mini"),
    ]


@pytest.mark.parametrize(("model", "owner"), [("local", "ours"), ("smart", "respool"), ("mini", "azure")])
def test_owner_when_asked_then_the_same_as_in_the_list(catalog: Catalog, model: str, owner: str) -> None:
    assert catalog.owner(model) == owner
    assert dict(catalog.names())[model] == owner


@pytest.mark.parametrize(
    ("aliases", "said"),
    [
        ("{a: [{provider: nobody}]}", "aliases.a[0].provider: is not among the providers"),
        ("{a: [{provider: main, model: other}]}", "'main' does not serve 'other'"),
        ("{mini: [{provider: house}]}", "hides the model 'mini' of 'azure'"),
        ("{main/x: [{provider: house}]}", "'main/' already means the account"),
        ("{a b: [{provider: house}]}", "without blanks"),
        ("{a: []}", "1 to 32 targets"),
        ("{a: [{provider: house, weight: 0}]}", "weight is above 0"),
        ("{a: [{provider: house}, {provider: house}]}", "same target as one above"),
        ("{a: [{provider: house, weight: -1}]}", "weight"),
        ("{a: {provider: house}}", "must be a list"),
        ("{a: [{provider: house, modle: x}]}", "did you mean 'model'"),
    ],
)
def test_load_when_an_alias_is_wrong_then_said(tmp_path: Path, aliases: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, f"{ACCOUNTS}aliases: {aliases}\n")

    assert "line 13: " in str(refused.value)
    assert said in str(refused.value)


def test_load_when_an_alias_has_the_name_of_a_model_of_all_its_targets_then_taken(catalog: Catalog) -> None:
    assert "gpt-4.1" in catalog.aliases
