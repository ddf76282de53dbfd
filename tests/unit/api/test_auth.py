"""Key to caller: one answer for every wrong key, and a short trust in a right one."""

from __future__ import annotations

import pytest

from api import auth
from api.auth import Authenticator, Caller
from shared.errors import Unauthorized
from shared.ids import new_key
from shared.store.keys import hash_key
from tests.support.backends import Backends

PEPPER = "pepper"


@pytest.fixture
def authenticator(backends: Backends) -> Authenticator:
    return Authenticator(backends.store.keys, PEPPER)


def created(backends: Backends, tenant: str = "tenant-a") -> tuple[str, str]:
    key = new_key()
    return key, backends.store.keys.create(tenant, "name", hash_key(PEPPER, key))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_caller_when_the_key_is_right_then_its_tenant(
    backends: Backends, authenticator: Authenticator, scheme: str
) -> None:
    key, key_id = created(backends)

    assert authenticator.caller(f"{scheme} {key}") == Caller("tenant-a", key_id)


@pytest.mark.parametrize("header", [None, ""])
def test_caller_when_there_is_no_header_then_told_how(
    authenticator: Authenticator, header: str | None
) -> None:
    with pytest.raises(Unauthorized) as refused:
        authenticator.caller(header)

    assert (refused.value.code, refused.value.type) == ("missing_api_key", "authentication_error")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer sk-rsp-wrong",
        "Basic dXNlcjpwYXNz",
        "Token {key}",
        "Bearer {key} ",
        "Bearer  {key}",
        "Bearer {key}x",
        "Bearer " + "x" * 10_000,
        "Bearer k\N{SNOWMAN}y",
        "Bearer a\x00b",
    ],
)
def test_caller_when_the_key_is_wrong_in_any_way_then_one_answer(
    backends: Backends, authenticator: Authenticator, header: str
) -> None:
    key, _ = created(backends)

    with pytest.raises(Unauthorized) as refused:
        authenticator.caller(header.format(key=key))

    assert (refused.value.message, refused.value.code) == ("Incorrect API key provided.", "invalid_api_key")


def test_caller_when_the_key_is_revoked_then_refused_once_trust_ends(
    backends: Backends, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "TRUST_SECONDS", 0.0)
    key, key_id = created(backends)
    authenticator.caller(f"Bearer {key}")
    backends.store.keys.revoke(key_id)

    with pytest.raises(Unauthorized):
        authenticator.caller(f"Bearer {key}")


def test_caller_when_just_seen_then_known_without_the_store(
    backends: Backends, authenticator: Authenticator
) -> None:
    key, key_id = created(backends)
    first = authenticator.caller(f"Bearer {key}")
    backends.store.keys.revoke(key_id)

    assert authenticator.caller(f"Bearer {key}") == first


def test_caller_when_wrong_before_it_was_made_then_right_at_once_afterwards(
    backends: Backends, authenticator: Authenticator
) -> None:
    key = new_key()
    with pytest.raises(Unauthorized):
        authenticator.caller(f"Bearer {key}")

    backends.store.keys.create("tenant-a", "", hash_key(PEPPER, key))

    assert authenticator.caller(f"Bearer {key}").tenant_id == "tenant-a"


def test_caller_when_the_pepper_is_another_then_refused(backends: Backends) -> None:
    key, _ = created(backends)

    with pytest.raises(Unauthorized):
        Authenticator(backends.store.keys, "other").caller(f"Bearer {key}")


def test_caller_when_very_many_keys_were_seen_then_memory_is_bounded(
    backends: Backends, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "_CACHE_SIZE", 3)

    for number in range(10):
        key, _ = created(backends, f"tenant-{number}")
        assert authenticator.caller(f"Bearer {key}").tenant_id == f"tenant-{number}"

    assert len(authenticator._known) <= 3
