"""What retention looks through holds no responses that are only kept for their descendants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEPT = "terminal_at IS NOT NULL AND deleted_at IS NULL"


def upgrade() -> None:
    op.drop_index("responses_ended", table_name="responses")
    op.create_index(
        "responses_ended",
        "responses",
        ["store", "terminal_at"],
        unique=False,
        postgresql_where=sa.text(_KEPT),
        sqlite_where=sa.text(_KEPT),
    )
