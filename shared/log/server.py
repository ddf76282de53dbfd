"""What kind of Redis this is: whether it keeps what it is given, and whether it may be used for good."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from shared.log.guard import unavailable

_DEVELOPMENT = "respool:development"


@dataclass(frozen=True, slots=True)
class Server:
    """None: it does not say (a service that forbids INFO)."""

    eviction: str | None
    append_only: bool | None
    development: bool  # started by `respool dev`, and gone with it


def examine(client: redis.Redis) -> Server:
    """Raises LogUnavailable where Redis cannot be reached, or not be written."""
    try:
        client.set("respool:ping", b"1", ex=60)
        development = bool(client.exists(_DEVELOPMENT))
        try:
            info = client.info()
        except redis.exceptions.ResponseError:
            return Server(None, None, development)
    except redis.exceptions.RedisError as error:
        raise unavailable(error) from error
    persisted = info.get("aof_enabled")
    return Server(info.get("maxmemory_policy"), None if persisted is None else bool(persisted), development)


def mark_development(client: redis.Redis) -> None:
    """Others may see that this Redis ends with its `respool dev`."""
    client.set(_DEVELOPMENT, b"1")
