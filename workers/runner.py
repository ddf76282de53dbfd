"""One claimed response, from claim to end: acquire, prepare, gate, stream, record.

Every write carries the attempt number; the first refusal ends everything here, and nothing is forced.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from shared.catalog import Catalog, Deadlines
from shared.errors import LeaseLost, LogUnavailable, StoreUnavailable, UpstreamError
from shared.lifecycle import Status
from shared.log import EventLog
from shared.sealing import opening_frames
from shared.store import Store
from shared.store.rows import RESPONSE, Claim, Ended, Ending, ResponseRow
from shared.transitions import Transitions
from workers.assembler import Assembler
from workers.breaker import Breakers
from workers.context import FIELD, added, manage
from workers.counting import estimated
from workers.endpoints import run_endpoint
from workers.fallback import Seated, Targets
from workers.flusher import Flusher, Journal
from workers.gate import pass_gate
from workers.lease import Hold
from workers.preparation import KEPT, prepare
from workers.providers import Call, Generation, Provider
from workers.recorder import Recorder
from workers.sealed_content import Sealer
from workers.source import Place, Source
from workers.tally import FirstDelta, counting_call

_log = logging.getLogger("respool.runner")

# faults of the upstream itself, not of a request, a key or a rate limit
UNHEALTHY = frozenset(
    {
        "upstream_unreachable",
        "upstream_timeout",
        "upstream_disconnected",
        "upstream_overloaded",
        "upstream_error",
        "upstream_invalid_response",
        "upstream_incomplete",
    }
)


class Runner:
    def __init__(
        self,
        *,
        store: Store,
        log: EventLog,
        catalog: Catalog,
        providers: Mapping[str, Provider],
        breakers: Breakers,
        targets: Targets,
        hold: Hold,
        flusher: Flusher,
        recorder: Recorder,
        sealer: Sealer,
        transitions: Transitions,
        lease_seconds: float,
    ) -> None:
        self._store = store
        self._event_log = log
        self._catalog = catalog
        self._providers = providers
        self._breakers = breakers
        self._targets = targets
        self._hold = hold
        self._flusher = flusher
        self._recorder = recorder
        self._sealer = sealer
        self._transitions = transitions
        self._lease_seconds = lease_seconds

    def run(self, claim: Claim) -> None:
        try:
            with self._targets.seated(claim, self._estimate) as seated:
                if seated is not None:
                    self._run(seated)
        except LeaseLost as error:
            self._transitions.fenced(claim.row, reason=str(error))
        except StoreUnavailable as error:
            # not sent yet, or its result could not be written: the ladder decides when the lease runs out
            self._transitions.say("left to the sweep", claim.row, reason=str(error))

    def _run(self, seated: Seated) -> None:
        claim, row = seated.claim, seated.claim.row
        call = self._new_call(claim)
        place = Place(row.upstream_response_id)
        with self._hold.holding(row.id, row.attempt, call, place):
            try:
                ended = self._generate(claim, call, place)
            except LeaseLost:
                self._abandon(claim, place)
                raise
        seated.ended(ended)
        copy = place.upstream_id or place.kept_id
        if ended is not None and copy is not None and ended.row.kept_upstream_id is None:
            # we chose to keep a copy there: nothing stays upstream that no later turn needs
            self._discard(row, copy)

    def _generate(self, claim: Claim, call: Call, place: Place) -> Ended | None:
        """None: put back, to be tried again."""
        journal, assembler = self._acquire(claim, place)
        journal.on_fence = call.fence
        spent = None
        try:
            generation, provider = self._prepare(claim)
            if place.upstream_id is None:
                self._pass_gate(claim)
            with self._judged(claim):
                if claim.row.kind != RESPONSE:
                    result = run_endpoint(provider, generation, call, claim, self._sealer)
                    return self._recorder.end(claim, Ending(Status.COMPLETED, result, []), journal)
                if FIELD in generation.body and self._manages_context(claim):
                    managed = manage(provider, generation, call, claim, self._sealer)
                    generation, spent = managed.generation, managed.usage
                    for event in managed.events:
                        self._flusher.append(journal, assembler.feed(event))
                learnt = partial(self._store.leases.remember, claim.row.id, claim.row.attempt)
                source = Source(provider, generation, call, place, learnt)
                self._stream(source, assembler, journal, self._first_delta(claim, assembler))
        except UpstreamError as error:
            # a generation that exists upstream is gone on with, or given up: never made a second time
            if place.upstream_id is None and not assembler.progressed and self._targets.again(claim, error):
                return None
            assembler.fail(error.reason, error.message, error.code)
            refusal = error.refusal if place.upstream_id is None else None  # nothing was refused: it exists
            return self._finish(claim, assembler, journal, refusal=refusal, reason=error.reason)
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception:
            _log.exception("fault of ours", extra={"response_id": claim.row.id, "attempt": claim.row.attempt})
            assembler.fail("internal_error", "The gateway failed to process the response.")
            return self._finish(claim, assembler, journal, reason="internal_error")
        return self._finish(claim, assembler, journal, spent=spent, kept=place.kept_id)

    def _manages_context(self, claim: Claim) -> bool:
        account = self._catalog.providers.get(claim.row.provider)
        return account is not None and account.manages_context

    @contextmanager
    def _judged(self, claim: Claim) -> Iterator[None]:
        """What happens inside counts for or against the provider's health."""
        health = self._breakers.of(claim.row.provider)
        health.started()
        failed = False
        try:
            with counting_call(self._transitions.counters, claim.row.provider):
                yield
        except UpstreamError as error:
            failed = error.reason in UNHEALTHY
            raise
        finally:
            health.ended(failed=failed)

    def _acquire(self, claim: Claim, place: Place) -> tuple[Journal, Assembler]:
        """The log under my attempt; of a generation to go on with, what earlier attempts wrote."""
        row = claim.row
        opening = opening_frames(row, claim.envelope)
        assembler = self._assembler(claim, len(opening))
        # in one call: a log that Redis loses before the first delta begins with the same bytes again
        opening += assembler.begin()
        assembler.answered_by(row.shown({}))
        resumes = place.upstream_id is not None
        # no generation was before, and only its end is waited for
        late = row.attempt == 1 and not (row.stream or row.background)
        journal = self._flusher.open(
            row.id, row.attempt, opening, resumes=resumes, eager=row.stream, late=late
        )
        if place.upstream_id is None:
            return journal, assembler
        return journal, self._restored(claim, journal, place) or assembler

    def _restored(self, claim: Claim, journal: Journal, place: Place) -> Assembler | None:
        """None: the log is not to be had, and upstream's beginning gives the same bytes again."""
        try:
            log = self._event_log.read_all(journal.response_id)
        except LogUnavailable:
            return None
        if log.state is None or log.state.cursor is None:
            return None
        assembler = self._assembler(claim, 0)
        assembler.restore(log.frames)
        assembler.answered_by(claim.row.shown({}))
        journal.adopt(log.frames, log.state.cursor)
        place.cursor = log.state.cursor
        return assembler

    def _assembler(self, claim: Claim, next_sequence: int) -> Assembler:
        row, account = claim.row, self._catalog.providers.get(claim.row.provider)
        return Assembler(
            response_id=row.id,
            created_at=row.created_at,
            envelope=claim.envelope,
            next_sequence=next_sequence,
            include=frozenset(claim.request.get("include") or ()),
            maker=row.provider if account is None else account.maker,
        )

    def _abandon(self, claim: Claim, place: Place) -> None:
        """A cancelled generation that goes on upstream by itself is stopped there too."""
        if place.upstream_id is None:
            if place.kept_id is not None:  # nobody else can go on with it
                self._discard(claim.row, place.kept_id)
            return
        row = self._store.responses.states([claim.row.id]).get(claim.row.id)
        if row is not None and row.status == Status.CANCELLED:
            self._discard(row, place.upstream_id)

    def _discard(self, row: ResponseRow, upstream_id: str) -> None:
        provider = self._providers.get(row.provider)
        if provider is not None:  # else its configuration is gone, and the key with it
            provider.discard(upstream_id)

    def _prepare(self, claim: Claim) -> tuple[Generation, Provider]:
        provider = self._providers.get(claim.row.provider)
        account = self._catalog.providers.get(claim.row.provider)
        if provider is None or account is None:
            raise UpstreamError("provider_gone", "The provider of this response is no longer configured.")
        return prepare(self._store, account, claim, self._sealer), provider

    def _estimate(self, claim: Claim) -> int:
        """Tokens of what will be sent."""
        try:
            return estimated(self._prepare(claim)[0])
        except UpstreamError:
            return 0  # said again where it can be answered

    def _pass_gate(self, claim: Claim) -> None:
        """Committed before the first byte goes upstream: from here on nothing runs twice."""
        pass_gate(self._store, claim.row, patience_seconds=self._lease_seconds)
        self._transitions.say("gated", claim.row)

    def _first_delta(self, claim: Claim, assembler: Assembler) -> FirstDelta:
        return FirstDelta(
            self._transitions.counters, waited_seconds=claim.waited_seconds, seen=assembler.progressed
        )

    def _stream(
        self, source: Source, assembler: Assembler, journal: Journal, first_delta: FirstDelta
    ) -> None:
        with closing(source.events()) as upstream_events:
            for event, cursor in upstream_events:
                frames = assembler.feed(event)
                self._flusher.append(journal, frames, cursor)
                first_delta.look(frames)
                if assembler.outcome is not None:
                    return

    def _finish(
        self,
        claim: Claim,
        assembler: Assembler,
        journal: Journal,
        *,
        refusal: dict[str, Any] | None = None,
        reason: str | None = None,
        spent: dict[str, Any] | None = None,
        kept: str | None = None,
    ) -> Ended:
        """`spent`: the usage of a call that prepared this generation. `kept`: its upstream's copy."""
        outcome = assembler.outcome
        assert outcome is not None
        response = outcome.response
        ending = Ending(
            status=outcome.status,
            response={**response, "usage": added(response["usage"], spent)},
            output_items=outcome.items,
            error_reason=reason or outcome.error_code,
            refusal=refusal,
            kept_upstream_id=kept if outcome.status in KEPT else None,
        )
        return self._recorder.end(claim, ending, journal)

    def _new_call(self, claim: Claim) -> Call:
        provider = self._catalog.providers.get(claim.row.provider)
        row = claim.row
        assert row.deadline_at is not None  # set by the claim
        deadlines = provider.deadlines if provider is not None else Deadlines()
        return Call(deadlines, total_seconds=max(row.deadline_at - claim.at, 1.0))
