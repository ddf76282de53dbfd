"""Pairs of metadata as the list looks for them: one hash for a tenant's key and value together.

A hash serves equality as well as the text does, is short whatever was sent, and tells nobody who
reads the table what it says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson

from shared.store.rows import RESPONSE, NewResponse


def pair_of(tenant_id: str, key: str, value: str) -> str:
    return hashlib.sha256(orjson.dumps([tenant_id, key, value])).hexdigest()[:48]


def pairs_of(new: NewResponse) -> list[str]:
    """What the list can find a response by; nothing for one that cannot be read by its id."""
    metadata: Mapping[str, str] = new.envelope.get("metadata") or {}
    if not metadata or new.kind != RESPONSE or not (new.store or new.background):
        return []
    return sorted({pair_of(new.tenant_id, key, value) for key, value in metadata.items()})
