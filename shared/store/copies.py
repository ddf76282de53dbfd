"""Copies that an upstream keeps of our responses (`state: upstream`): which are to be removed there.

Noted with the DELETE of a response, or its retention; whoever removes a copy takes its note first.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from shared.store.engine import Database
from shared.store.tables import responses, unwanted_copies


@dataclass(frozen=True, slots=True)
class Copy:
    provider: str  # the account's name in the configuration
    upstream_id: str


class Copies:
    def __init__(self, database: Database) -> None:
        self._db = database

    def take_unwanted(self, *, limit: int) -> list[Copy]:
        """Nobody else gets these: they are tried once."""
        table = unwanted_copies
        some = sa.select(table.c.response_id).limit(limit)
        found = list(self._db.read(lambda c: c.execute(some).scalars().all()))
        if not found:
            return []
        taking = (
            sa.delete(table)
            .where(table.c.response_id.in_(found))
            .returning(table.c.provider, table.c.upstream_id)
        )
        return [Copy(*r) for r in self._db.write(lambda c: c.execute(taking).all())]


def note_unwanted(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Of responses that are just being deleted."""
    connection.execute(
        sa.insert(unwanted_copies).from_select(
            ["response_id", "provider", "upstream_id"],
            sa.select(responses.c.id, responses.c.provider, responses.c.kept_upstream_id).where(
                which, responses.c.kept_upstream_id.is_not(None)
            ),
        )
    )
