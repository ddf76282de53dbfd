"""Idempotency keys: one response a key and tenant, for a day, even under a race.

The key is taken in the transaction that inserts the response. Only hashes are kept: nothing of a
wiped response lives on here.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from shared.errors import AlreadyAccepted, Unprocessable
from shared.store.engine import db_now
from shared.store.rows import NewResponse
from shared.store.tables import idempotency_keys

LIFE_SECONDS = 86_400.0


def take_key(connection: sa.Connection, new: NewResponse) -> None:
    """Bind the key to this response. Raises AlreadyAccepted, or Unprocessable for another body."""
    if new.idempotency_key is None:
        return
    mine = (idempotency_keys.c.tenant_id == new.tenant_id) & (idempotency_keys.c.key == new.idempotency_key)
    connection.execute(sa.delete(idempotency_keys).where(mine, idempotency_keys.c.expires_at <= db_now()))
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    taken = connection.execute(
        insert(idempotency_keys)
        .values(
            tenant_id=new.tenant_id,
            key=new.idempotency_key,
            body_hash=new.body_hash,
            response_id=new.id,
            expires_at=db_now() + LIFE_SECONDS,
        )
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.response_id)
    ).one_or_none()
    if taken is not None:
        return
    known = connection.execute(
        sa.select(idempotency_keys.c.body_hash, idempotency_keys.c.response_id).where(mine)
    ).one()
    if known.body_hash != new.body_hash:
        raise Unprocessable(
            "This Idempotency-Key was used with another request body.", code="idempotency_key_reuse"
        )
    raise AlreadyAccepted(known.response_id)


def forget_expired(connection: sa.Connection, limit: int) -> int:
    due = (
        sa.select(idempotency_keys.c.tenant_id, idempotency_keys.c.key)
        .where(idempotency_keys.c.expires_at <= db_now())
        .limit(limit)
    )
    keys = sa.tuple_(idempotency_keys.c.tenant_id, idempotency_keys.c.key)
    return connection.execute(sa.delete(idempotency_keys).where(keys.in_(due))).rowcount
