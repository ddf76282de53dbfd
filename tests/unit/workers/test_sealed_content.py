"""Sealed content: opened by this gateway for the same tenant alone, across key rotations."""

from __future__ import annotations

import base64

import pytest

from shared.errors import ConfigurationError
from workers.sealed_content import Sealer, make_sealer

OLD, NEW = b"o" * 32, b"n" * 32


def _setting(**keys: bytes) -> str:
    return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in keys.items())


def test_sealed_when_opened_by_its_tenant_then_the_text() -> None:
    sealer = make_sealer("", "pepper")

    assert sealer.open(sealer.seal("gr\u00fc\u00dfe", "a"), "a") == "gr\u00fc\u00dfe"


def test_sealed_when_opened_by_another_tenant_then_nothing() -> None:
    sealer = make_sealer("", "pepper")

    assert sealer.open(sealer.seal("secret", "a"), "b") is None


def test_sealed_when_one_character_is_changed_then_nothing() -> None:
    sealer = make_sealer("", "pepper")
    token = sealer.seal("secret", "a")
    changed = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]

    assert sealer.open(changed, "a") is None


@pytest.mark.parametrize(
    "token", ["", "rsp1.", "rsp1.d.", "rsp1.d.%%%", "gAAAA-somebody-elses", "rsp1.x.AAAA"]
)
def test_token_when_it_is_not_ours_then_nothing(token: str) -> None:
    assert make_sealer("", "pepper").open(token, "a") is None


def test_keys_when_rotated_then_the_new_one_seals_and_the_old_one_opens() -> None:
    before = make_sealer(_setting(old=OLD), "pepper")
    after = make_sealer(_setting(new=NEW, old=OLD), "pepper")
    token = before.seal("earlier", "a")

    assert after.open(token, "a") == "earlier"
    assert after.seal("later", "a").startswith("rsp1.new.")
    assert before.open(after.seal("later", "a"), "a") is None


def test_sealed_twice_when_compared_then_different() -> None:
    sealer = Sealer({"k": OLD})

    assert sealer.seal("same", "a") != sealer.seal("same", "a")


@pytest.mark.parametrize("setting", ["x", "x:", "x:AAAA", ":" + base64.b64encode(OLD).decode(), "x:###"])
def test_setting_when_it_is_no_key_then_said_at_start(setting: str) -> None:
    with pytest.raises(ConfigurationError):
        make_sealer(setting, "pepper")
