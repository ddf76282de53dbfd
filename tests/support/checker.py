"""The invariants of RELIABILITY 5, evaluated from outside: SQL, the billing ledger, what clients saw.

Returns findings as sentences instead of failing at the first: after a fault the pattern of what
broke says more than its first instance.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tests.support.clients import TERMINAL, Caller, Follower, Transcript
from tests.support.stack import Stack
from tests.support.waiting import wait_until

_ROWS = (
    "SELECT r.id, r.status, r.attempt, r.store, r.lease_owner, r.upstream_started_at, r.terminal_seq,"
    " r.error_reason, r.upstream_response_id, p.result"
    " FROM responses r JOIN payloads p ON p.response_id = r.id"
)


_UNSETTLED = "SELECT id FROM responses WHERE terminal_at IS NULL OR terminal_seq IS NULL"
_REQUESTS = "SELECT response_id, request FROM payloads"


@dataclass(frozen=True)
class Row:
    id: str
    status: str
    attempt: int
    store: bool
    lease_owner: str | None
    upstream_started_at: float | None
    terminal_seq: int | None
    error_reason: str | None
    upstream_response_id: str | None
    result: bytes | None

    @property
    def object(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.result or b"{}")
        return value

    @property
    def is_terminal(self) -> bool:
        return self.status not in ("queued", "in_progress")


class Checker:
    """Looks only at responses that were not there when it was made."""

    def __init__(self, stack: Stack, database_url: str = "") -> None:
        """`database_url`: past a line that is to be broken."""
        self._stack = stack
        self._engine = sa.create_engine(database_url or stack.dev["database_url"], poolclass=sa.NullPool)
        self._before = {r.id for r in self._all()}

    def rows(self) -> dict[str, Row]:
        return {r.id: r for r in self._all() if r.id not in self._before}

    def row(self, response_id: str) -> Row:
        return next(r for r in self._all() if r.id == response_id)

    def wait_for_all(self, *, seconds: float = 60.0) -> None:
        """Until every accepted response has ended and its log is archived."""

        wait_until(lambda: not self.unsettled(), "every accepted response ends", seconds=seconds)

    def unsettled(self) -> set[str]:
        with self._engine.connect() as connection:
            return set(connection.execute(sa.text(_UNSETTLED)).scalars()) - self._before

    def asked(self) -> dict[str, Any]:
        """The input of each response, to know which of them are one client's same wish."""
        with self._engine.connect() as connection:
            found = connection.execute(sa.text(_REQUESTS)).all()
        return {i: json.loads(request)["input"] for i, request in found if i not in self._before}

    def findings(self, transcripts: Iterable[Transcript] = (), callers: Iterable[Caller] = ()) -> list[str]:
        """Empty when all is well. Each stored response is also replayed once, as one more witness."""
        rows, seen = self.rows(), list(transcripts)
        found = [*_of_ledger(rows, self._stack.upstream.ledger()["calls"])]
        witnesses: dict[str, list[Transcript]] = {}
        for transcript in seen:
            found += _of_transcript(transcript, rows)
            witnesses.setdefault(transcript.response_id, []).append(transcript)
        for row in rows.values():
            found += _of_row(row)
            if row.store and row.is_terminal:
                replay = self._replay(row.id)
                found += _of_transcript(replay, rows)
                for transcript in witnesses.get(row.id, ()):
                    found += _of_two(transcript, replay)
        for caller in callers:
            found += _of_caller(caller, rows)
        return found

    def _replay(self, response_id: str) -> Transcript:
        follower = Follower(self._stack, response_id=response_id)
        follower.run()
        return follower.transcript

    def _all(self) -> list[Row]:
        with self._engine.connect() as connection:
            return [Row(*r) for r in connection.execute(sa.text(_ROWS))]


