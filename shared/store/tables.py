"""The tables. Times are Unix seconds by the database's clock.

Exact JSON is kept as bytes: `jsonb` reorders keys, rewrites numbers and refuses NUL. What the
protocol updates often (`responses`) is apart from what is large (`payloads`, `items`, `archives`).
"""

from __future__ import annotations

import sqlalchemy as sa

from shared.lifecycle import TERMINAL, Status

metadata = sa.MetaData()

_STATUSES = ", ".join(f"'{s}'" for s in Status)
_ENDED = ", ".join(f"'{s}'" for s in sorted(TERMINAL))

Time = sa.Float(53)

# Written out in the queue's statements: a plan made for any value cannot use the indexes of these ones,
# and a plan for each claim costs PostgreSQL three times the claim.
QUEUED: sa.ColumnElement[str] = sa.literal_column(f"'{Status.QUEUED}'")
IN_PROGRESS: sa.ColumnElement[str] = sa.literal_column(f"'{Status.IN_PROGRESS}'")

responses = sa.Table(
    "responses",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, server_default="response"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("priority", sa.Integer, nullable=False),  # lower first
    sa.Column("background", sa.Boolean, nullable=False),
    sa.Column("stream", sa.Boolean, nullable=False),
    sa.Column("store", sa.Boolean, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),  # the account's name in the configuration
    sa.Column("model", sa.Text, nullable=False),  # as the provider calls it
    sa.Column("alias", sa.Text),  # the name that was asked for, where it has several targets
    sa.Column("tried", sa.Text),  # its targets that have refused it: `provider/model`, one a line
    sa.Column("label", sa.Text),  # what a Response shows as `provider`, where the envelope names another one
    sa.Column("previous_response_id", sa.Text),
    sa.Column("turn", sa.Integer, nullable=False, server_default="0"),  # how many come before it in its chain
    sa.Column("conversation_id", sa.Text),
    sa.Column(
        "conversation_seq", sa.Integer
    ),  # its last item when this was accepted: the history is fixed then
    sa.Column("body_hash", sa.Text),  # of the canonical body: tells a repeat from another request
    sa.Column("created_at", Time, nullable=False),
    sa.Column("queue_deadline_at", Time, nullable=False),
    sa.Column("deadline_at", Time),  # set at the first claim, kept
    sa.Column("not_before", Time),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Time),
    sa.Column("upstream_started_at", Time),  # the money gate
    sa.Column("upstream_response_id", sa.Text),  # of a generation that the provider can resume
    sa.Column("upstream_cursor", sa.Integer),  # the last of its events that our log has
    sa.Column("kept_upstream_id", sa.Text),  # of an ended one that its upstream keeps: later turns name it
    sa.Column("retry_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("rescue_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("terminal_at", Time),
    sa.Column("terminal_seq", sa.Integer),  # set with the archive: the log is complete
    sa.Column("error_reason", sa.Text),  # finer than response.error.code
    sa.Column("refusal", sa.LargeBinary),  # JSON: the upstream's clean refusal (DESIGN 7.5)
    sa.Column("deleted_at", Time),
    sa.CheckConstraint(f"status IN ({_STATUSES})", name="status_known"),
    sa.CheckConstraint(f"(status IN ({_ENDED})) = (terminal_at IS NOT NULL)", name="terminal_has_time"),
    sa.CheckConstraint("(status = 'in_progress') = (lease_owner IS NOT NULL)", name="in_progress_has_lease"),
    sa.CheckConstraint("attempt >= 0", name="attempt_not_negative"),
)
sa.Index(
    "responses_queued",
    responses.c.background,
    responses.c.tenant_id,
    responses.c.priority,
    responses.c.created_at,
    postgresql_where=responses.c.status == "queued",
    sqlite_where=responses.c.status == "queued",
)
# always true: leads SQLite to that index, else it walks the tenant's whole history
IN_BOTH_LANES = responses.c.background.in_((True, False))
sa.Index(
    "responses_running",
    responses.c.tenant_id,
    postgresql_where=responses.c.status == "in_progress",
    sqlite_where=responses.c.status == "in_progress",
)
sa.Index(
    "responses_leased",
    responses.c.lease_until,
    postgresql_where=responses.c.status == "in_progress",
    sqlite_where=responses.c.status == "in_progress",
)
sa.Index(
    "responses_unsealed",
    responses.c.terminal_at,
    postgresql_where=sa.and_(responses.c.terminal_at.is_not(None), responses.c.terminal_seq.is_(None)),
    sqlite_where=sa.and_(responses.c.terminal_at.is_not(None), responses.c.terminal_seq.is_(None)),
)
# GET /responses: one for each filter, so that a page costs what it shows. What most rows are
# (completed, in the foreground) is found by the first and costs the main path nothing.
sa.Index("responses_listed", responses.c.tenant_id, responses.c.created_at, responses.c.id)
sa.Index(
    "responses_by_model", responses.c.tenant_id, responses.c.model, responses.c.created_at, responses.c.id
)
NOT_COMPLETED = responses.c.status != sa.literal_column("'completed'")
sa.Index(
    "responses_not_completed",
    responses.c.tenant_id,
    responses.c.status,
    responses.c.created_at,
    responses.c.id,
    postgresql_where=NOT_COMPLETED,
    sqlite_where=NOT_COMPLETED,
)
IN_BACKGROUND = responses.c.background == sa.literal_column("true")
sa.Index(
    "responses_in_background",
    responses.c.tenant_id,
    responses.c.background,  # always the same: SQLite prefers the index that names more of what is asked
    responses.c.created_at,
    responses.c.id,
    postgresql_where=IN_BACKGROUND,
    sqlite_where=IN_BACKGROUND,
)
sa.Index(
    "responses_children",
    responses.c.previous_response_id,
    postgresql_where=responses.c.previous_response_id.is_not(None),
    sqlite_where=responses.c.previous_response_id.is_not(None),
)
sa.Index(
    "responses_of_conversation",
    responses.c.conversation_id,
    postgresql_where=responses.c.conversation_id.is_not(None),
    sqlite_where=responses.c.conversation_id.is_not(None),
)
_ENDED_AND_KEPT = sa.and_(responses.c.terminal_at.is_not(None), responses.c.deleted_at.is_(None))
sa.Index(
    "responses_ended",
    responses.c.store,  # what is to be wiped soon lies apart from what is kept for weeks
    responses.c.terminal_at,
    postgresql_where=_ENDED_AND_KEPT,
    sqlite_where=_ENDED_AND_KEPT,
)

