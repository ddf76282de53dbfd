"""Random histories: workers that claim, stream, die and come back too late; callers that cancel and
delete; leases that run out; a Redis that forgets.

Three kinds of rules only, each choosing among its acts: with a rule for every act, most histories are
too shallow to be late for anything.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.protocol.world import Hand, World
from tests.support.backends import Backends

MAX_RESPONSES = 3  # few, so that much happens to each

WORK: dict[str, Callable[[World, Hand], object]] = {
    "gate": lambda world, hand: world.gate(hand),
    "stream": lambda world, hand: world.stream(hand, 2),
    "flush": lambda world, hand: world.flush(hand),
    "stream and flush": lambda world, hand: (world.stream(hand, 2), world.flush(hand)),
    "finish": lambda world, hand: world.finish(hand, "completed", said=True),
    "finish as failed": lambda world, hand: world.finish(hand, "failed", said=True),
    "finish unsaid": lambda world, hand: world.finish(hand, "incomplete", said=False),
    "release": lambda world, hand: world.release(hand),
    "die": lambda world, hand: world.die(hand),
}
CALLS: dict[str, Callable[[World, str], None]] = {
    "create": lambda world, one: world.create(background=False, stored=True, announced=True),
    "create in background": lambda world, one: world.create(background=True, stored=True, announced=False),
    "create unstored": lambda world, one: world.create(background=True, stored=False, announced=False),
    "follow up": lambda world, one: world.follow_up(one),
    "cancel": lambda world, one: world.cancel(one, sealed=True),
    "cancel unsealed": lambda world, one: world.cancel(one, sealed=False),
    "delete": lambda world, one: world.delete(one),
}
TROUBLE: dict[str, Callable[[World, str], None]] = {
    "lease runs out": lambda world, one: world.far.backdate(one, "lease_until"),
    "deadlines pass": lambda world, one: world.far.backdate(one, "deadline_at", "queue_deadline_at"),
    "sweep": lambda world, one: world.sweeper.sweep(),
    "beat": lambda world, one: world.beat(),
    "seal": lambda world, one: world.seal(one),
    "begin to seal": lambda world, one: world.begin_to_seal(one),
    "redis forgets": lambda world, one: world.redis_forgets(),
    "redis comes back younger": lambda world, one: world.redis_comes_back_a_moment_younger(one),
}


class Protocol(RuleBasedStateMachine):
    def __init__(self, backends: Backends) -> None:
        super().__init__()
        self.world = World(backends)
        self.world.create(background=False, stored=True, announced=True)

    @rule(act=st.sampled_from(sorted(WORK)), whose=st.integers(0, 3))
    def work(self, act: str, whose: int) -> None:
        """Whoever holds nothing takes something, and is through the gate at once, or acts as told."""
        hands = self.world.hands
        if whose < len(hands):
            WORK[act](self.world, hands[whose])
            return
        hand = self.world.claim()
        if hand is not None and act != "gate":
            self.world.gate(hand)

    @rule(act=st.sampled_from(sorted(CALLS)), which=st.integers(0, MAX_RESPONSES - 1))
    def call(self, act: str, which: int) -> None:
        ids = self.world.ids
        if len(ids) < MAX_RESPONSES or not act.startswith(("create", "follow")):
            CALLS[act](self.world, ids[which % len(ids)])

    @rule(act=st.sampled_from(sorted(TROUBLE)), which=st.integers(0, MAX_RESPONSES - 1))
    def trouble(self, act: str, which: int) -> None:
        ids = self.world.ids
        TROUBLE[act](self.world, ids[which % len(ids)])

    @invariant()
    def every_promise_holds(self) -> None:
        self.world.watcher.check()

    def teardown(self) -> None:
        self.world.come_to_an_end()
