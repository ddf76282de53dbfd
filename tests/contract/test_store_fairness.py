"""Who is served next, and how much may wait: the same on every database."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from shared.errors import RateLimited
from shared.store import Limits, Store, open_store
from shared.store.fairness import Class, classes
from shared.store.tables import responses
from tests.support.backends import Backends, Hands
from tests.support.lanes import together
from tests.support.rows import OWNER, accepted


def _tenants(store: Store, number: int) -> list[str | None]:
    claims = [store.leases.claim_next(OWNER, background=True) for _ in range(number)]
    return [c and c.row.tenant_id for c in claims]


def test_claims_when_one_tenant_floods_then_the_others_take_turns(store: Store) -> None:
    for _ in range(6):
        accepted(store, tenant_id="flood")
    for tenant in ("small", "tiny"):
        accepted(store, tenant_id=tenant)

    assert _tenants(store, 4) == ["flood", "small", "tiny", "flood"]


def test_claim_when_the_tenant_in_turn_only_has_rows_for_later_then_another_tenant(
    store: Store, hands: Hands
) -> None:
    later = accepted(store, tenant_id="later")
    hands.set(later.id, not_before=9e12)
    accepted(store, tenant_id="now")

    assert _tenants(store, 2) == ["now", None]


def test_claims_when_made_at_once_then_none_comes_away_empty(store: Store) -> None:
    for number in range(4):
        accepted(store, tenant_id=f"tenant-{number}")

    claims = together(*[lambda: store.leases.claim_next(OWNER, background=True)] * 4)

    assert {c and c.row.tenant_id for c in claims} == {f"tenant-{number}" for number in range(4)}


@pytest.mark.parametrize("opened", ["servers"], indirect=True)  # SQLite's claims come one by one
def test_claim_when_the_rows_of_the_tenant_in_turn_are_being_taken_then_another_tenant(
    store: Store, hands: Hands
) -> None:
    first = accepted(store, tenant_id="in-turn")
    accepted(store, tenant_id="other")

    def claims_beside(taker: sa.Connection) -> list[str | None]:
        taker.execute(sa.select(responses.c.id).where(responses.c.id == first.id).with_for_update())
        return _tenants(store, 2)

    assert hands.database.write(claims_beside) == ["other", None]


def test_claim_when_a_tenant_is_at_its_cap_then_its_rows_wait(backends: Backends) -> None:
    capped = open_store(backends.database_url, limits=Limits(tenant_running=1))
    for tenant in ("a", "a", "b"):
        accepted(capped, tenant_id=tenant)

    assert _tenants(capped, 3) == ["a", "b", None]
    capped.close()


def test_background_when_it_has_waited_long_then_goes_first_in_a_share_of_the_claims() -> None:
    orders = [classes(background=True, rng=random.Random(seed)) for seed in range(400)]

    first = [order[0] for order in orders]
    assert {order[-1] for order in orders} == {Class(True)}
    assert 0 < first.count(Class(True, aged=True)) < first.count(Class(False))


@pytest.mark.parametrize("limits", [Limits(queued=2), Limits(tenant_queued=2)])
def test_accept_when_the_queue_is_full_then_429_and_nothing_is_written(
    backends: Backends, limits: Limits
) -> None:
    full = open_store(backends.database_url, limits=limits)
    for _ in range(2):
        accepted(full)

    with pytest.raises(RateLimited) as caught:
        accepted(full)

    assert (caught.value.code, 1 <= (caught.value.retry_after or 0) <= 60) == ("queue_full", True)
    assert full.leases.claimable(background=True, limit=10) == 2
    full.close()


def test_accept_when_only_another_tenant_is_at_its_limit_then_accepted(backends: Backends) -> None:
    limited = open_store(backends.database_url, limits=Limits(tenant_queued=1))
    accepted(limited, tenant_id="full")

    assert accepted(limited, tenant_id="other").status == "queued"
    limited.close()


def test_background_when_none_has_waited_long_then_no_claim_looks_for_it_first() -> None:
    orders = [classes(background=True, aged=False, rng=random.Random(seed)) for seed in range(50)]

    assert {order[0] for order in orders} == {Class(False)}


def test_background_when_it_has_waited_long_then_a_flood_of_foreground_does_not_starve_it(
    backends: Backends,
) -> None:
    fresh = open_store(backends.database_url)
    waiting = accepted(fresh, background=True)
    backends.hands.backdate(waiting.id, "created_at", seconds=120)
    for _ in range(50):
        accepted(fresh)

    claims = [fresh.leases.claim_next("w", background=True) for _ in range(50)]

    assert waiting.id in {claim.row.id for claim in claims if claim is not None}
    fresh.close()
