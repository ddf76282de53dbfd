"""What the accounts' limits have left, kept in Redis so that all workers share it.

Numbers only, of the last minute: a Redis that forgets them lets a little too much through for that
long, and running generations say again that they run. Each verb is one Lua call by Redis's clock.

Keys of one account, in one hash slot:
    {NAME}:running  sorted set; who generates now, until when it counts unless it says so again
    {NAME}:minute   hash; `r<second>` requests begun, `t<second>` tokens, of the last minute
    {NAME}:hold     exists while the upstream wants to be left alone
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import redis

from shared.log.guard import guarded

COUNTED_SECONDS = 45.0  # of somebody who runs and does not say so again

# The first answer of each script is the wait in milliseconds until something may be free: 0, nothing is.
_LOOK = """
local clock = redis.call('TIME')
local second = tonumber(clock[1])
local now = second * 1000 + math.floor(tonumber(clock[2]) / 1000)
local max_running, max_requests, max_tokens = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local wait = math.max(redis.call('PTTL', KEYS[3]), 0)
local function until_free(first) return math.max((first + 61) * 1000 - now, 1) end
local sum, first = {r = 0, t = 0}, {}
if max_requests > 0 or max_tokens > 0 then
  local minute = redis.call('HGETALL', KEYS[2])
  for i = 1, #minute, 2 do
    local kind, at = string.sub(minute[i], 1, 1), tonumber(string.sub(minute[i], 2))
    local count = tonumber(minute[i + 1])
    if at < second - 60 then
      redis.call('HDEL', KEYS[2], minute[i])
    elseif count > 0 then
      sum[kind] = sum[kind] + count
      if not first[kind] or at < first[kind] then first[kind] = at end
    end
  end
end
local function look(tokens)
  if max_running > 0 and redis.call('ZCARD', KEYS[1]) >= max_running then wait = math.max(wait, 1000) end
  if max_requests > 0 and sum.r >= max_requests then wait = math.max(wait, until_free(first.r)) end
  if max_tokens > 0 and sum.t > 0 and sum.t + tokens > max_tokens then
    wait = math.max(wait, until_free(first.t))
  end
  return wait
end
"""

# ARGV: concurrency, requests and tokens a minute (0: no limit)
_FULL = _LOOK + "return look(1)"

# ARGV as before, then: who, tokens, milliseconds it counts, surely (1: it runs already) -> {wait, second}
_TAKE = (
    _LOOK
    + """
local who, tokens, kept = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
if ARGV[7] == '0' then
  if look(tokens) > 0 then return {wait, second} end
  if max_requests > 0 or max_tokens > 0 then
    redis.call('HINCRBY', KEYS[2], 'r' .. second, 1)
    redis.call('HINCRBY', KEYS[2], 't' .. second, tokens)
    redis.call('EXPIRE', KEYS[2], 150)
  end
end
redis.call('ZADD', KEYS[1], now + kept, who)
redis.call('PEXPIRE', KEYS[1], kept)
return {0, second}
"""
)

# ARGV: who, milliseconds
_RENEW = """
local clock = redis.call('TIME')
redis.call('ZADD', KEYS[1], tonumber(clock[1]) * 1000 + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

# ARGV: who, the second it began in, tokens more than were counted then (may be negative)
_LEAVE = """
redis.call('ZREM', KEYS[1], ARGV[1])
local more = tonumber(ARGV[3])
if more == 0 then return 0 end
local began = 't' .. ARGV[2]
if redis.call('HEXISTS', KEYS[2], began) == 1 then
  redis.call('HINCRBY', KEYS[2], began, more)
elseif more > 0 then
  redis.call('HINCRBY', KEYS[2], 't' .. redis.call('TIME')[1], more)
end
redis.call('EXPIRE', KEYS[2], 150)
return 1
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """An account's limits; 0: none."""

    concurrency: int = 0
    requests: int = 0  # a minute
    tokens: int = 0  # a minute

    def __bool__(self) -> bool:
        return bool(self.concurrency or self.requests or self.tokens)


@dataclass(frozen=True, slots=True)
class Taken:
    """`wait_seconds` 0: it may begin, and was counted; else about how long nothing more may."""

    wait_seconds: float
    second: int = 0


class Quotas:
    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._full = client.register_script(_FULL)
        self._take = client.register_script(_TAKE)
        self._renew = client.register_script(_RENEW)
        self._leave = client.register_script(_LEAVE)

    def full(self, quotas: Mapping[str, Quota]) -> set[str]:
        """The accounts that take nothing now. All verbs raise LogUnavailable."""

        def look(name: str, quota: Quota) -> int:
            return int(self._full(keys=_keys(name), args=_numbers(quota)))

        found: set[str] = guarded(lambda: {name for name, quota in quotas.items() if look(name, quota) > 0})
        return found

    def take(self, account: str, quota: Quota, who: str, *, tokens: int, runs: bool = False) -> Taken:
        """`runs`: it goes on with what runs upstream already, which no limit can stop."""
        wanted = min(tokens, quota.tokens) if quota.tokens else tokens
        args: list[int | str] = [*_numbers(quota), who, wanted, int(COUNTED_SECONDS * 1000), int(runs)]
        wait, second = guarded(lambda: self._take(keys=_keys(account), args=args))
        return Taken(int(wait) / 1000, int(second))

    def renew(self, running: Iterable[tuple[str, str]]) -> None:
        """(account, who) of what runs still."""
        kept = int(COUNTED_SECONDS * 1000)

        def call() -> None:
            for account, who in running:
                self._renew(keys=_keys(account), args=[who, kept])

        guarded(call)

    def leave(self, account: str, who: str, taken: Taken, *, more_tokens: int) -> None:
        """It ended; `more_tokens`: than were counted when it began."""
        guarded(lambda: self._leave(keys=_keys(account), args=[who, taken.second, more_tokens]))

    def hold(self, account: str, seconds: float) -> None:
        """Leave an account alone for so long."""
        guarded(lambda: self._redis.set(_keys(account)[2], 1, px=max(int(seconds * 1000), 1)))


def _keys(account: str) -> list[str]:
    prefix = f"respool:{{quota.{account}}}:"
    return [prefix + "running", prefix + "minute", prefix + "hold"]


def _numbers(quota: Quota) -> list[int]:
    return [quota.concurrency, quota.requests, quota.tokens]
