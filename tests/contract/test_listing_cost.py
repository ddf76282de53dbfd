"""Lists cost what they show: no more in a large table, no more queries for a long chain."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from shared.store import Store
from shared.store.pairs import pair_of
from shared.store.tables import INPUT, OUTPUT, items, payloads, response_metadata, responses
from shared.wire.filters import ListFilters
from tests.support.backends import Backends, Hands
from tests.support.rows import TENANT
from tests.support.statements import cost, listening

FEW = 30  # match, and are the oldest: whoever walks the list to them visits all others
PAGE = 20
Costs = dict[str, tuple[float, float]]  # by filter: in a small table, in a large one
FILTERS = {
    "none": ListFilters(),
    "model": ListFilters(model="rare"),
    "status": ListFilters(status="failed"),
    "background": ListFilters(background=True),
    "metadata": ListFilters(metadata={"k": "rare"}),
    "created_before": ListFilters(created_before=1000 + FEW),
}


def response_of(number: int, **changes: Any) -> dict[str, Any]:
    base = {
        "tenant_id": TENANT,
        "key_id": "k",
        "request_id": "r",
        "status": "completed",
        "terminal_at": 2.0,
        "priority": 0,
        "background": False,
        "stream": False,
        "store": True,
        "provider": "p",
        "model": "m",
        "previous_response_id": None,
        "queue_deadline_at": 2.0,
        "created_at": 1000.0 + number,
    }
    return {"id": f"resp_{number:06d}", **base, **changes}


def fill(hands: Hands, first: int, count: int, **changes: Any) -> None:
    rows = [response_of(n, **changes) for n in range(first, first + count)]
    value = "rare" if changes else "usual"
    tenant = changes.get("tenant_id", TENANT)

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.insert(responses), rows)
        envelopes = [
            {"response_id": r["id"], "request": b"{}", "envelope": b"{}", "result": b"{}"} for r in rows
        ]
        connection.execute(sa.insert(payloads), envelopes)
        pair = pair_of(tenant, "k", value)
        pairs = [{"response_id": r["id"], "pair": pair, "created_at": r["created_at"]} for r in rows]
        connection.execute(sa.insert(response_metadata), pairs)

    hands.database.write(work)
    if not hands.database.is_sqlite:
        hands.database.write(lambda c: c.exec_driver_sql("ANALYZE"))


def fill_little(hands: Hands) -> None:
    fill(hands, 0, FEW, model="rare", status="failed", background=True)
    fill(hands, FEW, 300)


@pytest.fixture
def filled(store: Store, hands: Hands) -> Store:
    fill_little(hands)
    return store


def costs(backends: Backends, **of_more: Any) -> Costs:
    """What a page costs in a small table, and when there is ten times more in it."""

    def page(filters: ListFilters) -> None:
        found, _ = backends.store.listing.page(TENANT, filters, limit=PAGE, descending=True, after=None)
        assert len(found) == PAGE

    def each() -> dict[str, float]:
        return {
            name: cost(backends.hands.database, partial(page, filters)) for name, filters in FILTERS.items()
        }

    backends.empty()
    fill_little(backends.hands)
    before = each()
    fill(backends.hands, FEW + 300, 3000, **of_more)
    after = each()
    return {name: (before[name], after[name]) for name in FILTERS}


@pytest.fixture(scope="module")
def grown(opened: Backends) -> Costs:
    return costs(opened)


@pytest.fixture(scope="module")
def crowded(opened: Backends) -> Costs:
    """By another tenant, with what matches."""
    return costs(opened, model="rare", status="failed", background=True, tenant_id="tenant-b")


@pytest.mark.parametrize("name", FILTERS)
def test_page_when_the_table_is_ten_times_larger_then_it_costs_the_same(grown: Costs, name: str) -> None:
    before, after = grown[name]

    assert after <= 1.3 * before


def test_page_when_it_is_the_last_then_it_costs_what_the_first_did(filled: Store, hands: Hands) -> None:
    def page(after: str) -> int:
        return cost(
            hands.database,
            lambda: filled.listing.page(TENANT, ListFilters(), limit=PAGE, descending=True, after=after),
        )

    fill(hands, FEW + 300, 3000)

    assert page(f"resp_{PAGE + 1:06d}") <= 1.3 * page(f"resp_{FEW + 3000:06d}")


@pytest.mark.parametrize("name", FILTERS)
def test_page_when_another_tenant_has_much_that_matches_then_it_costs_the_same(
    crowded: Costs, name: str
) -> None:
    before, after = crowded[name]

    assert after <= 1.3 * before


@pytest.mark.parametrize(("after", "queries"), [(None, 1), ("resp_000200", 2)])
def test_page_when_read_then_so_many_queries(filled: Store, after: str | None, queries: int) -> None:
    filters = ListFilters(metadata={"k": "usual"}, model="m")

    with listening() as heard:
        found, _ = filled.listing.page(TENANT, filters, limit=PAGE, descending=True, after=after)

    assert (len(heard.statements), len(found)) == (queries, PAGE)


def chain(hands: Hands, turns: int) -> str:
    """A chain of so many responses, an input and an output item each; the last one's id."""
    rows = [response_of(n, previous_response_id=f"resp_{n - 1:06d}" if n else None) for n in range(turns)]
    said = []
    for number, row in enumerate(rows):
        for direction in (INPUT, OUTPUT):
            name = f"msg_{number}_{direction}"
            place = {"response_id": row["id"], "direction": direction, "position": 0}
            said.append({**place, "item_id": name, "data": b'{"id":"%b"}' % name.encode()})

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.insert(responses), rows)
        connection.execute(sa.insert(items), said)

    hands.database.write(work)
    last: str = rows[-1]["id"]
    return last


def test_input_items_when_the_chain_has_a_thousand_turns_then_no_more_queries(
    store: Store, hands: Hands
) -> None:
    last = chain(hands, 1000)

    with listening() as first:
        store.items.inputs(last, limit=100, descending=True, after=None)
    with listening() as later:
        store.items.inputs(last, limit=100, descending=True, after="msg_500_1")

    assert (len(first.statements), len(later.statements)) == (1, 2)


@pytest.mark.parametrize("descending", [True, False])
def test_input_items_when_the_chain_has_a_thousand_turns_then_its_pages_are_the_whole(
    store: Store, hands: Hands, descending: bool
) -> None:
    last = chain(hands, 1000)
    found: list[str] = []
    after, more = None, True

    while more:
        page, more = store.items.inputs(last, limit=100, descending=descending, after=after)
        found += [item["id"] for item in page]
        after = found[-1]

    whole = [f"msg_{n}_{d}" for n in range(1000) for d in (INPUT, OUTPUT)][:-1]
    assert found == (whole[::-1] if descending else whole)
