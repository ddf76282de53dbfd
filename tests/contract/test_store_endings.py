"""How responses end, on every database: one conditional UPDATE each, terminal for ever."""

from __future__ import annotations

import dataclasses
import zlib

import orjson
import pytest
from sqlalchemy import exc

from shared.lifecycle import TERMINAL, Status
from shared.sealing import opening_frames
from shared.store import Store
from shared.store.endings import LOST_MESSAGE
from shared.store.rows import Claim, Ended
from shared.store.tables import archives, items
from shared.wire import events
from tests.support.backends import Backends, Hands
from tests.support.lanes import together
from tests.support.rows import TENANT, accepted, claimed, deltas, ending, finished, gated, message


def finish(store: Store, claim: Claim, attempt: int | None = None) -> Ended | None:
    frames = [*opening_frames(claim.row, claim.envelope), *deltas(1, 2)]
    return store.endings.finish(claim.row.id, attempt or claim.row.attempt, ending(claim, "ho"), frames)


def end_by(store: Store, hands: Hands, claim: Claim, how: str) -> Ended | None:
    """End a gated row in one of the four ways."""
    row = claim.row
    if how == "finish":
        return finish(store, claim)
    if how == "cancel":
        return store.endings.cancel(TENANT, row.id)
    if how == "expire":
        hands.backdate(row.id, "deadline_at")
        return store.endings.expire(row.id, grace_seconds=0)
    hands.backdate(row.id, "lease_until")
    return store.endings.settle(row, [], reason="worker_lost", message=LOST_MESSAGE)


WAYS = {
    "finish": Status.COMPLETED,
    "cancel": Status.CANCELLED,
    "expire": Status.FAILED,
    "settle": Status.FAILED,
}


def test_finish_when_mine_then_row_object_items_and_archive_agree(backends: Backends) -> None:
    claim = gated(backends.store)

    ended = finish(backends.store, claim)

    stored = backends.store.responses.get(claim.row.id)
    packed = backends.store.responses.archive(claim.row.id)
    assert ended is not None and stored is not None and packed is not None
    assert (stored.row, stored.result) == (ended.row, ended.result)
    assert (ended.row.status, ended.row.terminal_seq, ended.row.lease_owner) == (Status.COMPLETED, 3, None)
    frames = events.split(zlib.decompress(packed))
    assert [events.decode(f)["sequence_number"] for f in frames] == [0, 1, 2, 3]
    assert events.terminal_response(frames[-1]) == ended.result
    assert backends.hands.count(items, claim.row.id) == 2


def test_finish_when_completed_then_the_object_has_the_databases_time(store: Store) -> None:
    ended = finish(store, gated(store))

    assert ended is not None and ended.row.terminal_at is not None
    assert orjson.loads(ended.result)["completed_at"] == int(ended.row.terminal_at)


@pytest.mark.parametrize("status", [Status.FAILED, Status.INCOMPLETE])
def test_finish_when_not_completed_then_the_object_has_no_completion_time(store: Store, status: str) -> None:
    ended = finished(store, status=status)

    assert (ended.row.status, orjson.loads(ended.result)["completed_at"]) == (status, None)


def test_finish_when_the_attempt_is_old_then_none_and_nothing_written(backends: Backends) -> None:
    claim = gated(backends.store)
    backends.hands.set(claim.row.id, attempt=2)
    before = backends.row(claim.row.id)

    assert finish(backends.store, claim) is None

    assert backends.row(claim.row.id) == before
    assert (backends.hands.count(archives, claim.row.id), backends.hands.count(items, claim.row.id)) == (0, 1)


def test_finish_when_not_stored_then_neither_items_nor_archive(backends: Backends) -> None:
    claim = gated(backends.store, store=False)

    assert finish(backends.store, claim) is not None

    assert (backends.hands.count(archives, claim.row.id), backends.hands.count(items, claim.row.id)) == (0, 0)


