"""The breaker, on a clock of the test's own."""

from __future__ import annotations

from workers.breaker import MIN_CALLS, PROBE_SECONDS, RAMP_SECONDS, WINDOW_SECONDS, Breakers, Health


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _call(health: Health, *, failed: bool) -> None:
    health.started()
    health.ended(failed=failed)


def _broken(clock: Clock) -> Health:
    health = Health(clock)
    for _ in range(MIN_CALLS):
        _call(health, failed=True)
    return health


def test_breaker_when_most_calls_fail_then_opens() -> None:
    health = _broken(Clock())

    assert (health.state, health.admits()) == ("open", False)


def test_breaker_when_few_calls_were_made_then_stays_closed() -> None:
    health = Health(Clock())
    for _ in range(MIN_CALLS - 1):
        _call(health, failed=True)

    assert (health.state, health.admits()) == ("closed", True)


def test_breaker_when_failures_are_old_then_forgotten() -> None:
    clock = Clock()
    health = Health(clock)
    for _ in range(MIN_CALLS - 1):
        _call(health, failed=True)
    clock.now += WINDOW_SECONDS + 1
    _call(health, failed=True)

    assert health.state == "closed"


def test_open_breaker_when_the_time_has_come_then_one_probe() -> None:
    clock = Clock()
    health = _broken(clock)
    clock.now += PROBE_SECONDS

    assert health.admits()
    health.started()
    assert not health.admits()


def test_probe_when_it_fails_then_open_until_the_next() -> None:
    clock = Clock()
    health = _broken(clock)
    clock.now += PROBE_SECONDS
    _call(health, failed=True)

    assert (health.state, health.admits()) == ("open", False)


def test_probe_when_it_succeeds_then_load_comes_back_in_steps() -> None:
    clock = Clock()
    health = _broken(clock)
    clock.now += PROBE_SECONDS
    _call(health, failed=False)

    admitted = []
    for _ in range(3):
        running = 0
        while health.admits() and running < 100:
            health.started()
            running += 1
        admitted.append(running)
        for _ in range(running):
            health.ended(failed=False)
        clock.now += RAMP_SECONDS

    assert admitted == [1, 2, 4]


def test_retry_budget_when_spent_then_refused_until_calls_earn_it() -> None:
    health = Health(Clock())
    spent = sum(health.take_retry() for _ in range(100))
    for _ in range(11):
        _call(health, failed=False)

    assert spent == 10
    assert health.take_retry()
    assert not health.take_retry()


def test_held_back_when_one_account_is_broken_then_it_alone() -> None:
    clock = Clock()
    breakers = Breakers(["good", "bad"], clock)
    for _ in range(MIN_CALLS):
        _call(breakers.of("bad"), failed=True)

    assert breakers.held_back() == ["bad"]
    assert breakers.states() == {"good": "closed", "bad": "open"}


def test_breakers_when_an_account_is_not_known_yet_then_it_is_healthy() -> None:
    breakers = Breakers([], Clock())

    assert breakers.of("new").state == "closed"
    assert breakers.states() == {"new": "closed"}


def test_breakers_when_an_account_changed_then_it_begins_anew() -> None:
    clock = Clock()
    breakers = Breakers(["a"], clock)
    for _ in range(MIN_CALLS):
        _call(breakers.of("a"), failed=True)
    breakers.forget({"a", "never heard of"})

    assert (breakers.of("a").state, breakers.held_back()) == ("closed", [])
