"""A stack under mixed load whose processes are killed at seeded moments.

Moments are counted in events seen by clients, not in seconds, so that a kill always meets traffic.
Every client's transcript is kept for the checker.
"""

from __future__ import annotations

import random
import threading
from collections import Counter

from tests.support.checker import Checker
from tests.support.clients import Caller, Follower, Transcript
from tests.support.stack import Stack
from tests.support.waiting import wait_until

ROLES = ("api", "worker", "redis")
_PAUSE_SECONDS = 0.1  # of a client whose create was refused


class Chaos:
    def __init__(self, stack: Stack, *, seed: int, in_flight: int = 50) -> None:
        self.transcripts: list[Transcript] = []
        self.callers: list[Caller] = []
        self.kills: Counter[str] = Counter()
        self.checker = Checker(stack)
        self._stack = stack
        self._rng = random.Random(seed)
        self._stopping = threading.Event()
        self._clients = [
            threading.Thread(target=self._client, args=(random.Random(f"{seed}.{n}"),), daemon=True)
            for n in range(in_flight)
        ]

    def start(self) -> Chaos:
        for client in self._clients:
            client.start()
        wait_until(lambda: len(self.checker.rows()) >= len(self._clients), "all clients are in flight")
        return self

    def kill_each(self) -> None:
        """kill -9 of every role once, in random order at random moments; each must come back."""
        for role in self._rng.sample(ROLES, len(ROLES)):
            self._wait_for_events(self._rng.randrange(50, 800))
            self._stack.wait_for_restart(role, self._stack.kill(role))
            self.kills[role] += 1

    def finish(self) -> list[str]:
        """No new requests; everything accepted must end. What is wrong then."""
        self._stopping.set()
        for client in self._clients:
            client.join(180)
            assert not client.is_alive(), "a client hangs"
        self.checker.wait_for_all()
        return [*self.checker.findings(self.transcripts, self.callers), *self._oddities()]

    def outcomes(self) -> Counter[str]:
        """How the responses ended, failures by their reason."""
        rows = self.checker.rows().values()
        return Counter(r.error_reason if r.status == "failed" and r.error_reason else r.status for r in rows)

    def _oddities(self) -> list[str]:
        """Ends that no kill explains, and answers that are faults."""
        found = [
            f"{r.id}: ended {r.status} {r.error_reason or ''}"
            for r in self.checker.rows().values()
            if (r.status, r.error_reason) not in (("completed", None), ("failed", "worker_lost"))
            and not (r.status == "cancelled" and not r.store)  # its waiting client was cut off
        ]
        answers = (c.status for c in self.callers if c.status not in (None, 200, 503))
        return found + [f"a create was answered {status}" for status in answers]

    def _wait_for_events(self, count: int) -> None:
        moment = self._events() + count
        wait_until(lambda: self._events() >= moment, f"{count} more events")

    def _events(self) -> int:
        return sum(len(t.frames) for t in list(self.transcripts))

    def _client(self, rng: random.Random) -> None:
        while not self._stopping.is_set():
            model = f"mock-n{rng.randrange(20, 90)}-i{rng.randrange(20, 60)}"
            body: dict[str, object] = {"model": model, "input": f"say {rng.random()}"}
            accepted = rng.choice((self._stream, self._block, self._background))(body, rng)
            if not accepted:
                self._stopping.wait(_PAUSE_SECONDS)

    def _stream(self, body: dict[str, object], rng: random.Random) -> bool:
        return bool(self._follow(Follower(self._stack, body={**body, "background": rng.random() < 0.3})))

    def _block(self, body: dict[str, object], rng: random.Random) -> bool:
        return self._call({**body, "store": rng.random() < 0.7}).status == 200

    def _background(self, body: dict[str, object], rng: random.Random) -> bool:
        caller = self._call({**body, "background": True})
        if caller.answer is None or caller.status != 200:
            return False
        return bool(self._follow(Follower(self._stack, response_id=caller.answer["id"])))

    def _call(self, body: dict[str, object]) -> Caller:
        caller = Caller(self._stack, body)
        self.callers.append(caller)
        caller.run()
        return caller

    def _follow(self, follower: Follower) -> list[bytes]:
        self.transcripts.append(follower.transcript)
        follower.run()
        return follower.transcript.frames