def test_finish_when_refused_then_reason_and_refusal_are_kept(store: Store) -> None:
    claim = gated(store)
    said = ending(claim, status=Status.FAILED, error_reason="upstream_refused", refusal={"status": 400})

    ended = store.endings.finish(claim.row.id, claim.row.attempt, said, [b"x"])

    assert ended is not None and ended.row.refusal is not None
    assert (ended.row.error_reason, orjson.loads(ended.row.refusal)) == ("upstream_refused", {"status": 400})


def test_finish_when_the_database_refuses_part_of_it_then_none_of_it_is_written(backends: Backends) -> None:
    claim = gated(backends.store)
    broken = dataclasses.replace(ending(claim, "ho"), output_items=[{"id": None, "type": "message"}])
    before = backends.row(claim.row.id)

    with pytest.raises(exc.IntegrityError):
        backends.store.endings.finish(claim.row.id, claim.row.attempt, broken, [b"x"])

    assert backends.row(claim.row.id) == before


@pytest.mark.parametrize("state", ["queued", "in_progress"])
def test_cancel_when_running_then_terminal_at_once_and_fenced(backends: Backends, state: str) -> None:
    row = claimed(backends.store).row if state == "in_progress" else accepted(backends.store)

    ended = backends.store.endings.cancel(TENANT, row.id)

    assert ended is not None
    assert (ended.row.status, ended.row.attempt) == (Status.CANCELLED, row.attempt + 1)
    said = orjson.loads(ended.result)
    assert (said["status"], said["id"], said["output"]) == ("cancelled", row.id, [])
    assert backends.store.leases.renew(row.id, row.attempt) is False


def test_cancel_when_repeated_then_none_and_the_first_object_stays(store: Store) -> None:
    row = accepted(store)
    first = store.endings.cancel(TENANT, row.id)

    assert first is not None
    assert store.endings.cancel(TENANT, row.id) is None
    stored = store.responses.get(row.id)
    assert stored is not None and (stored.row, stored.result) == (first.row, first.result)


def test_cancel_when_the_tenant_is_another_then_nothing_happens(backends: Backends) -> None:
    row = accepted(backends.store)

    assert backends.store.endings.cancel("tenant-b", row.id) is None
    assert backends.row(row.id) == row


def test_expire_when_the_queue_deadline_has_passed_then_no_capacity(store: Store, hands: Hands) -> None:
    row = accepted(store)
    hands.backdate(row.id, "queue_deadline_at")

    ended = store.endings.expire(row.id, grace_seconds=1e9)

    assert ended is not None
    assert (ended.row.status, ended.row.error_reason) == (Status.FAILED, "no_capacity")
    assert orjson.loads(ended.result)["error"]["code"] == "server_error"


def test_expire_when_running_past_deadline_and_grace_then_deadline_exceeded(
    store: Store, hands: Hands
) -> None:
    row = gated(store).row
    hands.backdate(row.id, "deadline_at", seconds=3610)

    within_grace = store.endings.expire(row.id, grace_seconds=60)
    after_grace = store.endings.expire(row.id, grace_seconds=5)

    assert within_grace is None
    assert after_grace is not None
    assert (after_grace.row.error_reason, after_grace.row.attempt) == ("deadline_exceeded", row.attempt + 1)


def test_expire_when_no_deadline_has_passed_then_none(store: Store) -> None:
    running = claimed(store).row
    waiting = accepted(store)

    assert store.endings.expire(waiting.id, grace_seconds=0) is None
    assert store.endings.expire(running.id, grace_seconds=0) is None


def test_settle_when_the_lease_ran_out_then_failed_with_the_partial_output(
    store: Store, hands: Hands
) -> None:
    claim = gated(store)
    hands.backdate(claim.row.id, "lease_until")
    partial = [message("half", "msg_1")]

    ended = store.endings.settle(claim.row, partial, reason="worker_lost", message=LOST_MESSAGE)

    assert ended is not None
    said = orjson.loads(ended.result)
    assert (ended.row.error_reason, ended.row.terminal_seq) == ("worker_lost", None)
    assert (ended.row.status, said["status"]) == (Status.FAILED, "failed")
    assert (said["output"], said["error"]) == (partial, {"code": "server_error", "message": LOST_MESSAGE})


