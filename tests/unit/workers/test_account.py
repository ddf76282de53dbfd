"""What an account's configuration makes of each request: address, key, headers and query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.catalog import Provider
from shared.errors import UpstreamError
from workers.providers.account import Account
from workers.providers.base import Generation

OURS = Generation("resp_1", 2, "m", {}, [])


def account(**fields: Any) -> Account:
    return Account(Provider(name="a", base_url="http://x/v1/", **fields))


def test_url_when_it_is_azures_then_with_the_version() -> None:
    azure = account(api_version="2025-04-01-preview")

    assert azure.url("/responses") == "http://x/v1/responses?api-version=2025-04-01-preview"


def test_url_when_there_is_a_query_then_in_each_request_beside_its_own() -> None:
    url = account(query={"tier": "a b"}).url("/responses/r", stream="true")

    assert url == "http://x/v1/responses/r?tier=a+b&stream=true"


@pytest.mark.parametrize(
    ("fields", "header", "value"),
    [
        ({}, "Authorization", "Bearer k"),
        ({"auth": "bearer"}, "Authorization", "Bearer k"),
        ({"auth": "api-key"}, "api-key", "k"),
        ({"auth": "x-api-key"}, "x-api-key", "k"),
        ({"organization": "org-1"}, "OpenAI-Organization", "org-1"),
        ({"project": "proj_1"}, "OpenAI-Project", "proj_1"),
        ({"headers": {"X-Own": "v"}}, "X-Own", "v"),
        ({"headers": {"User-Agent": "mine"}}, "User-Agent", "mine"),
    ],
)
def test_headers_when_configured_then_sent(fields: dict[str, Any], header: str, value: str) -> None:
    assert account(api_key="k", **fields).headers()[header] == value


def test_headers_when_the_key_goes_elsewhere_then_no_authorization() -> None:
    assert "Authorization" not in account(api_key="k", auth="api-key").headers()


def test_headers_when_the_dialect_takes_keys_its_own_way_then_so() -> None:
    assert Account(Provider(base_url="http://x", api_key="k"), auth="x-api-key").headers()["x-api-key"] == "k"


def test_headers_when_there_is_no_key_then_none_is_sent() -> None:
    assert "Authorization" not in account().headers()


def test_headers_when_something_is_generated_then_it_is_named_for_upstreams_that_know_keys() -> None:
    headers = account().headers(OURS)

    assert (headers["Idempotency-Key"], headers["X-Client-Request-Id"]) == ("resp_1", "resp_1.2")


def test_headers_when_the_keys_file_is_gone_then_refused_as_a_wrong_key(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError) as refused:
        account(api_key_file=str(tmp_path / "none")).headers()

    assert refused.value.reason == "upstream_auth"


@pytest.mark.parametrize("held", ["sk-1\nsk-2", "\ufeffsk-1", "clé"])
def test_headers_when_the_keys_file_holds_what_no_header_can_then_refused_as_a_wrong_key(
    tmp_path: Path, held: str
) -> None:
    file = tmp_path / "key"
    file.write_text(held, encoding="utf-8")

    with pytest.raises(UpstreamError) as refused:
        account(api_key_file=str(file)).headers()

    assert refused.value.reason == "upstream_auth"
