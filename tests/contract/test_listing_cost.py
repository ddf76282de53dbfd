"""Lists cost what they show: no more in a large table, no more queries for a long chain."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from shared.store import Store
from shared.store.pairs import pair_of
from shared.store.tables import INPUT, OUTPUT, items, response_metadata
from shared.wire.filters import ListFilters
from tests.support.backends import Backends, Hands
from tests.support.history import ended_long_ago, put
from tests.support.paging import walked
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


def fill(hands: Hands, first: int, count: int, **changes: Any) -> None:
    rows = [ended_long_ago(n, **changes) for n in range(first, first + count)]
    pair = pair_of(changes.get("tenant_id", TENANT), "k", "rare" if changes else "usual")
    pairs = [{"response_id": r["id"], "pair": pair, "created_at": r["created_at"]} for r in rows]
    put(hands, rows, {response_metadata: pairs})


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
    rows = [ended_long_ago(n, previous_response_id=f"resp_{n - 1:06d}" if n else None) for n in range(turns)]
    said = []
    for number, row in enumerate(rows):
        for direction in (INPUT, OUTPUT):
            name = f"msg_{number}_{direction}"
            place = {"response_id": row["id"], "direction": direction, "position": 0}
            said.append({**place, "item_id": name, "data": b'{"id":"%b"}' % name.encode()})

    put(hands, rows, {items: said})
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

    found = walked(partial(store.items.inputs, last, limit=100, descending=descending))

    whole = [f"msg_{n}_{d}" for n in range(1000) for d in (INPUT, OUTPUT)][:-1]
    assert [item["id"] for item in found] == (whole[::-1] if descending else whole)
