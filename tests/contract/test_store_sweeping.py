"""What the sweep looks for, and the proof that somebody sweeps, on every database."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from shared.errors import StoreUnavailable
from shared.store import Store, open_store
from shared.store.engine import Database, db_now
from shared.store.tables import api_keys, heartbeats
from tests.support.backends import Backends
from tests.support.lanes import together
from tests.support.rows import TENANT, accepted, claimed, finished, gated
from tests.support.servers import free_port


def test_lost_when_a_lease_has_run_out_then_listed_and_no_other(backends: Backends) -> None:
    store = backends.store
    lost = claimed(store).row
    backends.hands.backdate(lost.id, "lease_until")
    claimed(store)
    accepted(store)

    assert [r.id for r in store.sweeping.lost(limit=10)] == [lost.id]


def test_overdue_when_past_either_deadline_then_listed(backends: Backends) -> None:
    store = backends.store
    running = gated(store).row
    backends.hands.backdate(running.id, "deadline_at", seconds=3610)
    within_grace = gated(store).row
    backends.hands.backdate(within_grace.id, "deadline_at", seconds=3602)
    waiting = accepted(store)
    backends.hands.backdate(waiting.id, "queue_deadline_at")
    accepted(store)

    assert {r.id for r in store.sweeping.overdue(grace_seconds=5, limit=10)} == {running.id, waiting.id}


def test_unsealed_when_ended_by_others_then_listed_until_sealed(store: Store) -> None:
    finished(store)
    row = accepted(store)
    store.endings.cancel(TENANT, row.id)

    before = [r.id for r in store.sweeping.unsealed(limit=10)]
    store.endings.seal(row.id, 1, [b"x"])

    assert (before, store.sweeping.unsealed(limit=10)) == ([row.id], [])


def test_sweeping_when_a_limit_is_given_then_no_more_rows(store: Store) -> None:
    for _ in range(3):
        store.endings.cancel(TENANT, accepted(store).id)

    assert len(store.sweeping.unsealed(limit=2)) == 2


def test_last_sweep_when_nobody_swept_then_none_then_seconds(store: Store) -> None:
    before = store.sweeping.last_sweep_age()
    store.sweeping.beat()
    store.sweeping.beat()

    after = store.sweeping.last_sweep_age()
    assert before is None
    assert after is not None and 0 <= after < 30


def test_beat_when_the_first_two_come_at_once_then_neither_fails(backends: Backends) -> None:
    failed: list[Exception] = []

    def lane() -> None:
        try:
            backends.store.sweeping.beat()
        except Exception as error:
            failed.append(error)

    for _ in range(10):
        backends.hands.database.write(lambda c: c.execute(sa.delete(heartbeats)))
        together(*[lane] * 4)

    assert failed == []


def test_probe_when_the_store_can_be_written_then_silent(store: Store) -> None:
    store.sweeping.probe()

    assert store.sweeping.last_sweep_age() is None


def test_uptime_when_asked_then_at_least_zero(store: Store) -> None:
    assert store.sweeping.uptime() >= 0


def test_write_when_the_work_raises_then_nothing_is_kept(backends: Backends) -> None:
    def work(connection: sa.Connection) -> None:
        connection.execute(
            sa.insert(api_keys).values(id="k", tenant_id="t", name="", key_hash="h", created_at=db_now())
        )
        raise KeyError("after the insert")

    with pytest.raises(KeyError):
        backends.hands.database.write(work)

    assert backends.store.keys.list() == []


def test_clock_when_read_then_unix_seconds_with_fractions(backends: Backends) -> None:
    read = [
        float(backends.hands.database.read(lambda c: c.execute(sa.select(db_now())).scalar_one()))
        for _ in range(5)
    ]

    assert read == sorted(read)
    assert any(value % 1 for value in read)
    assert 1.7e9 < read[0] < 4e9


def test_store_when_nobody_listens_then_unavailable() -> None:
    store = open_store(f"postgresql://nobody@127.0.0.1:{free_port()}/none")

    with pytest.raises(StoreUnavailable):
        store.sweeping.probe()
    store.close()


def test_store_when_the_file_stays_locked_then_unavailable(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'locked.db'}"
    holder, waiter = Database(url), Database(url)
    inside, leave = threading.Event(), threading.Event()

    def hold(connection: sa.Connection) -> None:
        inside.set()
        leave.wait(30)

    thread = threading.Thread(target=lambda: holder.write(hold))
    thread.start()
    inside.wait(10)
    waiter.read(lambda c: c.exec_driver_sql("PRAGMA busy_timeout=50"))
    try:
        with pytest.raises(StoreUnavailable):
            waiter.write(lambda c: None)
    finally:
        leave.set()
        thread.join(30)
        holder.close()
        waiter.close()
