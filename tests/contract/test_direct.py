"""Statements that go past the query library: its errors, its pool, and a plan that is made once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from shared.errors import StoreUnavailable
from shared.lifecycle import Status
from shared.store.engine import Database
from shared.store.leases import Leases
from shared.store.tables import responses
from tests.support.backends import Backends
from tests.support.rows import accepted, new_response

_TAKE = (
    sa.update(responses)
    .where(responses.c.id == sa.bindparam("its_id"))
    .values(model=sa.bindparam("to"))
    .returning(responses.c.id, responses.c.model)
)


@pytest.fixture
def database(servers_backends: Backends) -> Iterator[Database]:
    servers_backends.empty()
    database = Database(servers_backends.database_url, pool_size=1)
    yield database
    database.close()


def test_once_when_a_row_fits_then_it_comes_back_and_is_committed(
    servers_backends: Backends, database: Database
) -> None:
    row = accepted(servers_backends.store)

    found = database.once(_TAKE, {"its_id": row.id, "to": "other"})

    assert found == (row.id, "other")
    assert servers_backends.row(row.id).model == "other"
    assert database.once(_TAKE, {"its_id": "resp_none", "to": "other"}) is None


def test_once_when_its_line_was_cut_then_unavailable_and_the_next_one_works(
    servers_backends: Backends, database: Database
) -> None:
    row = accepted(servers_backends.store)
    pid = database.read(lambda c: c.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())
    servers_backends.hands.database.read(lambda c: c.execute(sa.text(f"SELECT pg_terminate_backend({pid})")))

    with pytest.raises(StoreUnavailable):
        database.once(_TAKE, {"its_id": row.id, "to": "lost"})

    assert database.once(_TAKE, {"its_id": row.id, "to": "found"}) == (row.id, "found")


def test_once_when_the_server_is_not_there_then_unavailable() -> None:
    nowhere = Database("postgresql://127.0.0.1:1/none")

    with pytest.raises(StoreUnavailable):
        nowhere.once(_TAKE, {"its_id": "x", "to": "y"})


def test_once_when_a_constraint_is_broken_then_the_librarys_error(servers_backends: Backends) -> None:
    new = new_response()
    servers_backends.store.responses.insert(new)

    with pytest.raises(exc.IntegrityError):
        servers_backends.store.responses.insert(new)


def test_once_when_a_value_cannot_be_stored_then_the_line_serves_the_next(
    servers_backends: Backends, database: Database
) -> None:
    row = accepted(servers_backends.store)

    with pytest.raises(exc.DataError):
        database.once(_TAKE, {"its_id": row.id, "to": "nul\0"})

    assert database.once(_TAKE, {"its_id": row.id, "to": "whole"}) == (row.id, "whole")


def test_once_when_the_driver_has_forgotten_all_plans_then_planned_again(
    servers_backends: Backends, database: Database
) -> None:
    row = accepted(servers_backends.store)
    database.once(_TAKE, {"its_id": row.id, "to": "first"})

    with pytest.raises(exc.DataError):
        database.write(lambda c: c.execute(sa.text("SELECT 1/0")))
    database.read(lambda c: c.execute(sa.text("DEALLOCATE ALL")))

    assert database.once(_TAKE, {"its_id": row.id, "to": "again"}) == (row.id, "again")


def test_once_when_some_plans_are_older_than_what_was_forgotten_then_all_statements_work(
    servers_backends: Backends, database: Database
) -> None:
    statements = [sa.select(sa.literal_column(str(n))) for n in range(6)]

    def run(*numbers: int) -> list[int]:
        found = [database.once(statements[n], {}) for n in numbers]
        return [row[0] for row in found if row is not None]

    assert run(0, 1) == [0, 1]
    database.read(lambda c: c.execute(sa.text("DEALLOCATE ALL")))

    assert run(2, 0, 1, 2, 3, 4, 5) == [2, 0, 1, 2, 3, 4, 5]


def test_once_when_given_many_mixes_of_types_then_a_line_keeps_few_plans(
    servers_backends: Backends, database: Database
) -> None:
    given = [sa.bindparam(f"v{n}") for n in range(8)]
    statement = sa.select(*(sa.cast(one, sa.Text) for one in given))
    mixes = [{f"v{n}": n if mix >> n & 1 else 1.5 for n in range(8)} for mix in range(200)]

    assert all(database.once(statement, mix) is not None for mix in mixes)

    count = sa.text("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'respool%'")
    assert database.read(lambda c: c.execute(count).scalar_one()) <= 64


def test_once_when_a_statement_waits_then_other_threads_run(
    servers_backends: Backends, database: Database
) -> None:
    slept = threading.Event()
    sleep = sa.select(sa.cast(sa.func.pg_sleep(sa.bindparam("seconds")), sa.Text))

    def wait() -> None:
        database.once(sleep, {"seconds": 1.0})
        slept.set()

    thread = threading.Thread(target=wait)
    thread.start()
    turns = sum(not slept.is_set() for _ in iter(lambda: slept.wait(0.01), True))
    thread.join(10)

    assert turns > 5


def test_claim_when_repeated_then_it_is_planned_once_for_all(
    servers_backends: Backends, database: Database
) -> None:
    """A plan for each claim cost PostgreSQL three times the claim."""
    leases = Leases(database, lease_seconds=60, deadline_seconds=60)
    ids = {accepted(servers_backends.store).id for _ in range(15)}

    claimed = [leases.claim_next("w", background=False) for _ in ids]

    assert {c.row.id for c in claimed if c is not None and c.row.status == Status.IN_PROGRESS} == ids
    plans = "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements"
    query = sa.text(plans + " WHERE statement LIKE '%tenants%'")
    for_all, for_each = database.read(lambda c: c.execute(query).one())
    assert (for_all > 0, for_each <= 5) == (True, True)