def test_settle_when_the_lease_was_renewed_meanwhile_then_none(store: Store, hands: Hands) -> None:
    claim = gated(store)
    hands.backdate(claim.row.id, "lease_until")
    store.leases.renew(claim.row.id, claim.row.attempt)

    assert store.endings.settle(claim.row, [], reason="worker_lost", message=LOST_MESSAGE) is None


def test_settle_when_the_attempt_moved_on_then_none(store: Store, hands: Hands) -> None:
    claim = gated(store)
    hands.backdate(claim.row.id, "lease_until")
    hands.set(claim.row.id, attempt=5)

    assert store.endings.settle(claim.row, [], reason="worker_lost", message=LOST_MESSAGE) is None


def test_requeue_when_nothing_was_sent_then_queued_and_counted(backends: Backends) -> None:
    claim = claimed(backends.store)
    backends.hands.backdate(claim.row.id, "lease_until")

    assert backends.store.endings.requeue(claim.row) is True

    row = backends.row(claim.row.id)
    assert (row.status, row.attempt, row.rescue_count, row.lease_owner) == (Status.QUEUED, 2, 1, None)
    assert backends.store.endings.requeue(claim.row) is False


@pytest.mark.parametrize("case", ["gated", "renewed"])
def test_requeue_when_sent_or_alive_then_refused(backends: Backends, case: str) -> None:
    store = backends.store
    claim = gated(store) if case == "gated" else claimed(store)
    if case == "gated":
        backends.hands.backdate(claim.row.id, "lease_until")

    assert store.endings.requeue(claim.row) is False
    assert backends.row(claim.row.id).status == Status.IN_PROGRESS


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_ending_when_ended_already_then_the_first_stands(backends: Backends, first: str, second: str) -> None:
    claim = gated(backends.store)
    ended = end_by(backends.store, backends.hands, claim, first)
    assert ended is not None and ended.row.status == WAYS[first]
    before = backends.store.responses.get(claim.row.id)

    assert end_by(backends.store, backends.hands, claim, second) is None

    after = backends.store.responses.get(claim.row.id)
    assert before is not None and after is not None
    assert (after.row.status, after.row.attempt, after.row.terminal_at, after.result) == (
        before.row.status,
        before.row.attempt,
        before.row.terminal_at,
        before.result,
    )


def test_ending_when_all_ways_meet_at_once_then_exactly_one_wins(backends: Backends) -> None:
    claim = gated(backends.store)
    backends.hands.backdate(claim.row.id, "deadline_at", "lease_until")

    ended = together(
        lambda: finish(backends.store, claim),
        lambda: backends.store.endings.cancel(TENANT, claim.row.id),
        lambda: backends.store.endings.settle(claim.row, [], reason="worker_lost", message="lost"),
    )

    won = [one for one in ended if one is not None]
    assert len(won) == 1
    assert backends.row(claim.row.id) == won[0].row
    assert won[0].row.status in TERMINAL


def test_seal_when_repeated_then_the_first_archive_stays(store: Store) -> None:
    row = accepted(store)
    store.endings.cancel(TENANT, row.id)

    sealed = [store.endings.seal(row.id, 1, [b"first"]), store.endings.seal(row.id, 2, [b"second"])]

    assert sealed == [True, False]
    packed = store.responses.archive(row.id)
    assert packed is not None and zlib.decompress(packed) == b"first"


def test_seal_when_still_running_then_refused(backends: Backends) -> None:
    row = claimed(backends.store).row

    assert backends.store.endings.seal(row.id, 1, [b"x"]) is False
    assert backends.hands.count(archives, row.id) == 0


@pytest.mark.parametrize("case", ["unstored", "deleted"])
def test_seal_when_nobody_may_read_it_then_marked_but_not_archived(backends: Backends, case: str) -> None:
    row = accepted(backends.store, store=case != "unstored")
    backends.store.endings.cancel(TENANT, row.id)
    if case == "deleted":
        backends.hands.set(row.id, deleted_at=1.0)

    assert backends.store.endings.seal(row.id, 1, [b"x"]) is True

    assert backends.row(row.id).terminal_seq == 1
    assert backends.hands.count(archives, row.id) == 0
