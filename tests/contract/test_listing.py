"""The list of responses: what it shows, in which order, and page by page, on every database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from shared.errors import InvalidRequest
from shared.lifecycle import Status
from shared.store import Store
from shared.store.tables import response_metadata
from shared.wire.filters import ListFilters
from tests.support.backends import Hands
from tests.support.rows import TENANT, accepted, claimed, finished, new_response


def ids(store: Store, *, descending: bool = True, **filters: Any) -> list[str]:
    found, _ = store.listing.page(
        TENANT, ListFilters(**filters), limit=100, descending=descending, after=None
    )
    return [s.row.id for s in found]


def labelled(store: Store, metadata: dict[str, str], **changes: Any) -> str:
    new = new_response(**changes)
    new.envelope["metadata"] = metadata
    return store.responses.insert(new).id


def spread(hands: Hands, response_ids: Sequence[str], first: float = 1000.5) -> Sequence[str]:
    """Created a second apart: SQLite's clock has milliseconds only."""
    for number, response_id in enumerate(response_ids):
        hands.set(response_id, created_at=first + number)
        column = response_metadata.c.response_id
        pairs = sa.update(response_metadata).where(column == response_id).values(created_at=first + number)
        hands.database.write(lambda c, pairs=pairs: c.execute(pairs))
    return response_ids


def walk(store: Store, limit: int, *, descending: bool, **filters: Any) -> Iterator[list[str]]:
    """Page after page, as a client goes on from the last id."""
    after, more, pages = None, True, 0
    while more:
        pages += 1
        assert pages < 20, "the pages do not come to an end"
        found, more = store.listing.page(
            TENANT, ListFilters(**filters), limit=limit, descending=descending, after=after
        )
        yield [s.row.id for s in found]
        after = found[-1].row.id if found else None


def test_list_when_there_are_several_then_the_newest_is_first(store: Store, hands: Hands) -> None:
    made = spread(hands, [accepted(store).id for _ in range(3)])

    assert ids(store) == made[::-1]


def test_list_when_ascending_then_the_oldest_is_first(store: Store, hands: Hands) -> None:
    made = spread(hands, [accepted(store).id for _ in range(3)])

    assert ids(store, descending=False) == made


