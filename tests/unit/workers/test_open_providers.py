"""The providers of a worker follow its catalog."""

from __future__ import annotations

from shared.catalog import Catalog, Provider
from workers.providers import HttpClient, open_providers
from workers.providers.responses_api import ResponsesApi


def _catalog(*names: str, url: str = "http://x/v1") -> Catalog:
    return Catalog({name: Provider(name=name, base_url=url) for name in names}, None)


def test_get_when_the_account_is_there_then_always_the_same_one(client: HttpClient) -> None:
    providers = open_providers(_catalog("a"), client)

    assert isinstance(providers["a"], ResponsesApi)
    assert providers["a"] is providers["a"]


def test_get_when_the_account_is_new_then_made(client: HttpClient) -> None:
    catalog = _catalog("a")
    providers = open_providers(catalog, client)
    catalog.become(_catalog("a", "b"))

    assert providers.get("b") is not None


def test_get_when_the_account_changed_then_another_one(client: HttpClient) -> None:
    catalog = _catalog("a")
    providers = open_providers(catalog, client)
    before = providers["a"]
    catalog.become(_catalog("a", url="http://y/v1"))

    assert providers["a"] is not before


def test_get_when_the_account_is_gone_then_none(client: HttpClient) -> None:
    catalog = _catalog("a")
    providers = open_providers(catalog, client)
    catalog.become(_catalog("b"))

    assert (providers.get("a"), list(providers)) == (None, ["b"])
