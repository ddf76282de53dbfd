"""The worker's hold on a response: claim, money gate, beat, release.

Each is one conditional UPDATE. Zero rows means that another hand was faster: re-read, never force.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from shared.lifecycle import Status
from shared.store.engine import Database, db_now
from shared.store.fairness import (
    HELD_ALIASES,
    HELD_BACK,
    Class,
    claimable,
    classes,
    next_row,
    next_row_of_others,
    waits,
)
from shared.store.rows import COLUMNS, Claim, ResponseRow, load_json, payload_of, row
from shared.store.tables import payloads, responses

AGED_PAUSE_SECONDS = 1.0  # where no background work had waited long, none is looked for again at once

# what only waited for a limit or a breaker has used nothing of its time yet
_WAS_NEVER_SENT = sa.and_(
    responses.c.retry_count == 0, responses.c.rescue_count == 0, responses.c.tried.is_(None)
)


class Leases:
    def __init__(
        self, database: Database, *, lease_seconds: float, deadline_seconds: float, tenant_cap: int = 0
    ) -> None:
        """`tenant_cap`: how many rows of one tenant may be in progress; 0: any number."""
        self._db = database
        self._lease = lease_seconds
        self._deadline = deadline_seconds
        self._rng = random.Random()
        self._none_aged_until = -math.inf
        kinds = ((False, False), (True, False), (True, True))  # in the background, aged
        every = [Class(*kind, holding=holding) for kind in kinds for holding in (False, True)]
        # SQLite lets one claim in at a time: none comes away empty because of another
        choices = (next_row,) if database.is_sqlite else (next_row, next_row_of_others, next_row)
        self._claims = {
            wanted: [self._claim(choice(wanted, tenant_cap=tenant_cap)) for choice in choices]
            for wanted in every
        }
        self._waiting = {wanted: waits(wanted) for wanted in every}

    def claimable(self, *, background: bool, limit: int) -> int:
        """How many rows wait for a worker, counted up to `limit`."""
        wanted = [Class(False)] + ([Class(True)] if background else [])
        condition = sa.or_(*(claimable(responses, c) for c in wanted))
        some = sa.select(sa.literal(1)).where(condition).limit(limit).subquery()
        return int(
            self._db.read(lambda c: c.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
        )

    def claim_next(
        self,
        owner: str,
        *,
        background: bool,
        held_back: Collection[str] = (),
        held_aliases: Collection[str] = (),
    ) -> Claim | None:
        """Take the next row by policy (shared/store/fairness); None when nothing waits.

        `background` false: my share of slots for background work is used up. `held_back`: providers
        that are left alone now; `held_aliases`: those whose every target is.
        """
        holding = bool(held_back or held_aliases)
        values: dict[str, Any] = {"owner": owner}
        if holding:
            values |= {HELD_BACK: list(held_back), HELD_ALIASES: list(held_aliases)}
        now = time.monotonic()
        aged = now >= self._none_aged_until
        for wanted in classes(background=background, aged=aged, rng=self._rng, holding=holding):
            found = self._claim_one(wanted, values)
            if found is not None:
                return found
            if wanted.aged:
                self._none_aged_until = now + AGED_PAUSE_SECONDS
        return None

    def _claim_one(self, wanted: Class, values: Mapping[str, Any]) -> Claim | None:
        for turn, claim in enumerate(self._claims[wanted]):
            if turn == 1 and not self._db.read(lambda c: c.scalar(self._waiting[wanted], values)):
                return None
            # lists are written out anew for each claim
            run = self._written if wanted.holding else self._db.once
            found = run(claim, values)
            if found is not None:
                return self._claimed(found)
        return None

    def _written(self, statement: sa.Executable, values: Mapping[str, Any]) -> Any | None:
        return self._db.write_once(lambda c: c.execute(statement, values).one_or_none())

    def _claim(self, choice: sa.ScalarSelect[str]) -> sa.sql.dml.ReturningUpdate[Any]:
        return (
            sa.update(responses)
            .where(responses.c.id == choice, responses.c.status == Status.QUEUED)
            .values(
                status=Status.IN_PROGRESS,
                attempt=responses.c.attempt + 1,
                lease_owner=sa.bindparam("owner"),
                lease_until=db_now() + self._lease,
                deadline_at=sa.case(
                    (_WAS_NEVER_SENT, db_now() + self._deadline),
                    else_=sa.func.coalesce(responses.c.deadline_at, db_now() + self._deadline),
                ),
                not_before=None,
            )
            .returning(*COLUMNS, payload_of(payloads.c.request), payload_of(payloads.c.envelope))
        )

    def gate(self, response_id: str, attempt: int) -> bool:
        """The money gate: committed before the first byte goes upstream. False: do not send."""
        return self._db.once(_GATE, {"its_id": response_id, "its_attempt": attempt}) is not None

    def release(self, response_id: str, attempt: int, *, after_seconds: float = 0.0) -> bool:
        """Give back a row that was never sent upstream; for so long nobody takes it."""
        return self._update(
            _mine(response_id, attempt)
            .where(responses.c.upstream_started_at.is_(None))
            .values(not_before=db_now() + after_seconds if after_seconds > 0 else None, **_queued())
        )

    def redirect(self, response_id: str, attempt: int, *, provider: str, model: str, label: str) -> bool:
        """Before anything was sent: to another target of its alias, in the same hands."""
        return self._update(
            _mine(response_id, attempt)
            .where(responses.c.upstream_started_at.is_(None))
            .values(provider=provider, model=model, label=label)
        )

    def retarget(
        self, response_id: str, attempt: int, *, provider: str, model: str, label: str, tried: str
    ) -> bool:
        """To the queue for another target of its alias; only with proof that this one was not billed."""
        return self._update(
            _mine(response_id, attempt)
            .where(responses.c.upstream_response_id.is_(None))
            .values(
                provider=provider,
                model=model,
                label=label,
                tried=tried,
                upstream_started_at=None,
                not_before=None,
                **_queued(),
            )
        )

    def put_back(self, response_id: str, attempt: int, *, after_seconds: float) -> bool:
        """To the queue for a second try; only with proof that the first one was not billed."""
        return self._update(
            _mine(response_id, attempt).values(
                retry_count=responses.c.retry_count + 1,
                upstream_started_at=None,
                not_before=db_now() + after_seconds,
                **_queued(),
            )
        )

    def let_go(self, response_id: str, attempt: int) -> bool:
        """End my own lease now: whoever sweeps next may go on with the generation.

        What is handed over was not lost: the rescue that follows is not counted.
        """
        return self._update(
            _mine(response_id, attempt)
            .where(responses.c.lease_until > db_now())
            .values(lease_until=db_now(), rescue_count=responses.c.rescue_count - 1)
        )

    def beat(self, owner: str, held: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
        """Renew what a worker process runs; what of it is still its own, as (id, attempt).

        By id, not by owner alone: a row that it gave up, or claimed without hearing so, must run out.
        """
        ids = sorted({response_id for response_id, _ in held})
        renewed = (
            sa.update(responses)
            .where(responses.c.lease_owner == owner, responses.c.status == Status.IN_PROGRESS)
            .where(responses.c.id.in_(ids))
            .values(lease_until=db_now() + self._lease)
            .returning(responses.c.id, responses.c.attempt)
        )
        return {(r.id, r.attempt) for r in self._db.write_once(lambda c: c.execute(renewed).all())}

    def remember(self, response_id: str, attempt: int, upstream_id: str) -> bool:
        """The upstream's id of a generation that another worker could go on with."""
        return self._update(_mine(response_id, attempt).values(upstream_response_id=upstream_id))

    def mirror(self, places: Sequence[tuple[tuple[str, int], str, int]]) -> None:
        """((response id, attempt), upstream id, upstream cursor) of resumable generations.

        The id is known already, unless the database was away when it was learnt.
        """

        def work(connection: sa.Connection) -> None:
            for (response_id, attempt), upstream_id, cursor in places:
                known = {"upstream_response_id": upstream_id, "upstream_cursor": cursor}
                connection.execute(_mine(response_id, attempt).values(known))

        if places:
            self._db.write(work)

    def claim_lost(self, lost: ResponseRow, owner: str) -> Claim | None:
        """Take over a row whose lease ran out, to go on with its generation upstream."""
        statement = (
            _mine(lost.id, lost.attempt)
            .where(responses.c.lease_until < db_now(), responses.c.upstream_response_id.is_not(None))
            .values(
                attempt=responses.c.attempt + 1,
                rescue_count=responses.c.rescue_count + 1,
                lease_owner=sa.bindparam("owner"),
                lease_until=db_now() + self._lease,
            )
            .returning(*COLUMNS, payload_of(payloads.c.request), payload_of(payloads.c.envelope))
        )
        found = self._written(statement, {"owner": owner})
        return None if found is None else self._claimed(found)

    def renew(self, response_id: str, attempt: int) -> bool:
        """Renew one lease, to be sure that it is mine still."""
        return self._update(_mine(response_id, attempt).values(lease_until=db_now() + self._lease))

    def _claimed(self, record: Any) -> Claim:
        taken = row(record)
        request, envelope = record[len(COLUMNS) :]
        assert taken.lease_until is not None
        return Claim(taken, load_json(request), load_json(envelope), taken.lease_until - self._lease)

    def _update(self, statement: sa.Update) -> bool:
        return self._db.write_once(lambda c: c.execute(statement).rowcount) == 1


def _queued() -> dict[str, Any]:
    """The attempt grows, so that whoever gives a row back has no hand on it any more."""
    return {
        "status": Status.QUEUED,
        "attempt": responses.c.attempt + 1,
        "lease_owner": None,
        "lease_until": None,
    }


def _mine(response_id: str, attempt: int) -> sa.Update:
    return sa.update(responses).where(
        responses.c.id == response_id,
        responses.c.status == Status.IN_PROGRESS,
        responses.c.attempt == attempt,
    )


# on every response's way: built once
_GATE = (
    sa.update(responses)
    .where(
        responses.c.id == sa.bindparam("its_id"),
        responses.c.status == Status.IN_PROGRESS,
        responses.c.attempt == sa.bindparam("its_attempt"),
        responses.c.upstream_started_at.is_(None),
        responses.c.lease_until > db_now(),
    )
    .values(upstream_started_at=db_now())
    .returning(responses.c.id)
)