def test_list_when_ended_then_with_its_final_object(store: Store) -> None:
    ended = finished(store)

    (found,), more = store.listing.page(TENANT, ListFilters(), limit=20, descending=True, after=None)

    assert (found.row.id, found.envelope, found.result) == (ended.row.id, ended.envelope, ended.result)
    assert more is False


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_when_put_together_then_the_whole_list_once(
    store: Store, hands: Hands, limit: int, descending: bool
) -> None:
    made = spread(hands, [accepted(store).id for _ in range(7)])

    pages = list(walk(store, limit, descending=descending))

    assert [i for page in pages for i in page] == (made[::-1] if descending else made)
    assert len(pages) == -(-7 // limit)


def test_pages_when_all_were_created_at_once_then_nobody_is_lost_or_doubled(
    store: Store, hands: Hands
) -> None:
    made = [accepted(store, background=True).id for _ in range(6)]
    for response_id in made:
        hands.set(response_id, created_at=1_700_000_000.25)

    pages = list(walk(store, 2, descending=True, background=True))

    assert [i for page in pages for i in page] == sorted(made, reverse=True)


def test_pages_when_more_is_created_meanwhile_then_the_walk_does_not_repeat(
    store: Store, hands: Hands
) -> None:
    made = spread(hands, [accepted(store).id for _ in range(4)])
    pages = walk(store, 2, descending=True)
    first = next(pages)

    accepted(store)

    assert [*first, *(i for page in pages for i in page)] == made[::-1]


def test_list_when_of_another_tenant_then_not_shown(store: Store) -> None:
    accepted(store, tenant_id="tenant-b")
    mine = accepted(store).id

    assert ids(store) == [mine]


@pytest.mark.parametrize(
    ("stored", "background", "shown"),
    [(True, False, 1), (True, True, 1), (False, True, 1), (False, False, 0)],
)
def test_list_when_readable_by_id_then_shown(
    store: Store, stored: bool, background: bool, shown: int
) -> None:
    accepted(store, store=stored, background=background)

    assert len(ids(store)) == shown


def test_list_when_deleted_then_not_shown(store: Store) -> None:
    parent = finished(store).row.id
    child = accepted(store, previous_response_id=parent).id

    store.responses.delete(TENANT, parent)

    assert ids(store) == [child]


def test_list_when_the_row_is_of_another_kind_then_not_shown(store: Store) -> None:
    accepted(store, kind="compaction")

    assert ids(store) == []


@pytest.mark.parametrize("unknown", ["none", "foreign", "deleted"])
def test_list_after_what_is_not_in_it_then_refused_naming_after(store: Store, unknown: str) -> None:
    row = finished(store, tenant_id="tenant-b" if unknown == "foreign" else TENANT).row
    if unknown == "deleted":
        store.responses.delete(TENANT, row.id)
    after = "resp_unknown" if unknown == "none" else row.id

    with pytest.raises(InvalidRequest) as refused:
        store.listing.page(TENANT, ListFilters(), limit=20, descending=True, after=after)

    assert refused.value.param == "after"


def test_filter_by_status_then_only_those(store: Store) -> None:
    done, failed = finished(store).row.id, finished(store, status=Status.FAILED).row.id
    running = claimed(store).row.id
    waiting = accepted(store).id

    found = {str(status): ids(store, status=status) for status in Status}

    assert {status: listed for status, listed in found.items() if listed} == {
        "completed": [done],
        "failed": [failed],
        "in_progress": [running],
        "queued": [waiting],
    }


def test_filter_by_model_then_only_those(store: Store) -> None:
    accepted(store, model="gpt-a")
    wanted = accepted(store, model="gpt-b").id

    assert ids(store, model="gpt-b") == [wanted]


def test_filter_by_background_then_only_those(store: Store) -> None:
    behind, front = accepted(store, background=True).id, accepted(store).id

    assert (ids(store, background=True), ids(store, background=False)) == ([behind], [front])


def test_filter_by_metadata_then_every_pair_must_match(store: Store, hands: Hands) -> None:
    both = labelled(store, {"user": "1", "env": "prod"})
    other = labelled(store, {"user": "1", "env": "test"})
    labelled(store, {"user": "2", "env": "prod"})
    spread(hands, [both, other])

    assert ids(store, metadata={"user": "1"}) == [other, both]
    assert ids(store, metadata={"user": "1", "env": "prod"}) == [both]


def test_filter_by_metadata_when_another_tenant_has_the_pair_then_not_shown(store: Store) -> None:
    labelled(store, {"user": "1"}, tenant_id="tenant-b")

    assert ids(store, metadata={"user": "1"}) == []


@pytest.mark.parametrize("value", ["", "NUL \x00", "\N{SNOWMAN}" * 512, "a\nb", "%_'\""])
def test_filter_by_metadata_when_the_text_is_awkward_then_found(store: Store, value: str) -> None:
    wanted = labelled(store, {"\N{SNOWMAN}" * 64: value})

    assert ids(store, metadata={"\N{SNOWMAN}" * 64: value}) == [wanted]


def test_filter_by_metadata_when_paged_then_each_once(store: Store, hands: Hands) -> None:
    made = spread(hands, [labelled(store, {"user": "1", "n": str(n % 2)}) for n in range(6)])

    pages = walk(store, 2, descending=True, metadata={"user": "1", "n": "0"})

    assert [i for page in pages for i in page] == [made[4], made[2], made[0]]


def test_filter_by_time_then_both_ends_are_left_out(store: Store, hands: Hands) -> None:
    made = spread(hands, [accepted(store).id for _ in range(3)])

    assert ids(store, created_after=1000) == [made[2], made[1]]
    assert ids(store, created_before=1002) == [made[1], made[0]]
    assert ids(store, created_after=1000, created_before=1002) == [made[1]]


def test_filters_when_several_then_all_must_hold(store: Store) -> None:
    accepted(store, model="a", background=True)
    wanted = labelled(store, {"k": "v"}, model="b", background=True)
    labelled(store, {"k": "v"}, model="b")

    assert ids(store, model="b", background=True, metadata={"k": "v"}, status="queued") == [wanted]
