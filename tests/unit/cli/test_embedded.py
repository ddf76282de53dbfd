"""The embedded Redis: which binary and which promises."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from cli.embedded import redis_binary, redis_command
from shared.errors import ConfigurationError


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_binary_when_one_is_on_the_path_is_that(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.touch(mode=0o755)

    assert redis_binary({"PATH": str(tmp_path)}) == program


def test_binary_when_none_is_on_the_path_nor_installed_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(ConfigurationError, match="redis-server or valkey-server"):
        redis_binary({"PATH": str(tmp_path)})


def test_command_when_made_keeps_everything_and_listens_on_loopback_alone(tmp_path: Path) -> None:
    command = redis_command(Path("redis-server"), 7000, tmp_path)

    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--bind"] == "127.0.0.1"
    assert options["--port"] == "7000"
