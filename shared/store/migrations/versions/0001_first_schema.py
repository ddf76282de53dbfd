"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("revoked_at", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("metadata", sa.LargeBinary(), nullable=False),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("deleted_at", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    op.create_index("idempotency_keys_expired", "idempotency_keys", ["expires_at"], unique=False)
    op.create_table(
        "responses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="response", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("background", sa.Boolean(), nullable=False),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("store", sa.Boolean(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("previous_response_id", sa.Text(), nullable=True),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("conversation_seq", sa.Integer(), nullable=True),
        sa.Column("body_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("queue_deadline_at", sa.Float(precision=53), nullable=False),
        sa.Column("deadline_at", sa.Float(precision=53), nullable=True),
        sa.Column("not_before", sa.Float(precision=53), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Float(precision=53), nullable=True),
        sa.Column("upstream_started_at", sa.Float(precision=53), nullable=True),
        sa.Column("upstream_response_id", sa.Text(), nullable=True),
        sa.Column("upstream_cursor", sa.Integer(), nullable=True),
        sa.Column("retry_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rescue_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("terminal_at", sa.Float(precision=53), nullable=True),
        sa.Column("terminal_seq", sa.Integer(), nullable=True),
        sa.Column("error_reason", sa.Text(), nullable=True),
        sa.Column("refusal", sa.LargeBinary(), nullable=True),
        sa.Column("deleted_at", sa.Float(precision=53), nullable=True),
        sa.CheckConstraint(
            "(status = 'in_progress') = (lease_owner IS NOT NULL)", name="in_progress_has_lease"
        ),
        sa.CheckConstraint(
            "(status IN ('cancelled', 'completed', 'failed', 'incomplete')) = (terminal_at IS NOT NULL)",
            name="terminal_has_time",
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled')",
            name="status_known",
        ),
        sa.CheckConstraint("attempt >= 0", name="attempt_not_negative"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("responses_by_body", "responses", ["body_hash", "created_at"], unique=False)
    op.create_index(
        "responses_by_model", "responses", ["tenant_id", "model", "created_at", "id"], unique=False
    )
    op.create_index(
        "responses_children",
        "responses",
        ["previous_response_id"],
        unique=False,
        postgresql_where=sa.text("previous_response_id IS NOT NULL"),
        sqlite_where=sa.text("previous_response_id IS NOT NULL"),
    )
    op.create_index(
        "responses_ended",
        "responses",
        ["store", "terminal_at"],
        unique=False,
        postgresql_where=sa.text("terminal_at IS NOT NULL"),
        sqlite_where=sa.text("terminal_at IS NOT NULL"),
    )
    op.create_index(
        "responses_in_background",
        "responses",
        ["tenant_id", "background", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("background = true"),
        sqlite_where=sa.text("background = true"),
    )
    op.create_index(
        "responses_leased",
        "responses",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("status = 'in_progress'"),
        sqlite_where=sa.text("status = 'in_progress'"),
    )
    op.create_index("responses_listed", "responses", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index(
        "responses_not_completed",
        "responses",
        ["tenant_id", "status", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("status != 'completed'"),
        sqlite_where=sa.text("status != 'completed'"),
    )
    op.create_index(
        "responses_of_conversation",
        "responses",
        ["conversation_id"],
        unique=False,
        postgresql_where=sa.text("conversation_id IS NOT NULL"),
        sqlite_where=sa.text("conversation_id IS NOT NULL"),
    )
    op.create_index(
        "responses_queued",
        "responses",
        ["background", "tenant_id", "priority", "created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
        sqlite_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "responses_running",
        "responses",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("status = 'in_progress'"),
        sqlite_where=sa.text("status = 'in_progress'"),
    )
    op.create_index(
        "responses_unsealed",
        "responses",
        ["terminal_at"],
        unique=False,
        postgresql_where=sa.text("terminal_at IS NOT NULL AND terminal_seq IS NULL"),
        sqlite_where=sa.text("terminal_at IS NOT NULL AND terminal_seq IS NULL"),
    )
    op.create_table(
        "archives",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("frames", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["response_id"], ["responses.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("response_id"),
    )
    op.create_table(
        "conversation_items",
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("paired", sa.Boolean(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation_id", "seq"),
        sa.UniqueConstraint("conversation_id", "item_id", name="conversation_item_once"),
    )
    op.create_index("conversation_items_by_id", "conversation_items", ["item_id"], unique=False)
    op.create_table(
        "items",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("direction", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["response_id"], ["responses.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("response_id", "direction", "position"),
    )
    op.create_index("items_by_id", "items", ["item_id"], unique=False)
    op.create_table(
        "payloads",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["response_id"], ["responses.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("response_id"),
    )
    op.create_table(
        "response_metadata",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("pair", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["response_id"], ["responses.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("response_id", "pair"),
    )
    op.create_index(
        "response_metadata_by_pair", "response_metadata", ["pair", "created_at", "response_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("response_metadata_by_pair", table_name="response_metadata")
    op.drop_table("response_metadata")
    op.drop_table("payloads")
    op.drop_index("items_by_id", table_name="items")
    op.drop_table("items")
    op.drop_index("conversation_items_by_id", table_name="conversation_items")
    op.drop_table("conversation_items")
    op.drop_table("archives")
    op.drop_index(
        "responses_unsealed",
        table_name="responses",
        postgresql_where=sa.text("terminal_at IS NOT NULL AND terminal_seq IS NULL"),
        sqlite_where=sa.text("terminal_at IS NOT NULL AND terminal_seq IS NULL"),
    )
    op.drop_index(
        "responses_running",
        table_name="responses",
        postgresql_where=sa.text("status = 'in_progress'"),
        sqlite_where=sa.text("status = 'in_progress'"),
    )
    op.drop_index(
        "responses_queued",
        table_name="responses",
        postgresql_where=sa.text("status = 'queued'"),
        sqlite_where=sa.text("status = 'queued'"),
    )
    op.drop_index(
        "responses_of_conversation",
        table_name="responses",
        postgresql_where=sa.text("conversation_id IS NOT NULL"),
        sqlite_where=sa.text("conversation_id IS NOT NULL"),
    )
    op.drop_index(
        "responses_not_completed",
        table_name="responses",
        postgresql_where=sa.text("status != 'completed'"),
        sqlite_where=sa.text("status != 'completed'"),
    )
    op.drop_index("responses_listed", table_name="responses")
    op.drop_index(
        "responses_leased",
        table_name="responses",
        postgresql_where=sa.text("status = 'in_progress'"),
        sqlite_where=sa.text("status = 'in_progress'"),
    )
    op.drop_index(
        "responses_in_background",
        table_name="responses",
        postgresql_where=sa.text("background = true"),
        sqlite_where=sa.text("background = true"),
    )
    op.drop_index(
        "responses_ended",
        table_name="responses",
        postgresql_where=sa.text("terminal_at IS NOT NULL"),
        sqlite_where=sa.text("terminal_at IS NOT NULL"),
    )
    op.drop_index(
        "responses_children",
        table_name="responses",
        postgresql_where=sa.text("previous_response_id IS NOT NULL"),
        sqlite_where=sa.text("previous_response_id IS NOT NULL"),
    )
    op.drop_index("responses_by_model", table_name="responses")
    op.drop_index("responses_by_body", table_name="responses")
    op.drop_table("responses")
    op.drop_index("idempotency_keys_expired", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("heartbeats")
    op.drop_table("conversations")
    op.drop_table("api_keys")
