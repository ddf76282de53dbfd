"""Pairs of metadata as the list looks for them: one hash for a tenant's key and value together.

A hash serves equality as well as the text does, is short whatever was sent, and tells nobody who
reads the table what it says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson
import sqlalchemy as sa

from shared.store.rows import ResponseRow
from shared.store.tables import response_metadata


def pair_of(tenant_id: str, key: str, value: str) -> str:
    return hashlib.sha256(orjson.dumps([tenant_id, key, value])).hexdigest()[:48]


def insert_pairs(connection: sa.Connection, row: ResponseRow, metadata: Mapping[str, str]) -> None:
    """What the list can find a response by; nothing for one that cannot be read by its id."""
    if not metadata or not row.is_readable:
        return
    pairs = {pair_of(row.tenant_id, key, value) for key, value in metadata.items()}
    connection.execute(
        sa.insert(response_metadata),
        [{"response_id": row.id, "pair": pair, "created_at": row.created_at} for pair in sorted(pairs)],
    )
