"""F30 to F36: PostgreSQL crashes, goes away, cuts its connections, is read-only; SQLite is locked."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from shared.errors import StoreUnavailable
from shared.store.engine import Database
from tests.faults.conftest import Plant
from tests.faults.load import under_way
from tests.faults.test_redis import again_and_again
from tests.support.checker import Checker
from tests.support.clients import Caller
from tests.support.running import started
from tests.support.servers import PostgresServer
from tests.support.stack import SHORT, Stack
from tests.support.waiting import wait_until

_TERMINATE = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)
_READ_ONLY = "database: InternalError"
SPOOLED = "mock-n60-i25"


def test_connections_terminated_again_and_again_when_under_load_then_nothing_is_lost(plant: Plant) -> None:
    load = under_way(plant)

    with again_and_again(lambda: plant.sql(_TERMINATE), 0.3):
        more = [Caller(plant.stack, {"model": "plain", "input": f"{n}"}, repeat="sdk") for n in range(5)]
        for caller in more:
            caller.start()
        for caller in more:
            caller.finished()

    load.callers += more
    assert load.findings() == []
    assert {(c.answer or {}).get("status") for c in more} == {"completed"}


@pytest.mark.slow_fault
def test_postgres_crashes_when_results_come_then_they_are_kept(plant: Plant) -> None:
    # Given streams under way
    load = under_way(plant)
    # When the database crashes, and comes back
    plant.postgres.crash()
    refused = plant.stack.request("POST", "/responses", json={"model": "plain", "input": "x"})
    plant.postgres.start_again()
    # Then nothing was accepted meanwhile, and nothing is lost
    assert refused.status_code == 503
    assert "retry-after" in refused.headers
    assert load.findings() == []
    assert load.statuses() == {"completed"}


def test_worker_killed_while_sql_is_away_when_its_result_is_on_disk_then_it_is_written(plant: Plant) -> None:
    # Given a generation that ends while the database cannot be reached
    checker = plant.checker()
    follower = plant.stream(SPOOLED)
    plant.sql_line.cut()
    spool = plant.stack.data_dir / "spool"
    wait_until(lambda: list(spool.glob("*.result.json")), "the result is on disk")
    # When the worker that has it is killed
    old = plant.stack.kill("worker")
    plant.sql_line.passing()
    plant.stack.wait_for_restart("worker", old)
    # Then the next one writes it
    checker.wait_for_all()
    assert checker.findings([follower.finished()]) == []
    assert checker.row(follower.transcript.response_id).status == "completed"
    assert list(spool.glob("*.result.json")) == []


@pytest.mark.slow_fault
def test_result_that_neither_sql_nor_the_disk_takes_when_sql_is_back_then_it_is_written(
    plant: Plant,
) -> None:
    checker = plant.checker()
    spool = plant.stack.data_dir / "spool"
    shutil.rmtree(spool, ignore_errors=True)
    spool.write_text("no folder, so nothing can be put into it")
    log = plant.stack.data_dir / "logs" / "worker.log"
    follower = plant.stream(SPOOLED)

    plant.sql_line.cut()
    wait_until(lambda: "waits in memory only" in log.read_text(), "it is in memory alone")
    plant.sql_line.passing()

    checker.wait_for_all()
    spool.unlink()
    assert checker.findings([follower.finished()]) == []
    assert checker.row(follower.transcript.response_id).status == "completed"


@pytest.mark.slow_fault
def test_line_to_sql_cut_for_longer_than_a_lease_when_it_is_back_then_owners_keep_what_they_run(
    plant: Plant,
) -> None:
    """Nobody could renew a lease; the one that is back first must not judge the others."""
    load = under_way(plant, model="mock-n250-i25")
    response_id = load.followers[0].transcript.response_id

    plant.sql_line.cut()
    wait_until(lambda: plant.lease_left(response_id) < -1, "the leases have run out")
    plant.sql_line.passing()

    assert load.findings() == []
    assert load.statuses() == {"completed"}


def test_postgres_read_only_when_asked_for_work_then_503_and_nothing_is_paid(plant: Plant) -> None:
    database = sa.make_url(plant.database_url).database
    before = len(plant.stack.upstream.ledger()["calls"])
    plant.sql(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    plant.sql(_TERMINATE)
    try:
        # not merely that its connections have ended
        wait_until(lambda: plant.health()["checks"]["store"] == _READ_ONLY, "no write goes through")
        refused = plant.stack.request("POST", "/responses", json={"model": "plain", "input": "x"})
    finally:
        plant.sql(f'ALTER DATABASE "{database}" RESET default_transaction_read_only')
        plant.sql(_TERMINATE)

    assert refused.status_code == 503
    assert len(plant.stack.upstream.ledger()["calls"]) == before


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """On SQLite."""
    with started(Stack(tmp_path_factory.mktemp("small"), SHORT)) as stack:
        yield stack


@pytest.mark.slow_fault
def test_sqlite_locked_for_long_when_under_load_then_503_or_done_and_nothing_is_lost(small: Stack) -> None:
    checker = Checker(small)
    running = Caller(small, {"model": "mock-n80-i25", "input": "before"})
    running.start()
    wait_until(lambda: [r for r in checker.rows().values() if r.upstream_started_at], "it runs")
    connection = sqlite3.connect(small.data_dir / "respool.db", timeout=30, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    refused = Caller(small, {"model": "plain", "input": "meanwhile"})
    refused.run()
    connection.execute("ROLLBACK")
    connection.close()

    assert refused.status == 503
    assert (running.finished().answer or {}).get("status") == "completed"
    checker.wait_for_all()
    assert checker.findings(callers=[running]) == []


def test_pool_when_all_its_connections_are_taken_then_unavailable(postgres_server: PostgresServer) -> None:
    database = Database(postgres_server.new_database(), pool_size=1)
    taken, done = threading.Event(), threading.Event()

    def hold(_: sa.Connection) -> None:
        taken.set()
        done.wait(30)

    holder = threading.Thread(target=lambda: database.read(hold))
    holder.start()
    taken.wait(30)

    with pytest.raises(StoreUnavailable):
        database.read(lambda c: c.execute(sa.text("SELECT 1")).scalar())

    done.set()
    holder.join()
    database.close()


def test_write_when_two_lock_each_other_out_then_both_are_done(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """F36: the database ends one of the two, which is repeated."""
    database = Database(postgres_server.new_database(), pool_size=4)
    database.write(lambda c: c.execute(sa.text("CREATE TABLE t (id int PRIMARY KEY, n int)")))
    database.write(lambda c: c.execute(sa.text("INSERT INTO t VALUES (1, 0), (2, 0)")))
    both_have_one = threading.Barrier(2)

    def add(first: int, second: int) -> None:
        tries = 0

        def work(connection: sa.Connection) -> None:
            nonlocal tries
            tries += 1
            connection.execute(sa.text(f"UPDATE t SET n = n + 1 WHERE id = {first}"))
            if tries == 1:
                both_have_one.wait(30)
            connection.execute(sa.text(f"UPDATE t SET n = n + 1 WHERE id = {second}"))

        database.write(work)

    threads = [threading.Thread(target=add, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert database.read(lambda c: c.execute(sa.text("SELECT sum(n) FROM t")).scalar()) == 4
    database.close()
