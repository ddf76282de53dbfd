"""Everything that can happen to a response, as single steps over the real store, log and sweep.

Each step says at once what it expects of its own outcome; what must be true of the whole is the
watcher's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.catalog import Catalog
from shared.errors import InvalidRequest, LeaseLost
from shared.lifecycle import Status
from shared.log import ENDED_SECONDS, GAP
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

ELSEWHERE = {"provider": "other", "model": "n", "label": "Other"}
SETTINGS = Settings(broker_url="memory://localhost", lease_seconds=0.0, wipe_seconds=3600.0)
QUEUE = Queue(make_celery(SETTINGS, publisher=True))


@dataclass(eq=False)
class Hand:
    """A claimed response in a worker; it goes on however late it is."""

    claim: Claim
    journal: Journal
    gated: bool = False
    streamed: bool = False

    @property
    def id(self) -> str:
        return self.claim.row.id

    @property
    def attempt(self) -> int:
        return self.claim.row.attempt


class World:
    def __init__(self, backends: Backends) -> None:
        self.backends = backends
        self.store, self.log, self.far = backends.store, backends.log, backends.hands
        self.watcher = Watcher(backends)
        self.hands: list[Hand] = []
        self.flusher = Flusher(self.log, self.store.leases.renew)
        self.sweeper = _sweeper(backends)
        backends.empty()

    @property
    def ids(self) -> list[str]:
        return list(self.watcher.responses)

    def create(self, *, background: bool, stored: bool, announced: bool) -> None:
        new = new_response(background=background, store=stored)
        row = self.store.responses.insert(new)
        self.watcher.responses[row.id] = Watched(row.id)
        if announced:
            self.log.acquire(row.id, row.attempt, opening_frames(row, new.envelope))

    def follow_up(self, parent: str) -> None:
        known = self.watcher.responses[parent]
        try:
            row = self.store.responses.insert(new_response(previous_response_id=parent))
        except InvalidRequest:
            return
        assert known.end is not None and not known.deleted
        self.watcher.responses[row.id] = Watched(row.id)

    def claim(self) -> Hand | None:
        claim = self.store.leases.claim_next(OWNER, background=True)
        if claim is None:
            return None
        row, known = claim.row, self.watcher.responses[claim.row.id]
        # I5: an attempt has one owner for ever
        assert known.status == Status.QUEUED and row.attempt not in known.claims
        known.claims.add(row.attempt)
        known.status, known.attempt = row.status, row.attempt
        opening = opening_frames(row, claim.envelope)
        begun = {"type": "response.in_progress", "response": claim.envelope, "sequence_number": len(opening)}
        hand = Hand(claim, self.flusher.open(row.id, row.attempt, [*opening, events.encode(begun)]))
        self.hands.append(hand)
        return hand

    def gate(self, hand: Hand) -> None:
        if self.store.leases.gate(hand.id, hand.attempt):
            assert self._owns(hand)
            hand.gated = True
            self.watcher.responses[hand.id].gates += 1

    def stream(self, hand: Hand, count: int) -> None:
        for _ in range(count if hand.gated else 0):
            delta = f"{hand.attempt}.{len(hand.journal.frames)}"
            self._say(hand, {"type": "response.output_text.delta", "delta": delta})
            hand.streamed = True

    def flush(self, hand: Hand) -> bool:
        journal, news = hand.journal, hand.journal.is_dirty
        try:
            drained = self.flusher.drain(journal)
        except LeaseLost:
            assert not self._owns(hand)
            return False
        if news:
            # I6: what was written was written under the attempt that owns the log
            (state,) = self.log.heads([hand.id])
            assert state is not None and state.attempt == hand.attempt
        return drained

    def finish(self, hand: Hand, status: str, *, said: bool, behind: bool = False) -> None:
        """`said` false: the worker dies between SQL and the log.

        `behind`: the log gets the rest with the end.
        """
        ready = behind and hand.claim.row.store and hand.journal.acquired and not hand.journal.fenced
        if not hand.gated or not (ready or self.flush(hand)):
            return
        self.hands.remove(hand)
        owned, frames = self._owns(hand), hand.journal.frames
        ended = self.store.endings.finish(
            hand.id, hand.attempt, ending(hand.claim, "x", status=status), frames
        )
        assert (ended is not None) is owned
        if ended is not None and said:
            sent, end = hand.journal.acknowledged, events.terminal(status, len(frames), ended.result)
            rest = [*frames[sent:], end]
            if self.log.append(hand.id, hand.attempt, sent, rest, seconds=ENDED_SECONDS) == GAP:
                self.log.reseed(hand.id, hand.attempt, frames)
                self.log.append(hand.id, hand.attempt, len(frames), [end], seconds=ENDED_SECONDS)

    def release(self, hand: Hand) -> None:
        self.hands.remove(hand)
        owned = self._owns(hand)
        assert self.store.leases.release(hand.id, hand.attempt) is (owned and not hand.gated)

    def redirect(self, hand: Hand) -> None:
        """Its account takes nothing now: another target, in the same hands."""
        redirected = self.store.leases.redirect(hand.id, hand.attempt, **ELSEWHERE)
        assert redirected is (self._owns(hand) and not hand.gated)

    def refused(self, hand: Hand) -> None:
        """A complete refusal before anything was seen: not billed, so another target may be asked."""
        if not hand.gated or hand.streamed:
            return
        self.hands.remove(hand)
        owned, known = self._owns(hand), self.watcher.responses[hand.id]
        assert self.store.leases.retarget(hand.id, hand.attempt, **ELSEWHERE, tried="main/m") is owned
        known.gates -= owned

    def die(self, hand: Hand) -> None:
        self.hands.remove(hand)

    def beat(self) -> None:
        """Of everything it ever held, a worker learns what is still its own."""
        known = self.watcher.responses.values()
        mine = self.store.leases.beat(OWNER, {(w.id, attempt) for w in known for attempt in w.claims})
        assert mine == {(w.id, w.attempt) for w in known if w.status == Status.IN_PROGRESS and not w.deleted}

    def cancel(self, response_id: str, *, sealed: bool) -> None:
        known = self.watcher.responses[response_id]
        running = known.end is None and not known.deleted
        ended = self.store.endings.cancel(TENANT, response_id)
        assert (ended is not None) is running
        if ended is not None and sealed:
            self._seal(ended)

    def delete(self, response_id: str) -> None:
        known = self.watcher.responses[response_id]
        deletable = known.end is not None and not known.deleted
        assert self.store.responses.delete(TENANT, response_id) is deletable
        if deletable:
            known.deleted = True
            self.log.drop([response_id])

    def seal(self, response_id: str) -> None:
        stored = self.store.responses.get(response_id)
        if stored is not None and stored.result is not None:
            self._seal(Ended(stored.row, stored.envelope, stored.result))

    def begin_to_seal(self, response_id: str) -> None:
        """Whoever seals dies between taking the log and ending it."""
        stored = self.store.responses.get(response_id)
        if stored is not None and stored.row.is_terminal:
            opening, lost = opening_frames(stored.row, stored.envelope), stored.row.deadline_at is not None
            self.log.acquire(response_id, stored.row.attempt, opening, lost=lost)

    def redis_forgets(self) -> None:
        self.backends.redis.flushdb()

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

    def come_to_an_end(self) -> None:
        """However it was left: two sweeps past all deadlines bring everything to its end."""
        for response_id in self.ids:
            self.far.backdate(response_id, "lease_until", "deadline_at", "queue_deadline_at")
        for _ in range(2):
            self.sweeper.sweep()
        self.watcher.check(again=True)
        assert all(w.end is not None or w.deleted for w in self.watcher.responses.values())
        assert self.store.sweeping.unsealed(limit=10) == []

    def _seal(self, ended: Ended) -> None:
        seal_log(self.store, self.log, ended, wipe_seconds=3600)

    def _owns(self, hand: Hand) -> bool:
        known = self.watcher.responses[hand.id]
        return known.status == Status.IN_PROGRESS and known.attempt == hand.attempt

    def _say(self, hand: Hand, event: dict[str, object]) -> None:
        frame = events.encode({**event, "sequence_number": len(hand.journal.frames)})
        try:
            self.flusher.append(hand.journal, [frame])
        except LeaseLost:
            assert not self._owns(hand)


def _sweeper(backends: Backends) -> Sweeper:
    store, log, transitions = backends.store, backends.log, Transitions(Counters())
    rescuer = Rescuer(
        store=store,
        log=log,
        queue=QUEUE,
        catalog=Catalog({}, None),
        resume=lambda row: None,
        transitions=transitions,
        settings=SETTINGS,
    )
    return Sweeper(
        store=store,
        log=log,
        queue=QUEUE,
        slots=Slots(4, 0.75),
        rescuer=rescuer,
        spool=Spool(Path("no-spool-here")),
        transitions=transitions,
        settings=SETTINGS,
    )
