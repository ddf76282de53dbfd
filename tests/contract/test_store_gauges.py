"""What waits and what runs, by tenant."""

from __future__ import annotations

import time

import pytest

from shared.store import Store
from shared.store import gauges as module
from shared.store.gauges import OTHERS
from tests.support.backends import Backends
from tests.support.rows import accepted, claimed, finished


def test_queued_when_tenants_wait_then_depth_and_oldest_of_each(backends: Backends, store: Store) -> None:
    old = accepted(store, tenant_id="a")
    accepted(store, tenant_id="a", background=True)
    accepted(store, tenant_id="b")
    backends.hands.backdate(old.id, "created_at", seconds=1000)

    queued = store.gauges.queued()

    assert {tenant: waiting.count for tenant, waiting in queued.items()} == {"a": 2, "b": 1}
    assert [1000 <= queued[t].oldest_seconds < 1500 for t in ("a", "b")] == [True, False]


def test_queued_when_the_rest_runs_or_has_ended_then_empty(store: Store) -> None:
    finished(store)
    claimed(store)

    assert store.gauges.queued() == {}


def test_in_progress_when_a_tenant_has_some_then_counted(store: Store) -> None:
    finished(store, tenant_id="a")
    claimed(store, tenant_id="a")
    claimed(store, tenant_id="b")
    claimed(store, tenant_id="b")

    assert store.gauges.in_progress() == {"a": 1, "b": 2}


def test_tenants_beyond_the_limit_are_summed_up(
    backends: Backends, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given one tenant with a long queue, and two with short ones, the oldest row among those
    monkeypatch.setattr(module, "TENANTS", 1)
    for tenant in ("big", "big", "big", "small", "tiny"):
        row = accepted(store, tenant_id=tenant)
        if tenant == "tiny":
            backends.hands.backdate(row.id, "created_at", seconds=1000)
    # When
    queued = store.gauges.queued()
    # Then
    assert {tenant: waiting.count for tenant, waiting in queued.items()} == {"big": 3, OTHERS: 2}
    assert queued[OTHERS].oldest_seconds >= 1000


def test_busy_tenants_beyond_the_limit_are_summed_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TENANTS", 1)
    for tenant in ("big", "big", "small", "tiny"):
        claimed(store, tenant_id=tenant)

    assert store.gauges.in_progress() == {"big": 2, OTHERS: 2}


def test_clock_when_asked_then_unix_seconds(store: Store) -> None:
    assert abs(store.gauges.now() - time.time()) < 60
