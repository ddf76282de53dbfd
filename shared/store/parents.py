"""Who made the reasoning that a new turn continues: an alias then stays with that account."""

from __future__ import annotations

import sqlalchemy as sa

from shared.store.engine import Database
from shared.store.rows import load_json
from shared.store.tables import OUTPUT, items, responses


class Parents:
    def __init__(self, database: Database) -> None:
        self._db = database

    def reasoned(self, tenant_id: str, response_id: str) -> str | None:
        """The account that answered, if its answer has reasoning that only its maker can read."""
        return self._of(tenant_id, responses.c.id == response_id)

    def reasoned_last(self, tenant_id: str, conversation_id: str) -> str | None:
        """The same of a conversation's latest answer."""
        latest = (
            sa.select(responses.c.id)
            .where(responses.c.conversation_id == conversation_id, responses.c.tenant_id == tenant_id)
            .where(responses.c.status.in_(("completed", "incomplete")), responses.c.deleted_at.is_(None))
            .order_by(responses.c.created_at.desc())
            .limit(1)
            .scalar_subquery()
        )
        return self._of(tenant_id, responses.c.id == latest)

    def _of(self, tenant_id: str, which: sa.ColumnElement[bool]) -> str | None:
        query = (
            sa.select(responses.c.provider, items.c.data)
            .join_from(responses, items, items.c.response_id == responses.c.id)
            .where(which, responses.c.tenant_id == tenant_id, items.c.direction == OUTPUT)
        )
        for provider, data in self._db.read(lambda c: c.execute(query).all()):
            if load_json(data).get("type") == "reasoning":
                return str(provider)
        return None
