"""The worker's hold: claim, money gate, beat, renew, release, on every database."""

from __future__ import annotations

import pytest

from shared.lifecycle import Status
from shared.store import Store
from shared.store.rows import Claim
from tests.support.backends import LEASE_SECONDS, Backends, Hands
from tests.support.lanes import together
from tests.support.rows import OWNER, TENANT, accepted, claimed, ending, finished, gated

OTHER = "host:2:bb"


def test_claim_when_taken_then_attempt_lease_and_deadline_are_set(store: Store) -> None:
    row = accepted(store, "hi there")

    claim = store.leases.claim_next(OWNER, background=False)

    assert claim is not None and claim.row.lease_until is not None and claim.row.deadline_at is not None
    assert (claim.row.id, claim.row.status, claim.row.attempt) == (row.id, Status.IN_PROGRESS, 1)
    assert (claim.row.lease_owner, claim.request["input"]) == (OWNER, "hi there")
    assert claim.row.deadline_at - claim.row.lease_until == pytest.approx(3600 - LEASE_SECONDS, abs=0.01)


def test_claim_when_nothing_waits_then_none(store: Store) -> None:
    finished(store)

    assert store.leases.claim_next(OWNER, background=True) is None


def test_claim_when_several_wait_then_priority_before_age(store: Store) -> None:
    late_priority = [accepted(store, priority=10).id for _ in range(2)]
    first_priority = [accepted(store, priority=0).id for _ in range(2)]

    order = [store.leases.claim_next(OWNER, background=True) for _ in range(4)]

    assert [c.row.id for c in order if c is not None] == [*first_priority, *late_priority]


def test_claim_when_background_is_not_wanted_then_only_foreground(store: Store) -> None:
    accepted(store, background=True, priority=-1)
    foreground = accepted(store)

    claims = [store.leases.claim_next(OWNER, background=False) for _ in range(2)]

    assert [c and c.row.id for c in claims] == [foreground.id, None]


def test_claim_when_the_queue_deadline_has_passed_then_left_to_the_sweep(store: Store, hands: Hands) -> None:
    row = accepted(store)
    hands.backdate(row.id, "queue_deadline_at")

    assert store.leases.claim_next(OWNER, background=True) is None


def test_claim_when_held_back_until_later_then_not_yet(store: Store, hands: Hands) -> None:
    row = accepted(store)
    hands.set(row.id, not_before=row.created_at + 1e6)

    early = store.leases.claim_next(OWNER, background=True)
    hands.backdate(row.id, "not_before", seconds=2e6)
    late = store.leases.claim_next(OWNER, background=True)

    assert early is None
    assert late is not None and late.row.not_before is None


def test_claim_when_claimed_again_then_the_first_deadline_is_kept(store: Store, hands: Hands) -> None:
    first = gated(store)
    store.leases.put_back(first.row.id, first.row.attempt, after_seconds=5)
    hands.backdate(first.row.id, "not_before")

    second = store.leases.claim_next(OTHER, background=True)

    assert second is not None
    assert (second.row.attempt, second.row.deadline_at) == (3, first.row.deadline_at)


def test_claim_when_it_was_given_back_unsent_then_its_time_begins_anew(store: Store, hands: Hands) -> None:
    first = claimed(store)
    store.leases.release(first.row.id, first.row.attempt)
    hands.backdate(first.row.id, "deadline_at", seconds=7200)

    second = store.leases.claim_next(OTHER, background=True)

    assert second is not None and second.row.deadline_at is not None and first.row.deadline_at is not None
    assert second.row.deadline_at >= first.row.deadline_at


def test_claim_when_two_want_one_row_then_one_gets_it(store: Store) -> None:
    row = accepted(store)

    claims = together(*[lambda: store.leases.claim_next(OWNER, background=True)] * 4)

    assert [c.row.id for c in claims if c is not None] == [row.id]


def test_claim_when_many_want_many_rows_then_each_is_taken_once(store: Store) -> None:
    ids = {accepted(store).id for _ in range(20)}

    def take_all() -> list[Claim]:
        return list(iter(lambda: store.leases.claim_next(OWNER, background=True), None))

    taken = [c.row.id for claims in together(*[take_all] * 4) for c in claims]

    assert sorted(taken) == sorted(ids)


def test_claimable_when_counted_then_up_to_the_limit(store: Store) -> None:
    for background in (False, False, True):
        accepted(store, background=background)

    counts = [store.leases.claimable(background=b, limit=n) for b, n in ((True, 10), (False, 10), (True, 2))]

    assert counts == [3, 2, 2]


