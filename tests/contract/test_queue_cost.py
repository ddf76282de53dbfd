"""What is done for every response, or every few seconds, costs no more where much history is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from shared.store import Store
from shared.store.admission import Admission
from shared.store.tables import payloads, responses
from tests.support.backends import Hands
from tests.support.rows import TENANT
from tests.support.statements import cost

ACTS: dict[str, Callable[[Store, Hands], Any]] = {
    "claim": lambda store, hands: store.leases.claim_next("w", background=False),
    "look for work": lambda store, hands: store.leases.claimable(background=True, limit=5),
    "admit": lambda store, hands: hands.database.write(
        lambda c: Admission(limit=100, tenant_limit=100).admit(TENANT, lambda q: c.execute(q).scalar_one())
    ),
    "find the lost": lambda store, hands: store.sweeping.lost(limit=100),
    "find the overdue": lambda store, hands: store.sweeping.overdue(grace_seconds=0, limit=100),
    "find the unsealed": lambda store, hands: store.sweeping.unsealed(limit=100),
    "wipe": lambda store, hands: store.sweeping.wipe_unstored(age_seconds=600, limit=100),
    "relieve": lambda store, hands: store.sweeping.sealed_lately(age_seconds=600, limit=100),
}


def fill(hands: Hands, first: int, count: int, **changes: Any) -> None:
    """Ended, stored responses of long ago."""
    rows: list[dict[str, Any]] = [
        {
            "id": f"resp_{number:06d}",
            "tenant_id": TENANT,
            "key_id": "k",
            "request_id": "r",
            "status": "completed",
            "terminal_at": 1000.0 + number,
            "terminal_seq": 9,
            "priority": 0,
            "background": False,
            "stream": False,
            "store": True,
            "provider": "p",
            "model": "m",
            "created_at": 1000.0 + number,
            "queue_deadline_at": 2.0**40,
            **changes,
        }
        for number in range(first, first + count)
    ]
    bodies = [{"response_id": r["id"], "request": b"{}", "envelope": b"{}"} for r in rows]

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.insert(responses), rows)
        connection.execute(sa.insert(payloads), bodies)

    hands.database.write(work)
    if not hands.database.is_sqlite:
        hands.database.write(lambda c: c.exec_driver_sql("ANALYZE"))


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_act_when_ten_times_the_history_is_kept_then_it_costs_the_same(
    store: Store, hands: Hands, act: Callable[[Store, Hands], Any]
) -> None:
    fill(hands, 0, 100)
    fill(hands, 2000, 4, status="queued", terminal_at=None, terminal_seq=None)
    before = cost(hands.database, lambda: act(store, hands))

    fill(hands, 100, 900)

    assert cost(hands.database, lambda: act(store, hands)) <= before + 50


def test_retention_when_ten_times_as_many_are_kept_for_descendants_then_it_costs_the_same(
    store: Store, hands: Hands
) -> None:
    def retire() -> object:
        return store.sweeping.retire(age_seconds=600, limit=100)

    fill(hands, 0, 100, deleted_at=2000.0)
    before = cost(hands.database, retire)

    fill(hands, 100, 900, deleted_at=2000.0)

    assert cost(hands.database, retire) <= before + 50
