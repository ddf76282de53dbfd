"""Accepting, finding and listing: what the API does to the store, on every database."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from shared.errors import InvalidRequest
from shared.lifecycle import Status
from shared.store import Store
from shared.store.keys import hash_key
from shared.store.rows import NewResponse
from shared.store.tables import items, payloads, responses
from tests.support.backends import Hands
from tests.support.lanes import together
from tests.support.rows import TENANT, accepted, claimed, finished, new_response


def test_insert_when_accepted_then_queued_with_its_queue_deadline(store: Store) -> None:
    row = accepted(store, queue_seconds=120.0)

    assert (row.status, row.attempt, row.deadline_at) == (Status.QUEUED, 0, None)
    assert row.queue_deadline_at - row.created_at == pytest.approx(120.0, abs=0.5)


def test_insert_when_read_back_then_every_field_is_kept(store: Store) -> None:
    new = new_response("text \N{SNOWMAN} \x01", background=True, stream=True, request_id="req_x")

    row = store.responses.insert(new)

    stored = store.responses.get(new.id)
    assert stored is not None
    assert (stored.row, stored.envelope, stored.result) == (row, new.envelope, None)
    names = set(row._fields) & {f.name for f in dataclasses.fields(new)}
    assert {n: getattr(row, n) for n in names} == {n: getattr(new, n) for n in names}


def test_insert_when_not_stored_then_no_items_are_kept(store: Store, hands: Hands) -> None:
    row = accepted(store, store=False)

    assert (hands.count(items, row.id), hands.count(payloads, row.id)) == (0, 1)


@pytest.mark.parametrize("text", ["NUL \x00", "snow \N{SNOWMAN}", "line\nbreak"])
def test_insert_when_the_request_holds_awkward_text_then_the_claim_gives_it_back(
    store: Store, text: str
) -> None:
    claim = claimed(store, request={"model": "m", "input": text, "b": 1, "a": 1.0})

    assert list(claim.request.items()) == [("model", "m"), ("input", text), ("b", 1), ("a", 1.0)]


def test_insert_when_the_parent_is_unknown_then_refused_and_nothing_written(store: Store) -> None:
    new = new_response(previous_response_id="resp_unknown")

    with pytest.raises(InvalidRequest) as refused:
        store.responses.insert(new)

    assert (refused.value.code, refused.value.param) == (
        "previous_response_not_found",
        "previous_response_id",
    )
    assert store.responses.get(new.id) is None


@pytest.mark.parametrize("reason", ["foreign", "deleted", "unstored"])
def test_insert_when_the_parent_cannot_be_seen_then_the_same_refusal(store: Store, reason: str) -> None:
    tenant = "tenant-b" if reason == "foreign" else TENANT
    parent = finished(store, tenant_id=tenant, store=reason != "unstored").row
    if reason == "deleted":
        assert store.responses.delete(tenant, parent.id)

    with pytest.raises(InvalidRequest) as refused:
        accepted(store, previous_response_id=parent.id)

    assert str(refused.value) == f"Previous response with id '{parent.id}' not found."
    assert refused.value.code == "previous_response_not_found"


@pytest.mark.parametrize("state", ["queued", "in_progress"])
def test_insert_when_the_parent_has_not_ended_then_refused(store: Store, state: str) -> None:
    parent = claimed(store).row if state == "in_progress" else accepted(store)

    with pytest.raises(InvalidRequest) as refused:
        accepted(store, previous_response_id=parent.id)

    assert refused.value.code == "previous_response_not_completed"
    assert state in refused.value.message


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.INCOMPLETE])
def test_insert_when_the_parent_ended_in_any_way_then_accepted(store: Store, status: str) -> None:
    parent = finished(store, status=status).row

    assert accepted(store, previous_response_id=parent.id).previous_response_id == parent.id


def test_find_when_the_tenant_is_another_then_as_if_absent(store: Store) -> None:
    row = accepted(store)

    assert store.responses.find("tenant-b", row.id) is None
    found = store.responses.find(TENANT, row.id)
    assert found is not None and found.row.id == row.id


@pytest.mark.parametrize(
    ("stored", "background", "readable"),
    [(True, False, True), (True, True, True), (False, True, True), (False, False, False)],
)
def test_find_when_stored_or_in_background_then_readable(
    store: Store, stored: bool, background: bool, readable: bool
) -> None:
    row = accepted(store, store=stored, background=background)

    assert (store.responses.find(TENANT, row.id) is not None) is readable


def test_find_when_deleted_then_none(store: Store) -> None:
    row = finished(store).row
    store.responses.delete(TENANT, row.id)

    assert store.responses.find(TENANT, row.id) is None


def test_states_when_some_are_unknown_then_only_the_known(store: Store) -> None:
    row = accepted(store)

    assert store.responses.states([row.id, "resp_unknown"]) == {row.id: row}


def test_insert_when_the_id_exists_then_refused_by_the_database(store: Store) -> None:
    new = new_response()
    store.responses.insert(new)

    with pytest.raises(exc.IntegrityError):
        store.responses.insert(new)


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "done"},
        {"status": "completed"},
        {"terminal_at": 1.0},
        {"status": "in_progress"},
        {"lease_owner": "x"},
        {"attempt": -1},
    ],
)
def test_row_when_its_parts_contradict_then_the_database_refuses(
    store: Store, hands: Hands, broken: dict[str, object]
) -> None:
    row = accepted(store)

    with pytest.raises(exc.IntegrityError):
        hands.set(row.id, **broken)


def test_payload_when_its_response_goes_then_goes_too(store: Store, hands: Hands) -> None:
    row = accepted(store)

    hands.database.write(lambda c: c.execute(sa.delete(responses).where(responses.c.id == row.id)))

    assert (hands.count(payloads, row.id), hands.count(items, row.id)) == (0, 0)


def test_keys_when_created_then_found_by_hash_alone(store: Store) -> None:
    digest = hash_key("pepper", "sk-rsp-1")

    key_id = store.keys.create("tenant-a", "laptop", digest)

    found = store.keys.find(digest)
    assert found is not None
    assert (found.id, found.tenant_id, found.name, found.revoked_at) == (key_id, "tenant-a", "laptop", None)
    assert store.keys.find(hash_key("other pepper", "sk-rsp-1")) is None


def test_keys_when_revoked_then_not_found_but_listed(store: Store) -> None:
    digest = hash_key("pepper", "sk-rsp-1")
    key_id = store.keys.create("tenant-a", "laptop", digest)

    assert store.keys.revoke(key_id) is True

    assert store.keys.find(digest) is None
    (listed,) = store.keys.list()
    assert listed.id == key_id and listed.revoked_at is not None


def test_keys_when_revoked_again_or_unknown_then_false(store: Store) -> None:
    key_id = store.keys.create("tenant-a", "", "hash")
    store.keys.revoke(key_id)

    assert (store.keys.revoke(key_id), store.keys.revoke("key_unknown")) == (False, False)


def test_keys_when_several_then_listed_in_order_of_creation(store: Store) -> None:
    created = [store.keys.create("tenant-a", str(n), f"hash{n}") for n in range(3)]

    assert [k.id for k in store.keys.list()] == created


def test_insert_when_many_at_once_then_all_are_there(store: Store) -> None:
    news = [new_response() for _ in range(24)]

    def lane(mine: list[NewResponse]) -> None:
        for new in mine:
            store.responses.insert(new)

    together(*(partial(lane, news[n::4]) for n in range(4)))

    assert set(store.responses.states(n.id for n in news)) == {n.id for n in news}
