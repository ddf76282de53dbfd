"""A worker's limits over a real Redis: shared, given back, corrected; without Redis there are none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from shared.catalog import Catalog, Provider
from shared.log import Quotas
from shared.services import connect_redis
from shared.store.rows import ResponseRow
from tests.support.backends import Backends
from tests.support.rows import accepted, ending, gated
from tests.support.servers import free_port
from workers.limits import BLIND_SECONDS, REFUSED_SECONDS, Limits, Seat, tokens_used


def catalog(**limits: int) -> Catalog:
    accounts = [
        Provider.model_validate({"name": "main", "base_url": "http://h/v1", **limits}),
        Provider(name="other", base_url="http://h/v1"),
    ]
    return Catalog({a.name: a for a in accounts}, "main")


def take(limits: Limits, row: ResponseRow, tokens: int = 0) -> Seat | None:
    taken = limits.take(row, lambda: tokens)
    return taken if isinstance(taken, Seat) else None


@pytest.fixture
def rows(backends: Backends) -> list[ResponseRow]:
    return [accepted(backends.store) for _ in range(3)]


@pytest.fixture
def away() -> Iterator[redis.Redis]:
    client = connect_redis(f"redis://127.0.0.1:{free_port()}/0")
    yield client
    client.close()


def test_limit_when_two_workers_ask_then_it_holds_for_both_together(
    backends: Backends, rows: list[ResponseRow]
) -> None:
    workers = [Limits(catalog(concurrency=1), Quotas(backends.redis)) for _ in range(2)]

    seats = [take(workers[0], rows[0]), take(workers[1], rows[1])]

    assert [seat is not None for seat in seats] == [True, False]
    assert workers[1].full() == {"main"} and workers[1].states() == {"main": True}


def test_seat_when_left_then_free_for_another(backends: Backends, rows: list[ResponseRow]) -> None:
    limits = Limits(catalog(concurrency=1), Quotas(backends.redis))
    seat = take(limits, rows[0])
    assert seat is not None

    limits.leave(seat)
    limits.leave(seat)

    assert take(limits, rows[1]) is not None


def test_account_when_it_has_refused_a_large_request_then_left_alone_for_a_moment(
    backends: Backends, rows: list[ResponseRow]
) -> None:
    now = [0.0]
    limits = Limits(catalog(tokens_per_minute=100), Quotas(backends.redis), clock=lambda: now[0])
    take(limits, rows[0], 50)
    take(limits, rows[1], 60)

    refused = limits.full()
    now[0] += REFUSED_SECONDS

    assert refused == {"main"} and limits.full() == set()


def test_seat_when_renewed_after_redis_forgot_then_it_counts_again(
    backends: Backends, rows: list[ResponseRow]
) -> None:
    limits = Limits(catalog(concurrency=1), Quotas(backends.redis))
    take(limits, rows[0])
    backends.redis.flushdb()

    limits.renew()

    assert limits.full() == {"main"}


def test_tokens_when_the_estimate_was_too_high_then_the_rest_is_given_back(
    backends: Backends, rows: list[ResponseRow]
) -> None:
    limits = Limits(catalog(tokens_per_minute=100), Quotas(backends.redis))
    seat = take(limits, rows[0], 5000)
    assert seat is not None
    seat.used = 10
    limits.leave(seat)

    assert take(limits, rows[1], 90) is not None
    assert take(limits, rows[2], 1) is None


def test_account_when_it_has_no_limits_then_nothing_is_asked(
    away: redis.Redis, rows: list[ResponseRow]
) -> None:
    limits = Limits(catalog(), Quotas(away))

    assert limits.full() == set() and not limits.apply_to("main")
    assert take(limits, rows[0]) is not None
    assert limits.states() == {}


def test_limit_when_redis_is_away_then_nothing_is_limited(away: redis.Redis, rows: list[ResponseRow]) -> None:
    limits = Limits(catalog(concurrency=1), Quotas(away))

    seats = [take(limits, row) for row in rows]
    limits.hold("main", 30)

    assert all(seats) and limits.full() == set()
    for seat in seats:
        assert seat is not None
        limits.leave(seat)


def test_limit_when_redis_did_not_answer_then_it_is_asked_again_after_a_while(
    away: redis.Redis, rows: list[ResponseRow], caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    limits = Limits(catalog(concurrency=1), Quotas(away), clock=lambda: now[0])

    for row in rows:
        take(limits, row)
    now[0] += BLIND_SECONDS
    take(limits, rows[0])

    assert [r.getMessage().partition(":")[0] for r in caplog.records] == ["limits are not kept"] * 2


def test_hold_when_the_upstream_named_a_time_then_all_workers_wait(backends: Backends) -> None:
    limits = Limits(catalog(requests_per_minute=100), Quotas(backends.redis))

    limits.hold("main", 30)
    limits.hold("other", 30)

    assert limits.full() == {"main"}
    assert backends.redis.exists("respool:{quota.other}:hold") == 0


def test_tokens_when_the_result_says_none_then_not_known(backends: Backends) -> None:
    claim = gated(backends.store)
    ended = backends.store.endings.finish(claim.row.id, claim.row.attempt, ending(claim, "ho"), [])

    assert ended is not None and tokens_used(ended.result) is None
    assert tokens_used(b'{"usage": {"total_tokens": 12}}') == 12
