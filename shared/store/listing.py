"""The caller's responses as a list: a page by its place, never by counting.

One query finds the cursor's place, one reads the page along an index that has the order of the list,
so that a page costs the same in a table of any size. Several filters at once are answered along one
of their indexes.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from shared.errors import InvalidRequest, excerpt
from shared.lifecycle import Status
from shared.store.engine import Database
from shared.store.pairs import pair_of
from shared.store.responses import READ, to_stored
from shared.store.rows import Stored
from shared.store.tables import IN_BACKGROUND, NOT_COMPLETED, response_metadata, responses
from shared.wire.filters import ListFilters

Place = tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]


class Listing:
    def __init__(self, database: Database) -> None:
        self._db = database

    def page(
        self, tenant_id: str, filters: ListFilters, *, limit: int, descending: bool, after: str | None
    ) -> tuple[list[Stored], bool]:
        """A page of what the tenant can read by id, and whether more follows.

        Raises InvalidRequest where `after` is none of the tenant's responses.
        """
        place, query = _filtered(tenant_id, filters)
        query = query.order_by(*(p.desc() if descending else p.asc() for p in place)).limit(limit + 1)

        def work(connection: sa.Connection) -> list[Any]:
            wanted = query
            if after is not None:
                here, there = sa.tuple_(*place), _place_of(connection, tenant_id, after)
                wanted = query.where(here < there if descending else here > there)
            return list(connection.execute(wanted).all())

        records = self._db.read(work)
        return [to_stored(r) for r in records[:limit]], len(records) > limit


def _filtered(tenant_id: str, filters: ListFilters) -> tuple[Place, sa.Select[Any]]:
    """The matching responses, and the columns that give their order."""
    query, place = READ, (responses.c.created_at, responses.c.id)
    pairs = [pair_of(tenant_id, key, value) for key, value in filters.metadata.items()]
    for number, pair in enumerate(pairs):
        held = response_metadata.alias(f"pair_{number}")
        query = query.join(held, held.c.response_id == responses.c.id).where(held.c.pair == pair)
        if number == 0:
            place = (held.c.created_at, held.c.response_id)
    at = place[0]
    query = query.where(*_own(tenant_id))
    if filters.status is not None:
        # literally in the text: the planners must see that the partial index holds what is wanted
        status = sa.bindparam(None, str(filters.status), sa.Text, literal_execute=True)
        query = query.where(responses.c.status == status)
        if filters.status != Status.COMPLETED:
            query = query.where(NOT_COMPLETED)
    if filters.model is not None:
        query = query.where(responses.c.model == filters.model)
    if filters.background is not None:
        query = query.where(IN_BACKGROUND if filters.background else ~IN_BACKGROUND)
    # as its caller sees it, a response is created at a whole second
    if filters.created_after is not None:
        query = query.where(at >= float(filters.created_after + 1))
    if filters.created_before is not None:
        query = query.where(at < float(filters.created_before))
    return place, query


def _own(tenant_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        responses.c.tenant_id == tenant_id,
        responses.c.kind == "response",
        responses.c.deleted_at.is_(None),
        sa.or_(responses.c.store, responses.c.background),
    )


def _place_of(connection: sa.Connection, tenant_id: str, response_id: str) -> sa.ColumnElement[Any]:
    found = connection.execute(
        sa.select(responses.c.created_at).where(responses.c.id == response_id, *_own(tenant_id))
    ).one_or_none()
    if found is None:
        raise InvalidRequest(
            f"No response with id '{excerpt(response_id)}' in this list.", code="invalid_value", param="after"
        )
    return sa.tuple_(sa.literal(found.created_at, sa.Float(53)), sa.literal(response_id, sa.Text))
