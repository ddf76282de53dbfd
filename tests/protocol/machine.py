"""Random histories: workers that claim, stream, die and come back too late; callers that cancel and
delete; leases that run out; a Redis that forgets.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.protocol.world import Hand, World
from tests.support.backends import Backends

MAX_RESPONSES = 3  # few, so that much happens to each
MAX_HANDS = 4

which = st.integers(0, MAX_RESPONSES - 1)
whose = st.integers(0, MAX_HANDS - 1)


class Protocol(RuleBasedStateMachine):
    def __init__(self, backends: Backends) -> None:
        super().__init__()
        self.world = World(backends)
        self.world.create(background=False, stored=True, announced=True)

    @precondition(lambda self: len(self.world.ids) < MAX_RESPONSES)
    @rule(background=st.booleans(), stored=st.booleans(), announced=st.booleans())
    def create(self, background: bool, stored: bool, announced: bool) -> None:
        self.world.create(background=background, stored=stored, announced=announced)

    @precondition(lambda self: len(self.world.ids) < MAX_RESPONSES)
    @rule(which=which)
    def follow_up(self, which: int) -> None:
        self.world.follow_up(self._id(which))

    @precondition(lambda self: len(self.world.hands) < MAX_HANDS)
    @rule(gated=st.booleans(), count=st.integers(0, 2))
    def claim(self, gated: bool, count: int) -> None:
        """Perhaps with what a worker does next, so that histories come far."""
        hand = self.world.claim()
        if hand is not None and gated:
            self.world.gate(hand)
            self.world.stream(hand, count)

    @precondition(lambda self: self.world.hands)
    @rule(whose=whose)
    def gate(self, whose: int) -> None:
        self.world.gate(self._hand(whose))

    @precondition(lambda self: self.world.hands)
    @rule(whose=whose, count=st.integers(1, 3), flushed=st.booleans())
    def stream(self, whose: int, count: int, flushed: bool) -> None:
        self.world.stream(self._hand(whose), count)
        if flushed:
            self.world.flush(self._hand(whose))

    @precondition(lambda self: self.world.hands)
    @rule(whose=whose, status=st.sampled_from(["completed", "incomplete", "failed"]), said=st.booleans())
    def finish(self, whose: int, status: str, said: bool) -> None:
        self.world.finish(self._hand(whose), status, said=said)

    @precondition(lambda self: self.world.hands)
    @rule(whose=whose, polite=st.booleans())
    def leave(self, whose: int, polite: bool) -> None:
        leave = self.world.release if polite else self.world.die
        leave(self._hand(whose))

    @rule()
    def beat(self) -> None:
        self.world.beat()

    @rule(which=which, sealed=st.booleans())
    def cancel(self, which: int, sealed: bool) -> None:
        self.world.cancel(self._id(which), sealed=sealed)

    @rule(which=which)
    def delete(self, which: int) -> None:
        self.world.delete(self._id(which))

    @rule(which=which, whole=st.booleans())
    def seal(self, which: int, whole: bool) -> None:
        seal = self.world.seal if whole else self.world.begin_to_seal
        seal(self._id(which))

    @rule(which=which, swept=st.booleans())
    def lease_runs_out(self, which: int, swept: bool) -> None:
        self.world.far.backdate(self._id(which), "lease_until")
        if swept:
            self.world.sweeper.sweep()

    @rule(which=which)
    def deadlines_pass(self, which: int) -> None:
        self.world.far.backdate(self._id(which), "deadline_at", "queue_deadline_at")

    @rule()
    def sweep(self) -> None:
        self.world.sweeper.sweep()

    @rule(which=which, everything=st.booleans())
    def redis_forgets(self, which: int, everything: bool) -> None:
        if everything:
            self.world.backends.redis.flushdb()
        else:
            self.world.redis_comes_back_a_moment_younger(self._id(which))

    @invariant()
    def every_promise_holds(self) -> None:
        self.world.watcher.check()

    def teardown(self) -> None:
        self.world.come_to_an_end()

    def _id(self, which: int) -> str:
        ids = self.world.ids
        return ids[which % len(ids)]

    def _hand(self, whose: int) -> Hand:
        return self.world.hands[whose % len(self.world.hands)]
