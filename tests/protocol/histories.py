"""Random histories: workers that claim, stream, die and come back too late; callers that cancel and
delete; leases that run out; a Redis that forgets.

A history is a list of acts, drawn evenly from a seed: that goes deeper in the same time than letting a
strategy choose each act. One that breaks a promise is made small before it is told.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.protocol.world import Hand, World
from tests.support.backends import Backends

MAX_RESPONSES = 2  # few, so that much happens to each
_STEPS = 50

Act = Callable[[World, int], object]


@dataclass(frozen=True, slots=True)
class Step:
    """An act, and the place of whom it concerns among those that are there."""

    act: str
    place: int


def history(seed: int) -> list[Step]:
    rng = random.Random(seed)
    acts, weights = zip(*WEIGHTS.items(), strict=True)
    return [Step(act, rng.randrange(12)) for act in rng.choices(acts, weights, k=_STEPS)]


def play(backends: Backends, steps: list[Step]) -> None:
    """Raises at the first broken promise: AssertionError, or what the product itself refuses to do."""
    world = World(backends)
    world.create(background=False, stored=True, announced=True)
    for step in steps:
        _ACTS[step.act](world, step.place)
        world.watcher.check()
    world.come_to_an_end()


def smallest(backends: Backends, steps: list[Step]) -> list[Step]:
    """A history that breaks a promise still, and would not with any one step less."""
    shrunk = True
    while shrunk:
        shrunk = False
        for place in reversed(range(len(steps))):
            fewer = steps[:place] + steps[place + 1 :]
            if _breaks(backends, fewer):
                steps, shrunk = fewer, True
    return steps


def _breaks(backends: Backends, steps: list[Step]) -> bool:
    try:
        play(backends, steps)
    except Exception:
        return True
    return False


def _claim(world: World, *, gated: bool) -> None:
    hand = world.claim()
    if hand is not None and gated:
        world.gate(hand)


def _create(world: World, **how: bool) -> None:
    if len(world.ids) < MAX_RESPONSES:
        world.create(**how)


def _follow_up(world: World, parent: str) -> None:
    if len(world.ids) < MAX_RESPONSES:
        world.follow_up(parent)


def _stream_and_flush(world: World, hand: Hand) -> None:
    world.stream(hand, 2)
    world.flush(hand)


def _by_hand(act: Callable[[World, Hand], object]) -> Act:
    def step(world: World, place: int) -> None:
        if world.hands:
            act(world, world.hands[place % len(world.hands)])

    return step


def _by_id(act: Callable[[World, str], object]) -> Act:
    """More often a response that somebody works on."""

    def step(world: World, place: int) -> None:
        ids = [hand.id for hand in world.hands] if world.hands and place % 4 else world.ids
        act(world, ids[place % len(ids)])

    return step


WORK: dict[str, Act] = {
    "claim": lambda world, _: _claim(world, gated=False),
    "claim and gate": lambda world, _: _claim(world, gated=True),
    "gate": _by_hand(World.gate),
    "stream": _by_hand(lambda world, hand: world.stream(hand, 2)),
    "stream and flush": _by_hand(_stream_and_flush),
    "finish": _by_hand(lambda world, hand: world.finish(hand, "completed", said=True)),
    "finish behind": _by_hand(lambda world, hand: world.finish(hand, "completed", said=True, behind=True)),
    "finish behind, unsaid": _by_hand(
        lambda world, hand: world.finish(hand, "incomplete", said=False, behind=True)
    ),
    "finish unsaid": _by_hand(lambda world, hand: world.finish(hand, "incomplete", said=False)),
    "release": _by_hand(World.release),
    "sent elsewhere unsent": _by_hand(World.redirect),
    "refused and sent elsewhere": _by_hand(World.refused),
    "die": _by_hand(World.die),
}
CALLS: dict[str, Act] = {
    "create": lambda world, _: _create(world, background=False, stored=True, announced=True),
    "create in background": lambda world, _: _create(world, background=True, stored=True, announced=False),
    "create unstored": lambda world, _: _create(world, background=True, stored=False, announced=False),
    "follow up": _by_id(lambda world, one: _follow_up(world, one)),
    "cancel": _by_id(lambda world, one: world.cancel(one, sealed=True)),
    "cancel unsealed": _by_id(lambda world, one: world.cancel(one, sealed=False)),
    "delete": _by_id(World.delete),
}
TROUBLE: dict[str, Act] = {
    "lease runs out": _by_id(lambda world, one: world.far.backdate(one, "lease_until")),
    "deadlines pass": _by_id(lambda world, one: world.far.backdate(one, "deadline_at", "queue_deadline_at")),
    "sweep": lambda world, _: world.sweeper.sweep(),
    "beat": lambda world, _: world.beat(),
    "seal": _by_id(World.seal),
    "begin to seal": _by_id(World.begin_to_seal),
    "redis forgets": lambda world, _: world.redis_forgets(),
    "redis comes back younger": _by_id(World.redis_comes_back_a_moment_younger),
}
_ACTS = {**WORK, **CALLS, **TROUBLE}
WEIGHTS = dict.fromkeys(_ACTS, 2) | {
    "claim and gate": 6,
    "stream and flush": 4,
    "release": 1,
    "die": 1,
    "delete": 1,
}