def _of_ledger(rows: dict[str, Row], calls: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """I3 and I4: money."""
    for response_id, row in rows.items():
        count = len(calls.get(response_id, []))
        if count > 1:
            yield f"I3 {response_id}: {count} upstream calls"
        if count and row.upstream_started_at is None:
            yield f"I4 {response_id}: called upstream without the gate"
        if row.status == "completed" and count != 1:
            yield f"I3 {response_id}: completed with {count} upstream calls"


def paid_again(asked: dict[str, Any], calls: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """I3 and I17 for clients that repeat: of all responses to one wish only one may have been paid for."""
    paid: dict[str, list[str]] = {}
    for response_id, wish in asked.items():
        if calls.get(response_id):
            paid.setdefault(json.dumps(wish), []).append(response_id)
    for wish, ids in paid.items():
        if len(ids) > 1:
            yield f"I3 {wish[:60]}: paid for as {', '.join(sorted(ids))}"


def _of_row(row: Row) -> Iterator[str]:
    if not row.is_terminal:
        yield f"I1 {row.id}: still {row.status} (attempt {row.attempt})"
        return
    if row.object.get("status") != row.status:
        yield f"I9 {row.id}: the row says {row.status}, its object {row.object.get('status')}"
    if row.status == "completed" and not row.object.get("usage"):
        yield f"I13 {row.id}: completed without usage"


def _of_transcript(seen: Transcript, rows: dict[str, Row]) -> Iterator[str]:
    name, row = seen.response_id, rows.get(seen.response_id)
    if not name:
        return
    if seen.complaint:
        yield f"{name}: {seen.complaint}"
    wanted = list(range(seen.after + 1, seen.after + 1 + len(seen.frames)))
    if seen.numbers != wanted:
        what = "a gap" if set(wanted) - set(seen.numbers) else "a repeat"
        yield f"I7 {name}: {what} in the sequence numbers {_around(seen.numbers, wanted)}"
    types = [e["type"] for e in seen.events]
    if types and seen.after < 0 and types[0] != "response.created":
        yield f"I12 {name}: begins with {types[0]}"
    ends = [t for t in types if t in TERMINAL]
    if len(ends) > 1 or (ends and types[-1] not in TERMINAL):
        yield f"I9 {name}: terminal events {ends}, last is {types[-1]}"
    if row is None:
        yield f"I1 {name}: lost: a client knows it, SQL does not"
    elif seen.ended:
        yield from _of_end(seen, row)


def _of_end(seen: Transcript, row: Row) -> Iterator[str]:
    final = seen.events[-1]["response"]
    if final != row.object:
        yield f"I9 {row.id}: the terminal event ({final.get('status')}) is not the row's ({row.status})"
    if row.status == "completed" and seen.after < 0:
        deltas = "".join(e["delta"] for e in seen.events if e["type"] == "response.output_text.delta")
        if deltas != _text(row.object):
            yield f"I11 {row.id}: the deltas are not the text"


def _of_two(one: Transcript, other: Transcript) -> Iterator[str]:
    shared = other.frames[one.after + 1 :]
    for mine, theirs in zip(one.frames, shared, strict=False):
        if mine != theirs:
            yield f"I8 {one.response_id}: {mine[:120]!r} against {theirs[:120]!r}"
            return


def _of_caller(caller: Caller, rows: dict[str, Row]) -> Iterator[str]:
    if caller.answer is None or "id" not in caller.answer:
        return
    row = rows.get(caller.answer["id"])
    if row is None:
        yield f"I1 {caller.answer['id']}: lost: answered, but not in SQL"
    elif caller.answer["status"] not in ("queued", "in_progress") and caller.answer != row.object:
        yield f"I10 {row.id}: answered {caller.answer['status']}, the row says {row.status}"


def _text(response: dict[str, Any]) -> str:
    parts = [p for i in response["output"] if i["type"] == "message" for p in i["content"]]
    return "".join(p.get("text", "") for p in parts)


def _around(numbers: Sequence[int], wanted: Sequence[int]) -> str:
    at = next((i for i, (a, b) in enumerate(zip(numbers, wanted, strict=False)) if a != b), len(numbers))
    return f"… {numbers[max(0, at - 2) : at + 3]} … where {list(wanted[max(0, at - 2) : at + 3])} was due"
