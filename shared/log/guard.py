"""What Redis fails with, in our own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import redis

from shared.errors import LogUnavailable

T = TypeVar("T")


def guarded(call: Callable[[], T]) -> T:
    """Raises LogUnavailable, which names the fault and nothing that was sent."""
    try:
        return call()
    except redis.exceptions.RedisError as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> LogUnavailable:
    return LogUnavailable(f"redis: {type(error).__name__}")
