"""Which provider serves which model: by prefix, by header, by list, by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.catalog import Catalog, Provider, load_catalog
from shared.errors import ConfigurationError, InvalidRequest, NotFound
from shared.settings import Settings
from tests.support.providers_file import load

FILE = """
providers:
  main:
    base_url: http://main/v1
    api_key: ${MAIN_KEY}
  listed:
    base_url: http://listed/v1
    label: openai
    models: [gpt-4.1, org/model-x]
  other:
    base_url: http://other/v1
    models: [gpt-4.1, only-here]
default_provider: main
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return load(tmp_path, FILE, MAIN_KEY="k3y")


def routed(catalog: Catalog, model: str, **headers: str) -> tuple[str, str]:
    route = catalog.route(model, {name.replace("_", "-"): value for name, value in headers.items()})
    return route.provider.name, route.model


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("main/gpt-4.1", ("main", "gpt-4.1")),
        ("main/org/any", ("main", "org/any")),
        ("listed/org/model-x", ("listed", "org/model-x")),
        ("org/model-x", ("listed", "org/model-x")),
        ("only-here", ("other", "only-here")),
        ("gpt-4.1", ("listed", "gpt-4.1")),
        ("anything", ("main", "anything")),
        ("nobody/anything", ("main", "nobody/anything")),
    ],
)
def test_route_when_named_by_its_model_then_the_provider_and_its_own_name(
    catalog: Catalog, model: str, expected: tuple[str, str]
) -> None:
    assert routed(catalog, model) == expected


def test_route_when_the_default_lists_it_too_then_the_default(tmp_path: Path) -> None:
    catalog = load(tmp_path, FILE.replace("default_provider: main", "default_provider: other"), MAIN_KEY="k")

    assert routed(catalog, "gpt-4.1") == ("other", "gpt-4.1")


@pytest.mark.parametrize("header", ["x_respool_provider", "x_tfy_provider_name"])
def test_route_when_named_by_a_header_then_that_provider(catalog: Catalog, header: str) -> None:
    assert routed(catalog, "gpt-4.1", **{header: "other"}) == ("other", "gpt-4.1")


def test_route_when_header_and_prefix_agree_then_taken(catalog: Catalog) -> None:
    assert routed(catalog, "other/gpt-4.1", x_tfy_provider_name="other") == ("other", "gpt-4.1")


def test_route_when_both_headers_agree_then_taken(catalog: Catalog) -> None:
    both = {"x_tfy_provider_name": "other", "x_respool_provider": "other"}

    assert routed(catalog, "gpt-4.1", **both) == ("other", "gpt-4.1")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x_tfy_provider_name": "listed"}, "provider_mismatch"),
        ({"x_tfy_provider_name": "nobody"}, "provider_not_found"),
        ({"x_tfy_provider_name": "other", "x_respool_provider": "main"}, "provider_not_found"),
    ],
)
def test_route_when_the_headers_contradict_then_refused(
    catalog: Catalog, headers: dict[str, str], code: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        routed(catalog, "other/gpt-4.1", **headers)

    assert (refused.value.status, refused.value.code) == (400, code)


@pytest.mark.parametrize("model", ["listed/unknown", "listed/", "main/"])
def test_route_when_the_provider_does_not_serve_it_then_not_found(catalog: Catalog, model: str) -> None:
    with pytest.raises(NotFound) as refused:
        routed(catalog, model)

    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


def test_route_when_there_are_no_providers_then_not_found() -> None:
    with pytest.raises(NotFound):
        Catalog({}, None).route("gpt-4.1")


def test_names_when_listed_then_with_account_and_bare_where_unique(catalog: Catalog) -> None:
    assert [name for name, _ in catalog.names()] == [
        "listed/gpt-4.1",
        "listed/org/model-x",
        "org/model-x",
        "other/gpt-4.1",
        "other/only-here",
        "only-here",
    ]


def test_load_when_a_variable_is_used_then_filled_in(catalog: Catalog) -> None:
    assert catalog.providers["main"].key() == "k3y"


def test_load_when_the_key_is_in_a_file_then_read_from_it(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("from-file\n")
    text = FILE.replace("api_key: ${MAIN_KEY}", f"api_key_file: {secret}")

    assert load(tmp_path, text).providers["main"].key() == "from-file"


def test_load_when_only_the_environment_is_set_then_provider_openai() -> None:
    catalog = load_catalog(Settings(openai_api_key="sk-x", openai_base_url="http://up/v1"), {})

    assert catalog.default == "openai"
    assert (catalog.providers["openai"].base_url, catalog.providers["openai"].key()) == (
        "http://up/v1",
        "sk-x",
    )


def test_load_when_the_demo_upstream_runs_then_it_is_the_default() -> None:
    catalog = load_catalog(Settings(openai_api_key="sk-x", demo_upstream_url="http://demo/v1"), {})

    assert (catalog.default, catalog.route("demo").provider.name) == ("demo", "demo")


def test_load_when_nothing_is_configured_then_empty() -> None:
    assert load_catalog(Settings(), {}) == Catalog({}, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("providers: [", "not YAML"),
        ("providers: 3", "providers"),
        ("wrong: 1", "wrong"),
        ("providers: {a: {base_url: http://x, modles: [m]}}", "modles"),
        ("providers: {a: {base_url: http://x, deadlines: {total: 0}}}", "total"),
        ("providers: {a: {dialect: telepathy, base_url: http://x}}", "dialect"),
        ("providers: {'a b': {base_url: http://x}}", "plain word"),
        ("providers: {a: {base_url: ftp://x}}", "http"),
        ("providers: {a: {}}", "base_url"),
        ("providers: {a: {base_url: '${NOT_THERE}'}}", "NOT_THERE"),
        ("providers: {a: {base_url: http://x}}\ndefault_provider: b", "default_provider"),
    ],
)
def test_load_when_the_file_is_wrong_then_its_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said.replace("$", r"\$")):
        load(tmp_path, text)


def test_load_when_the_file_is_not_there_then_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_catalog(Settings(config=str(tmp_path / "none.yaml")), {})


def test_load_when_a_mistake_is_beside_a_key_then_the_key_is_not_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, "providers: {a: {base_url: http://x, api_key: [s3cr3t]}}")

    assert "s3cr3t" not in str(refused.value)


def test_provider_when_printed_then_no_key() -> None:
    assert "s3cr3t" not in repr(Provider(base_url="http://x", api_key="s3cr3t"))
