"""Random histories over the real store, the real log and the real sweep: workers that claim, stream,
die and come back too late; callers that cancel and delete; leases that run out; a Redis that forgets.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from shared.catalog import Catalog
from shared.errors import InvalidRequest, LeaseLost
from shared.lifecycle import Status
from shared.log import ENDED_SECONDS
from shared.metrics import Counters
from shared.queue import Queue, make_celery
from shared.sealing import opening_frames, seal_log
from shared.settings import Settings
from shared.store.rows import Claim, Ended
from shared.transitions import Transitions
from shared.wire import events
from tests.protocol.watching import Watched, Watcher
from tests.support.backends import Backends
from tests.support.rows import OWNER, TENANT, ending, new_response
from workers.flusher import Flusher, Journal
from workers.rescue import Rescuer
from workers.slots import Slots
from workers.spool import Spool
from workers.sweep import Sweeper

SETTINGS = Settings(broker_url="memory://localhost", lease_seconds=0.0, wipe_seconds=3600.0)


@dataclass
class Hand:
    """A claimed response in a worker; it goes on however late it is."""

    claim: Claim
    journal: Journal
    gated: bool = False


class Protocol(RuleBasedStateMachine):
    def __init__(self, backends: Backends) -> None:
        super().__init__()
        self.backends = backends
        self.store, self.log, self.far = backends.store, backends.log, backends.hands
        self.watcher = Watcher(backends)
        self.flusher = Flusher(self.log, self.store.leases.renew)
        self.queue = Queue(make_celery(SETTINGS, publisher=True))
        transitions = Transitions(Counters())
        rescuer = Rescuer(
            store=self.store,
            log=self.log,
            queue=self.queue,
            catalog=Catalog({}, None),
            resume=lambda row: None,
            transitions=transitions,
            settings=SETTINGS,
        )
        self.sweeper = Sweeper(
            store=self.store,
            log=self.log,
            queue=self.queue,
            slots=Slots(4, 0.75),
            rescuer=rescuer,
            spool=Spool(Path("no-spool-here")),
            transitions=transitions,
            settings=SETTINGS,
        )

    ids: Bundle[str] = Bundle("ids")
    hands: Bundle[Hand] = Bundle("hands")

    @initialize()
    def empty(self) -> None:
        self.backends.empty()

    @rule(target=ids, background=st.booleans(), stored=st.booleans(), announced=st.booleans())
    def create(self, background: bool, stored: bool, announced: bool) -> str:
        new = new_response(background=background, store=stored)
        row = self.store.responses.insert(new)
        self.watcher.responses[row.id] = Watched(row.id)
        if announced:
            self.log.acquire(row.id, row.attempt, opening_frames(row, new.envelope))
        return row.id

    @rule(target=ids, parent=ids)
    def follow_up(self, parent: str) -> str | MultipleResults[str]:
        known = self.watcher.responses[parent]
        try:
            row = self.store.responses.insert(new_response(previous_response_id=parent))
        except InvalidRequest:
            return multiple()
        assert known.end is not None and not known.deleted
        self.watcher.responses[row.id] = Watched(row.id)
        return row.id

    @rule(target=hands)
    def claim(self) -> Hand | MultipleResults[Hand]:
        claim = self.store.leases.claim_next(OWNER, background=True)
        if claim is None:
            return multiple()
        row, known = claim.row, self.watcher.responses[claim.row.id]
        assert known.status == Status.QUEUED and row.attempt not in known.claims
        known.claims.add(row.attempt)
        journal = self.flusher.open(row.id, row.attempt, opening_frames(row, claim.envelope))
        hand = Hand(claim, journal)
        self._say(hand, {"type": "response.in_progress", "response": claim.envelope})
        return hand

    @rule(hand=hands)
    def gate(self, hand: Hand) -> None:
        owned = self._owns(hand)
        if self.store.leases.gate(hand.claim.row.id, hand.claim.row.attempt):
            assert owned
            hand.gated = True
            self.watcher.responses[hand.claim.row.id].gates += 1

    @rule(hand=hands, count=st.integers(1, 3), sent=st.booleans())
    def stream(self, hand: Hand, count: int, sent: bool) -> None:
        if not hand.gated:
            return
        for _ in range(count):
            delta = f"{hand.claim.row.attempt}.{len(hand.journal.frames)}"
            self._say(hand, {"type": "response.output_text.delta", "delta": delta})
        if sent:
            self._drain(hand)

    @rule(
        hand=consumes(hands),
        status=st.sampled_from(["completed", "incomplete", "failed"]),
        said=st.booleans(),
    )
    def finish(self, hand: Hand, status: str, said: bool) -> None:
        """`said` false: the worker dies between SQL and the log."""
        row, owned = hand.claim.row, self._owns(hand)
        if not hand.gated or not self._drain(hand):
            return
        frames = hand.journal.frames
        ended = self.store.endings.finish(row.id, row.attempt, ending(hand.claim, "x", status=status), frames)
        assert (ended is not None) is owned
        if ended is not None and said:
            frame = events.terminal(status, len(frames), ended.result)
            self.log.append(row.id, row.attempt, len(frames), [frame], seconds=ENDED_SECONDS)

    @rule(hand=consumes(hands))
    def release(self, hand: Hand) -> None:
        owned = self._owns(hand)
        released = self.store.leases.release(hand.claim.row.id, hand.claim.row.attempt)
        assert released is (owned and not hand.gated)

    @rule(hand=consumes(hands))
    def die(self, hand: Hand) -> None:
        """Nothing of it comes back."""

    @rule()
    def beat(self) -> None:
        """Of everything it ever held, a worker learns what is still its own."""
        known = self.watcher.responses.values()
        held = {(w.id, attempt) for w in known for attempt in w.claims}

        mine = self.store.leases.beat(OWNER, held)

        assert mine == {(w.id, w.attempt) for w in known if w.status == Status.IN_PROGRESS and not w.deleted}

    @rule(response_id=ids, sealed=st.booleans())
    def cancel(self, response_id: str, sealed: bool) -> None:
        known = self.watcher.responses[response_id]
        running = known.end is None and not known.deleted
        ended = self.store.endings.cancel(TENANT, response_id)
        assert (ended is not None) is running
        if ended is not None and sealed:
            seal_log(self.store, self.log, ended, wipe_seconds=3600)

    @rule(response_id=ids)
    def seal(self, response_id: str) -> None:
        stored = self.store.responses.get(response_id)
        if stored is not None and stored.result is not None:
            ended = Ended(stored.row, stored.envelope, stored.result)
            seal_log(self.store, self.log, ended, wipe_seconds=3600)

    @rule(response_id=ids)
    def delete(self, response_id: str) -> None:
        known = self.watcher.responses[response_id]
        deletable = known.end is not None and not known.deleted
        assert self.store.responses.delete(TENANT, response_id) is deletable
        if deletable:
            known.deleted = True
            self.log.drop([response_id])

    @rule(response_id=ids)
    def lease_runs_out(self, response_id: str) -> None:
        self.far.backdate(response_id, "lease_until")

    @rule(response_id=ids)
    def deadlines_pass(self, response_id: str) -> None:
        self.far.backdate(response_id, "deadline_at", "queue_deadline_at")

    @rule()
    def sweep(self) -> None:
        self.sweeper.sweep()

    @rule()
    def redis_forgets(self) -> None:
        self.backends.redis.flushdb()

    @rule(response_id=ids)
    def redis_comes_back_a_moment_younger(self, response_id: str) -> None:
        """The last event was not on its disk yet: what was seen of it cannot be taken back."""
        (state,) = self.log.heads([response_id])
        if state is None or state.seq < 2:
            return
        log, meta = f"respool:{{{response_id}}}:log", f"respool:{{{response_id}}}:meta"
        kept = self.log.read_all(response_id).frames[:-1]
        self.backends.redis.delete(log)
        for number, frame in enumerate(kept, start=1):
            self.backends.redis.xadd(log, {"f": frame}, id=f"{number}-0")
        self.backends.redis.hset(meta, mapping={"seq": len(kept) - 1, "terminal": 0})
        self.watcher.responses[response_id].lost = True

    @invariant()
    def every_promise_holds(self) -> None:
        self.watcher.check()

    def teardown(self) -> None:
        """However it was left: two sweeps past all deadlines bring everything to its end."""
        for response_id in self.watcher.responses:
            self.far.backdate(response_id, "lease_until", "deadline_at", "queue_deadline_at")
        for _ in range(2):
            self.sweeper.sweep()
        self.watcher.check(again=True)
        assert all(w.end is not None or w.deleted for w in self.watcher.responses.values())
        assert self.store.sweeping.unsealed(limit=10) == []
        self.queue.close()

    def _owns(self, hand: Hand) -> bool:
        known = self.watcher.responses[hand.claim.row.id]
        return known.status == Status.IN_PROGRESS and known.attempt == hand.claim.row.attempt

    def _say(self, hand: Hand, event: dict[str, object]) -> None:
        frame = events.encode({**event, "sequence_number": len(hand.journal.frames)})
        try:
            self.flusher.append(hand.journal, [frame])
        except LeaseLost:
            assert not self._owns(hand)

    def _drain(self, hand: Hand) -> bool:
        try:
            return self.flusher.drain(hand.journal)
        except LeaseLost:
            assert not self._owns(hand)
            return False
