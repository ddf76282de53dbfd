"""One claimed response, from claim to terminal event: prepare, gate, stream, record, finish.

Every write carries the attempt number; the first refusal ends everything here, and nothing is
forced. What was paid for is recorded even when it takes a while.
"""

from __future__ import annotations

import logging
import random
import time
from contextlib import closing
from typing import Any

from shared.catalog import Catalog, Deadlines
from shared.errors import LeaseLost, LogUnavailable, StoreUnavailable, UpstreamError
from shared.lifecycle import Status
from shared.log import ENDED_SECONDS, EventLog
from shared.sealing import opening_frames
from shared.store import Store
from shared.store.rows import RESPONSE, Claim, Ended, Ending
from shared.wire import events
from workers import retry
from workers.assembler import Assembler
from workers.endpoints import run_endpoint
from workers.flusher import Flusher, Journal
from workers.lease import Beat, Watchdog
from workers.providers import Call, Generation, Provider
from workers.sealed_content import Sealer
from workers.transcript import transcript

_log = logging.getLogger("respool.runner")

FINISH_SECONDS = 900.0  # how long a paid result is offered to a database that does not answer
_FINISH_PAUSE = 0.5
_MAX_PAUSE = 10.0


class Runner:
    def __init__(
        self,
        *,
        store: Store,
        log: EventLog,
        catalog: Catalog,
        providers: dict[str, Provider],
        flusher: Flusher,
        beat: Beat,
        watchdog: Watchdog,
        sealer: Sealer,
        lease_seconds: float,
        wipe_seconds: float,
    ) -> None:
        self._store = store
        self._event_log = log
        self._catalog = catalog
        self._providers = providers
        self._flusher = flusher
        self._beat = beat
        self._watchdog = watchdog
        self._sealer = sealer
        self._lease_seconds = lease_seconds
        self._wipe_seconds = wipe_seconds
        self._rng = random.Random()

    def run(self, claim: Claim) -> None:
        row = claim.row
        call = self._new_call(claim)
        with self._beat.holding(row.id, row.attempt, call.fence):
            try:
                ended = self._generate(claim, call)
            except LeaseLost as error:
                _say(claim, "lease lost", reason=str(error))
                return
            except StoreUnavailable as error:
                # not sent yet, or its result could not be written: the ladder decides when the lease runs out
                _say(claim, "store unavailable", reason=str(error))
                return
        _say(claim, "ended", status=ended.row.status, reason=ended.row.error_reason or "")

    def _generate(self, claim: Claim, call: Call) -> Ended:
        journal = self._flusher.open(
            claim.row.id, claim.row.attempt, opening_frames(claim.row, claim.envelope)
        )
        journal.on_fence = call.fence
        assembler = _assembler(claim, len(journal.opening))
        self._flusher.append(journal, assembler.begin())
        try:
            generation, provider = self._prepare(claim)
            self._pass_gate(claim)
            if claim.row.kind != RESPONSE:
                with self._watchdog.watching(call):
                    result = run_endpoint(provider, generation, call, claim, self._sealer)
                return self._end(claim, Ending(Status.COMPLETED, result, []), journal)
            self._stream(provider, generation, call, assembler, journal)
        except UpstreamError as error:
            assembler.fail(error.reason, error.message, error.code)
            return self._finish(claim, assembler, journal, refusal=error.refusal, reason=error.reason)
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception:
            _log.exception("fault of ours", extra={"response_id": claim.row.id, "attempt": claim.row.attempt})
            assembler.fail("internal_error", "The gateway failed to process the response.")
            return self._finish(claim, assembler, journal, reason="internal_error")
        return self._finish(claim, assembler, journal)

    def _prepare(self, claim: Claim) -> tuple[Generation, Provider]:
        provider = self._providers.get(claim.row.provider)
        if provider is None:
            raise UpstreamError("provider_gone", "The provider of this response is no longer configured.")
        items = transcript(self._store.items, claim, self._sealer)
        row = claim.row
        return Generation(row.id, row.attempt, row.model, claim.request, items), provider

    def _pass_gate(self, claim: Claim) -> None:
        """Committed before the first byte goes upstream: from here on nothing runs twice."""
        if not self._store.leases.gate(claim.row.id, claim.row.attempt):
            raise LeaseLost("the money gate was closed")

    def _stream(
        self, provider: Provider, generation: Generation, call: Call, assembler: Assembler, journal: Journal
    ) -> None:
        tries = 0
        with self._watchdog.watching(call):
            while True:
                try:
                    self._stream_once(provider, generation, call, assembler, journal)
                    return
                except UpstreamError as error:
                    tries += 1
                    decision = retry.decide(error, tries, rng=self._rng)
                    if not decision.again:
                        raise
                    time.sleep(decision.after_seconds)
                    call.check()

    def _stream_once(
        self, provider: Provider, generation: Generation, call: Call, assembler: Assembler, journal: Journal
    ) -> None:
        with closing(provider.stream(generation, call)) as upstream_events:
            for event in upstream_events:
                self._flusher.append(journal, assembler.feed(event))
                if assembler.outcome is not None:
                    return
        raise UpstreamError("upstream_incomplete", "The upstream's stream ended without its final event.")

    def _finish(
        self,
        claim: Claim,
        assembler: Assembler,
        journal: Journal,
        *,
        refusal: dict[str, Any] | None = None,
        reason: str | None = None,
    ) -> Ended:
        outcome = assembler.outcome
        assert outcome is not None
        ending = Ending(
            status=outcome.status,
            response=outcome.response,
            output_items=outcome.items,
            error_reason=reason or outcome.error_code,
            refusal=refusal,
        )
        return self._end(claim, ending, journal)

    def _end(self, claim: Claim, ending: Ending, journal: Journal) -> Ended:
        self._flusher.drain(journal)
        ended = self._record(claim, ending, journal.frames)
        self._say_terminal(ended, len(journal.frames))
        return ended

    def _record(self, claim: Claim, ending: Ending, journal: list[bytes]) -> Ended:
        """SQL first. A database that does not answer is asked again: the result is paid for."""
        until = time.monotonic() + FINISH_SECONDS
        pause = _FINISH_PAUSE
        while True:
            try:
                ended = self._store.endings.finish(claim.row.id, claim.row.attempt, ending, journal)
            except StoreUnavailable:
                if time.monotonic() >= until:
                    raise
                _say(claim, "result waits for the database")
                time.sleep(pause)
                pause = min(pause * 2, _MAX_PAUSE)
                continue
            if ended is None:
                ended = self._mine_already(claim)
            if ended is None:
                raise LeaseLost("finished by another hand")
            return ended

    def _mine_already(self, claim: Claim) -> Ended | None:
        """A COMMIT whose answer was lost may have ended the row as I wanted it."""
        stored = self._store.responses.get(claim.row.id)
        if stored is None or stored.result is None or stored.row.attempt != claim.row.attempt:
            return None
        return Ended(stored.row, stored.envelope, stored.result) if stored.row.is_terminal else None

    def _say_terminal(self, ended: Ended, seq: int) -> None:
        """Then the log. Whoever finds the terminal event missing appends the same bytes."""
        frame = events.terminal(ended.row.status, seq, ended.result)
        seconds = ENDED_SECONDS if ended.row.store else self._wipe_seconds
        try:
            self._event_log.append(ended.row.id, ended.row.attempt, seq, [frame], seconds=seconds)
        except LogUnavailable:
            _log.warning("terminal event waits for the sweep", extra={"response_id": ended.row.id})

    def _new_call(self, claim: Claim) -> Call:
        provider = self._catalog.providers.get(claim.row.provider)
        row = claim.row
        assert row.deadline_at is not None and row.lease_until is not None  # set by the claim
        claimed_at = row.lease_until - self._lease_seconds
        deadlines = provider.deadlines if provider is not None else Deadlines()
        return Call(deadlines, total_seconds=max(row.deadline_at - claimed_at, 1.0))


def _assembler(claim: Claim, next_sequence: int) -> Assembler:
    return Assembler(
        response_id=claim.row.id,
        created_at=claim.row.created_at,
        envelope=claim.envelope,
        next_sequence=next_sequence,
        include=frozenset(claim.request.get("include") or ()),
    )


def _say(claim: Claim, message: str, **fields: object) -> None:
    row = claim.row
    known = {"response_id": row.id, "attempt": row.attempt, "request_id": row.request_id}
    _log.info(message, extra={**known, **fields})
