"""Which alias a response was asked of, which of its targets have refused it, and who answers now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # null in every row of the release before, whose code neither reads nor writes them
    for name in ("alias", "tried", "label"):
        op.add_column("responses", sa.Column(name, sa.Text(), nullable=True))
