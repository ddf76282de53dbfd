"""What upstreams keep of our responses, by their own ids."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("responses", sa.Column("kept_upstream_id", sa.Text(), nullable=True))
    op.create_table(
        "unwanted_copies",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("upstream_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("response_id"),
    )
