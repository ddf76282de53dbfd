"""API keys: who may call, and as which tenant. Only an HMAC of the key is stored."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import sqlalchemy as sa

from shared.ids import new_key_id
from shared.store.engine import Database, db_now
from shared.store.tables import api_keys


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    tenant_id: str
    name: str
    created_at: float
    revoked_at: float | None


def hash_key(secret_key: str, key: str) -> str:
    """HMAC-SHA-256 under the pepper, hex. Random 256-bit keys need no slow hash."""
    return hmac.new(secret_key.encode(), key.encode(), hashlib.sha256).hexdigest()


class Keys:
    def __init__(self, database: Database) -> None:
        self._db = database

    def create(self, tenant: str, name: str, key_hash: str) -> str:
        key_id = new_key_id()
        statement = sa.insert(api_keys).values(
            id=key_id, tenant_id=tenant, name=name, key_hash=key_hash, created_at=db_now()
        )
        self._db.write(lambda c: c.execute(statement))
        return key_id

    def find(self, key_hash: str) -> Key | None:
        """The living key with this hash."""
        query = _SELECT.where(api_keys.c.key_hash == key_hash, api_keys.c.revoked_at.is_(None))
        record = self._db.read(lambda c: c.execute(query).one_or_none())
        return None if record is None else Key(*record)

    def list(self) -> list[Key]:
        query = _SELECT.order_by(api_keys.c.created_at)
        return [Key(*r) for r in self._db.read(lambda c: c.execute(query).all())]

    def revoke(self, key_id: str) -> bool:
        """False where there is no living key of this id."""
        statement = (
            sa.update(api_keys)
            .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=db_now())
        )
        return self._db.write(lambda c: c.execute(statement).rowcount) == 1


_SELECT = sa.select(
    api_keys.c.id, api_keys.c.tenant_id, api_keys.c.name, api_keys.c.created_at, api_keys.c.revoked_at
)
