"""The accounts' limits: exact among all who ask, forgotten with their minute, harmless to lose."""

from __future__ import annotations

from functools import partial
from typing import cast

import pytest
import redis

from shared.errors import LogUnavailable
from shared.log import Quota, Quotas, Taken
from shared.services import connect_redis
from tests.support.backends import Backends
from tests.support.lanes import together
from tests.support.servers import free_port

MINUTE, RUNNING = "respool:{quota.main}:minute", "respool:{quota.main}:running"


@pytest.fixture
def quotas(backends: Backends) -> Quotas:
    return Quotas(backends.redis)


def take(quotas: Quotas, quota: Quota, who: str, tokens: int = 0, *, runs: bool = False) -> Taken:
    return quotas.take("main", quota, who, tokens=tokens, runs=runs)


def admitted(quotas: Quotas, quota: Quota, count: int, tokens: int = 0) -> list[bool]:
    return [take(quotas, quota, f"r{n}", tokens).wait_seconds == 0 for n in range(count)]


def make_older(client: redis.Redis, seconds: int) -> None:
    """Let the minute's counts be older than they are."""
    found = cast("dict[bytes, bytes]", client.hgetall(MINUTE))
    client.delete(MINUTE)
    for field, count in found.items():
        client.hset(MINUTE, field[:1].decode() + str(int(field[1:]) - seconds), count)


def test_concurrency_when_reached_then_nothing_more_until_one_leaves(quotas: Quotas) -> None:
    quota = Quota(concurrency=2)
    first = take(quotas, quota, "a")
    take(quotas, quota, "b")

    refused = take(quotas, quota, "c")
    quotas.leave("main", "a", first, more_tokens=0)

    assert refused.wait_seconds > 0
    assert take(quotas, quota, "c").wait_seconds == 0


def test_concurrency_when_many_ask_at_once_then_never_more(quotas: Quotas) -> None:
    taken = together(*(partial(take, quotas, Quota(concurrency=3), str(n)) for n in range(8)))

    assert sum(one.wait_seconds == 0 for one in taken) == 3


def test_concurrency_when_its_owner_died_then_free_once_it_is_not_renewed(
    quotas: Quotas, backends: Backends
) -> None:
    take(quotas, Quota(concurrency=1), "dead")
    backends.redis.zadd(RUNNING, {"dead": 1})

    assert take(quotas, Quota(concurrency=1), "next").wait_seconds == 0


def test_concurrency_when_renewed_then_still_taken(quotas: Quotas, backends: Backends) -> None:
    take(quotas, Quota(concurrency=1), "long")
    backends.redis.zadd(RUNNING, {"long": 1})
    quotas.renew([("main", "long")])

    assert take(quotas, Quota(concurrency=1), "next").wait_seconds > 0


def test_concurrency_when_redis_forgot_then_known_again_with_the_next_renewal(
    quotas: Quotas, backends: Backends
) -> None:
    take(quotas, Quota(concurrency=1), "long")
    backends.redis.flushdb()
    quotas.renew([("main", "long")])

    assert quotas.full({"main": Quota(concurrency=1)}) == {"main"}


def test_concurrency_when_it_runs_upstream_already_then_counted_and_never_refused(quotas: Quotas) -> None:
    quota = Quota(concurrency=1)
    take(quotas, quota, "a")

    resumed = take(quotas, quota, "b", runs=True)

    assert resumed.wait_seconds == 0
    assert quotas.full({"main": quota}) == {"main"}


def test_requests_when_the_minute_has_its_number_then_nothing_more_in_it(quotas: Quotas) -> None:
    assert admitted(quotas, Quota(requests=2), 3) == [True, True, False]


def test_requests_when_the_minute_is_over_then_again(quotas: Quotas, backends: Backends) -> None:
    admitted(quotas, Quota(requests=2), 2)
    make_older(backends.redis, 61)

    assert admitted(quotas, Quota(requests=2), 3) == [True, True, False]


def test_requests_when_refused_then_it_says_how_long(quotas: Quotas, backends: Backends) -> None:
    take(quotas, Quota(requests=1), "a")
    make_older(backends.redis, 40)

    assert 0 < take(quotas, Quota(requests=1), "b").wait_seconds <= 21


def test_tokens_when_they_would_be_too_many_then_refused(quotas: Quotas) -> None:
    assert admitted(quotas, Quota(tokens=100), 3, tokens=40) == [True, True, False]


def test_tokens_when_one_request_is_above_the_limit_then_it_goes_alone(quotas: Quotas) -> None:
    assert admitted(quotas, Quota(tokens=100), 2, tokens=500) == [True, False]


def test_tokens_when_fewer_were_used_then_the_rest_is_free(quotas: Quotas) -> None:
    quota = Quota(tokens=100)
    taken = take(quotas, quota, "a", 90)
    quotas.leave("main", "a", taken, more_tokens=-80)

    assert take(quotas, quota, "b", 80).wait_seconds == 0


def test_tokens_when_more_were_used_then_they_count(quotas: Quotas) -> None:
    quota = Quota(tokens=100)
    taken = take(quotas, quota, "a", 10)
    quotas.leave("main", "a", taken, more_tokens=90)

    assert quotas.full({"main": quota}) == {"main"}


def test_tokens_when_it_ended_minutes_later_then_what_was_more_counts_now(
    quotas: Quotas, backends: Backends
) -> None:
    quota = Quota(tokens=100)
    taken = take(quotas, quota, "a", 10)
    make_older(backends.redis, 61)
    take(quotas, quota, "b", 0)  # forgets what is older
    quotas.leave("main", "a", taken, more_tokens=100)

    assert quotas.full({"main": quota}) == {"main"}


def test_hold_when_the_upstream_named_a_time_then_full_for_so_long(quotas: Quotas) -> None:
    quotas.hold("main", 30)

    assert quotas.full({"main": Quota(requests=100)}) == {"main"}
    assert 29 <= take(quotas, Quota(requests=100), "a").wait_seconds <= 30


def test_full_when_asked_of_several_then_those_at_a_limit(quotas: Quotas) -> None:
    take(quotas, Quota(concurrency=1), "a")

    assert quotas.full({"main": Quota(concurrency=1), "other": Quota(concurrency=1)}) == {"main"}


def test_verbs_when_redis_is_away_then_they_say_so() -> None:
    away = connect_redis(f"redis://127.0.0.1:{free_port()}/0")

    with pytest.raises(LogUnavailable):
        Quotas(away).full({"main": Quota(requests=1)})
    away.close()
