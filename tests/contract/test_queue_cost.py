"""What is done for every response, or every few seconds, costs no more where much history is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.store import Store
from shared.store.admission import Admission
from tests.support.backends import Hands
from tests.support.history import fill
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