def test_gate_when_passed_then_once_only(store: Store) -> None:
    claim = claimed(store)

    passed = [store.leases.gate(claim.row.id, claim.row.attempt) for _ in range(2)]

    assert passed == [True, False]


def test_gate_when_many_try_at_once_then_one_passes(store: Store) -> None:
    claim = claimed(store)

    passed = together(*[lambda: store.leases.gate(claim.row.id, claim.row.attempt)] * 4)

    assert sorted(passed) == [False, False, False, True]


def test_gate_when_the_lease_has_run_out_then_closed(backends: Backends) -> None:
    claim = claimed(backends.store)
    backends.hands.backdate(claim.row.id, "lease_until")

    assert backends.store.leases.gate(claim.row.id, claim.row.attempt) is False
    assert backends.row(claim.row.id).upstream_started_at is None


@pytest.mark.parametrize("verb", ["gate", "release", "renew"])
def test_hold_when_the_attempt_is_old_then_nothing_changes(backends: Backends, verb: str) -> None:
    claim = claimed(backends.store)
    backends.hands.set(claim.row.id, attempt=7)
    before = backends.row(claim.row.id)

    assert getattr(backends.store.leases, verb)(claim.row.id, claim.row.attempt) is False

    assert backends.row(claim.row.id) == before


@pytest.mark.parametrize("verb", ["gate", "release", "renew"])
def test_hold_when_the_row_has_ended_then_nothing_changes(backends: Backends, verb: str) -> None:
    row = finished(backends.store).row

    assert getattr(backends.store.leases, verb)(row.id, row.attempt) is False

    assert backends.row(row.id) == row


def test_release_when_nothing_was_sent_then_queued_and_fenced(backends: Backends) -> None:
    claim = claimed(backends.store)

    assert backends.store.leases.release(claim.row.id, claim.row.attempt) is True

    row = backends.row(claim.row.id)
    assert (row.status, row.attempt, row.lease_owner, row.lease_until) == (Status.QUEUED, 2, None, None)
    assert backends.store.leases.gate(claim.row.id, claim.row.attempt) is False


def test_release_when_something_was_sent_then_refused(backends: Backends) -> None:
    claim = gated(backends.store)

    assert backends.store.leases.release(claim.row.id, claim.row.attempt) is False
    assert backends.row(claim.row.id).status == Status.IN_PROGRESS


def test_beat_when_leases_are_held_then_all_of_mine_and_no_others(backends: Backends) -> None:
    store = backends.store
    mine = claimed(store)
    accepted(store)
    other = store.leases.claim_next(OTHER, background=True)
    assert other is not None
    for claim in (mine, other):
        backends.hands.backdate(claim.row.id, "lease_until", seconds=30)

    held = store.leases.beat(OWNER, {(mine.row.id, 1), (other.row.id, 1)})

    assert held == {(mine.row.id, 1)}
    now_mine, now_other = backends.row(mine.row.id), backends.row(other.row.id)
    assert now_mine.lease_until is not None and now_other.lease_until is not None
    assert now_mine.lease_until > now_other.lease_until + 20


@pytest.mark.parametrize("how", ["finished", "cancelled", "released"])
def test_beat_when_a_row_is_no_longer_mine_then_missing(store: Store, how: str) -> None:
    claim = claimed(store)
    row = claim.row
    if how == "finished":
        store.endings.finish(row.id, row.attempt, ending(claim, "ho"), [b"x"])
    elif how == "cancelled":
        store.endings.cancel(TENANT, row.id)
    else:
        store.leases.release(row.id, row.attempt)

    assert store.leases.beat(OWNER, {(row.id, row.attempt)}) == set()


def test_beat_when_its_process_gave_a_row_up_then_the_lease_runs_out(backends: Backends) -> None:
    held, given_up = claimed(backends.store), claimed(backends.store)
    backends.hands.backdate(given_up.row.id, "lease_until", seconds=60)

    backends.store.leases.beat(OWNER, {(held.row.id, held.row.attempt)})

    assert [r.id for r in backends.store.sweeping.lost(limit=10)] == [given_up.row.id]


def test_renew_when_mine_then_the_lease_is_whole_again(backends: Backends) -> None:
    claim = claimed(backends.store)
    backends.hands.backdate(claim.row.id, "lease_until")

    assert backends.store.leases.renew(claim.row.id, claim.row.attempt) is True

    assert backends.store.leases.gate(claim.row.id, claim.row.attempt) is True
