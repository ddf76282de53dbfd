"""What the store gives and takes: plain frozen values, no SQL."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from shared import lifecycle
from shared.store.tables import payloads, responses

FOREGROUND, BACKGROUND = 0, 10  # priorities; lower first

# kinds of rows: what GET shows, and endpoints of the upstream that are run by the same task
RESPONSE, COMPACTION, INPUT_TOKENS = "response", "compaction", "input_tokens"


class ResponseRow(NamedTuple):
    """One response's protocol state. Times are Unix seconds by the database's clock."""

    id: str
    tenant_id: str
    key_id: str
    request_id: str
    kind: str
    status: str
    attempt: int
    priority: int
    background: bool
    stream: bool
    store: bool
    provider: str
    model: str
    alias: str | None
    tried: str | None
    label: str | None
    previous_response_id: str | None
    conversation_id: str | None
    conversation_seq: int | None
    body_hash: str | None
    created_at: float
    queue_deadline_at: float
    deadline_at: float | None
    not_before: float | None
    lease_owner: str | None
    lease_until: float | None
    upstream_started_at: float | None
    upstream_response_id: str | None
    upstream_cursor: int | None
    kept_upstream_id: str | None
    retry_count: int
    rescue_count: int
    terminal_at: float | None
    terminal_seq: int | None
    error_reason: str | None
    refusal: bytes | None
    deleted_at: float | None

    @property
    def is_terminal(self) -> bool:
        return lifecycle.is_terminal(self.status)

    @property
    def is_readable(self) -> bool:
        """Whether its caller may get it by id (DESIGN 7.9)."""
        return self.kind == RESPONSE and self.deleted_at is None and (self.store or self.background)

    @property
    def target(self) -> str:
        """Who is asked now, as `tried` names it."""
        return f"{self.provider}/{self.model}"

    def shown(self, envelope: dict[str, Any]) -> dict[str, Any]:
        """The Response's fixed fields, with who answers now: its opening events name who was asked first."""
        if self.label is None:
            return envelope
        return {**envelope, "provider": self.label, "model": self.model}


COLUMNS: tuple[sa.Column[Any], ...] = tuple(responses.c[name] for name in ResponseRow._fields)


def row(record: Any) -> ResponseRow:
    return ResponseRow._make(record[: len(COLUMNS)])


def payload_of(column: sa.Column[Any]) -> sa.ScalarSelect[Any]:
    """A column of the row's payload, for a RETURNING: what an UPDATE gives need not be read again."""
    return (
        sa.select(column)
        .where(payloads.c.response_id == responses.c.id)
        .correlate(responses)
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class NewResponse:
    id: str
    tenant_id: str
    key_id: str
    request_id: str
    priority: int
    background: bool
    stream: bool
    store: bool
    provider: str
    model: str
    previous_response_id: str | None
    queue_seconds: float
    request: dict[str, Any]
    envelope: dict[str, Any]
    input_items: list[dict[str, Any]]
    kind: str = RESPONSE
    alias: str | None = None
    conversation_id: str | None = None
    conversation_seq: int | None = None  # the end of the history it was checked against
    body_hash: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A row with its JSON: enough to build the Response object as it is now."""

    row: ResponseRow
    envelope: dict[str, Any]
    result: bytes | None  # the final object's JSON, once terminal


@dataclass(frozen=True, slots=True)
class Claim:
    """A row in my hands: every write I make carries `row.attempt`."""

    row: ResponseRow
    request: dict[str, Any]
    envelope: dict[str, Any]
    at: float  # when it was claimed, by the database's clock
    since: float = field(default_factory=time.monotonic)

    @property
    def waited_seconds(self) -> float:
        """From when it was accepted."""
        return self.at - self.row.created_at

    def now(self) -> float:
        """The database's clock, without asking it."""
        return self.at + time.monotonic() - self.since


@dataclass(frozen=True, slots=True)
class Ending:
    """How a response ends. `response` is the whole object; the store sets its completed_at.

    `at`: when, by the database's clock; 0: as it is written.
    """

    status: str
    response: dict[str, Any]
    output_items: list[dict[str, Any]]
    error_reason: str | None = None
    refusal: dict[str, Any] | None = None
    kept_upstream_id: str | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A response that has just ended: what its terminal event is built from."""

    row: ResponseRow
    envelope: dict[str, Any]
    result: bytes


def load_json(data: bytes) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(data)
    return value
