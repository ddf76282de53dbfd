"""A small mixed load on a stack, and the check that no fault has shown through it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.checker import Checker
from tests.support.clients import Caller, Follower
from tests.support.stack import Stack
from tests.support.waiting import wait_until


@dataclass
class Load:
    checker: Checker
    followers: list[Follower] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)

    def findings(self) -> list[str]:
        """Of everything, once it has ended."""
        seen = [follower.finished() for follower in self.followers]
        for caller in self.callers:
            caller.finished()
        self.checker.wait_for_all(seconds=90)
        return self.checker.findings(seen, self.callers)

    def statuses(self) -> set[str]:
        return {row.status for row in self.checker.rows().values()}

    def reasons(self) -> set[str | None]:
        return {row.error_reason for row in self.checker.rows().values()}


def begin(stack: Stack, checker: Checker, model: str, *, streams: int, others: int) -> Load:
    """Streams that have begun, and callers, half of them in the background."""
    load = Load(checker)
    for n in range(streams):
        load.followers.append(Follower(stack, body={"model": model, "input": f"stream {n}"}))
    for n in range(others):
        body = {"model": model, "input": f"call {n}", "background": bool(n % 2)}
        load.callers.append(Caller(stack, body))
    for client in (*load.followers, *load.callers):
        client.start()
    wait_until(lambda: all(f.transcript.last >= 8 for f in load.followers), "all streams are under way")
    wait_until(lambda: len(checker.rows()) == streams + others, "all are accepted")
    return load