# an SDK's own repeat of a lost foreground request is found by it
sa.Index("responses_by_body", responses.c.body_hash, responses.c.created_at)

payloads = sa.Table(
    "payloads",
    metadata,
    sa.Column("response_id", sa.Text, sa.ForeignKey("responses.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("request", sa.LargeBinary, nullable=False),  # JSON: the body as accepted
    sa.Column("envelope", sa.LargeBinary, nullable=False),  # JSON: the Response object's static fields
    sa.Column("result", sa.LargeBinary),  # JSON: the final Response object
)

INPUT, OUTPUT = 0, 1

items = sa.Table(
    "items",
    metadata,
    sa.Column("response_id", sa.Text, sa.ForeignKey("responses.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("direction", sa.SmallInteger, primary_key=True),  # INPUT or OUTPUT
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),  # JSON
)
sa.Index("items_by_id", items.c.item_id)

archives = sa.Table(
    "archives",
    metadata,
    sa.Column("response_id", sa.Text, sa.ForeignKey("responses.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("frames", sa.LargeBinary, nullable=False),  # zlib of the concatenated frames
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("key_hash", sa.Text, nullable=False, unique=True),  # HMAC; the key itself is nowhere
    sa.Column("created_at", Time, nullable=False),
    sa.Column("revoked_at", Time),
)

# one row: proof that the store can be written, and that somebody sweeps
heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", Time, nullable=False),
)

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("metadata", sa.LargeBinary, nullable=False),  # JSON
    sa.Column("last_seq", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", Time, nullable=False),
    sa.Column("deleted_at", Time),
)

conversation_items = sa.Table(
    "conversation_items",
    metadata,
    sa.Column(
        "conversation_id", sa.Text, sa.ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("seq", sa.Integer, primary_key=True),  # from 1, in the order of the conversation
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("paired", sa.Boolean, nullable=False),  # a tool call, or the output of one
    sa.Column("data", sa.LargeBinary, nullable=False),  # JSON
    sa.UniqueConstraint("conversation_id", "item_id", name="conversation_item_once"),
)
sa.Index("conversation_items_by_id", conversation_items.c.item_id)

# what GET /responses filters by; written only where there is metadata
response_metadata = sa.Table(
    "response_metadata",
    metadata,
    sa.Column("response_id", sa.Text, sa.ForeignKey("responses.id", ondelete="CASCADE"), primary_key=True),
    # hash of tenant, key and value: short enough for an index, and text may hold what the database refuses
    sa.Column("pair", sa.Text, primary_key=True),
    sa.Column("created_at", Time, nullable=False),  # the response's
)
sa.Index(
    "response_metadata_by_pair",
    response_metadata.c.pair,
    response_metadata.c.created_at,
    response_metadata.c.response_id,
)

# what upstreams still keep of responses that were deleted here
unwanted_copies = sa.Table(
    "unwanted_copies",
    metadata,
    sa.Column("response_id", sa.Text, primary_key=True),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("upstream_id", sa.Text, nullable=False),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body_hash", sa.Text, nullable=False),
    sa.Column("response_id", sa.Text, nullable=False),
    sa.Column("expires_at", Time, nullable=False),
)
sa.Index("idempotency_keys_expired", idempotency_keys.c.expires_at)
