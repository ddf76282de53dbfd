"""Alembic's entry: runs on the connection that shared.store.migrate opened."""

from __future__ import annotations

from alembic import context

from shared.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
