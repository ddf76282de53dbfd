"""The protocol as a small model, searched through all its interleavings. PURE.

Two workers, a sweeper, a canceller and a helper that appends missing terminal events; every action is
one atomic step of the product (a conditional UPDATE, a Lua call, a POST). A worker may be delayed
between any two of its steps for as long as it likes, and its lease may run out meanwhile; twice, a
worker may die. Each guard can be taken away, to see that the search would notice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

SQL_FENCE = "the SQL fence"  # WHERE status = 'in_progress' AND attempt = mine
LOG_FENCE = "the log fence"  # Lua compares the attempt, and knows the end
MONEY_GATE = "the money gate"  # upstream_started_at is committed before the POST
PROOF = "the proof"  # only what was refused goes to another target
GUARDS = frozenset({SQL_FENCE, LOG_FENCE, MONEY_GATE, PROOF})

QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED = "queued", "in_progress", "completed", "failed", "cancelled"
_TERMINAL = frozenset({COMPLETED, FAILED, CANCELLED})
_MAX_RESCUES = 2
_MAX_STATES = 200_000


class Worker(NamedTuple):
    at: str = "idle"
    attempt: int = 0


class State(NamedTuple):
    status: str = QUEUED
    attempt: int = 0
    leased: bool = False
    started: bool = False  # the money gate's mark
    rescues: int = 0
    log_attempt: int = 0
    log_end: str = ""  # what the terminal event says
    workers: tuple[Worker, Worker] = (Worker(), Worker())
    swept: tuple[int, bool] | None = None  # what the sweeper has read: attempt, started
    sealing: tuple[str, int] | None = None  # what the helper has read: status, attempt
    billed: int = 0
    deaths: int = 2
    releases: int = 1
    cancels: int = 1
    retargets: int = 1

    @property
    def is_done(self) -> bool:
        return self.status in _TERMINAL and bool(self.log_end)


class Step(NamedTuple):
    label: str
    after: State
    writer: int | None = None  # whose event this step put into the log


class _At(Protocol):
    def __call__(self, place: str, changed: State = ...) -> State: ...


class _MakeStep(Protocol):
    def __call__(self, what: str, after: State, writer: int | None = None) -> Step: ...


@dataclass(frozen=True)
class Finding:
    violation: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Search:
    states: int
    findings: tuple[Finding, ...]
    stuck: int  # states from which the end cannot be reached

    @property
    def violations(self) -> set[str]:
        return {finding.violation for finding in self.findings}


def search(guards: frozenset[str] = GUARDS, *, wanted: frozenset[str] = frozenset()) -> Search:
    """Every reachable state, breadth first, so that a finding's path is a shortest one.

    Ends early once all of the `wanted` violations are found, if there are any.
    """
    start = State()
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    before: dict[State, list[State]] = {}
    found: dict[str, Finding] = {}
    queue = deque([start])
    while queue and not (wanted and wanted <= found.keys()):
        state = queue.popleft()
        for step in _steps(state, guards):
            violation = _violation(state, step)
            if violation is not None:
                path = (*_path(state, came_from), step.label)
                found.setdefault(violation, Finding(violation, path))
                continue
            before.setdefault(step.after, []).append(state)
            if step.after not in came_from:
                came_from[step.after] = (state, step.label)
                queue.append(step.after)
        assert len(came_from) < _MAX_STATES, "the model has grown out of bounds"
    return Search(len(came_from), tuple(found.values()), len(came_from) - _can_end(came_from, before))


def _can_end(states: dict[State, tuple[State, str] | None], before: dict[State, list[State]]) -> int:
    ends = {state for state in states if state.is_done}
    queue = deque(ends)
    while queue:
        for state in before.get(queue.popleft(), ()):
            if state not in ends:
                ends.add(state)
                queue.append(state)
    return len(ends)


def _path(state: State, came_from: dict[State, tuple[State, str] | None]) -> tuple[str, ...]:
    labels: list[str] = []
    while (origin := came_from[state]) is not None:
        state, label = origin
        labels.append(label)
    return tuple(reversed(labels))


def _violation(state: State, step: Step) -> str | None:
    after = step.after
    if state.status in _TERMINAL and after.status != state.status:
        return "terminal overwritten"
    if after.billed > 1:
        return "billed twice"
    if step.writer is not None and state.log_end:
        return "event after terminal"
    if step.writer is not None and step.writer < state.log_attempt:
        return "event of a fenced attempt"
    if after.log_end and after.log_end != after.status:
        return "terminal event contradicts the row"
    if after.attempt < state.attempt:
        return "attempt decreased"
    return None


def _steps(state: State, guards: frozenset[str]) -> Iterator[Step]:
    for number in range(2):
        yield from _worker(state, number, guards)
    yield from _sweeper(state, guards)
    yield from _helper(state, guards)
    if state.status == RUNNING and state.leased:
        yield Step("the lease runs out", state._replace(leased=False))
    if state.cancels and state.status not in _TERMINAL:
        yield Step("cancel", _ended(state, CANCELLED)._replace(cancels=0))


def _worker(state: State, number: int, guards: frozenset[str]) -> Iterator[Step]:
    worker = state.workers[number]

    def at(place: str, changed: State = state) -> State:
        moved = Worker() if place == "idle" else worker._replace(at=place)
        return _with_worker(changed, number, moved)

    def step(what: str, after: State, writer: int | None = None) -> Step:
        return Step(f"{what} ({number + 1})", after, writer)

    if worker.at == "idle":
        if state.status == QUEUED:
            claimed = state._replace(status=RUNNING, attempt=state.attempt + 1, leased=True)
            yield step("claim", _with_worker(claimed, number, Worker("claimed", claimed.attempt)))
        return
    mine = state.status == RUNNING and (state.attempt == worker.attempt)
    passes = mine or SQL_FENCE not in guards
    yield step("beat", state._replace(leased=True) if mine else at("idle"))
    if state.deaths:
        yield step("die", at("idle", state._replace(deaths=state.deaths - 1)))
    if worker.at == "claimed":
        owner = max(state.log_attempt, worker.attempt)
        refused = LOG_FENCE in guards and (owner > worker.attempt or state.log_end)
        yield step("acquire", at("idle") if refused else at("acquired", state._replace(log_attempt=owner)))
        if passes and not state.started and state.releases:
            yield step("release", at("idle", _requeued(state._replace(releases=0))))
    elif worker.at == "acquired":
        yield from _through_the_gate(state, at, step, passes, guards)
    elif worker.at == "gated":
        yield step("send", at("sent", state._replace(billed=state.billed + 1)))
        if state.retargets:
            yield step("send, refused", at("refused"))
    elif worker.at == "refused":
        yield from _elsewhere(state, at, step, passes)
    elif worker.at == "sent":
        accepted = LOG_FENCE not in guards or (state.log_attempt == worker.attempt and not state.log_end)
        appended = step("append", at("streamed"), worker.attempt)
        yield appended if accepted else step("append refused", at("idle"))
        if PROOF not in guards:
            yield from _elsewhere(state, at, step, passes)
    elif worker.at == "streamed":
        after = at("finished", _finished(state)) if passes else at("idle")
        yield step("finish", after)
    elif worker.at == "finished":
        accepted = LOG_FENCE not in guards or (state.log_attempt == worker.attempt and not state.log_end)
        ended = at("idle", state._replace(log_end=state.status))
        yield step("say the end", ended, worker.attempt) if accepted else step("end refused", at("idle"))


def _elsewhere(state: State, at: _At, step: _MakeStep, passes: bool) -> Iterator[Step]:
    """To the queue for another target: the gate is open again."""
    if passes and state.retargets:
        queued = _requeued(state._replace(retargets=0, started=False))
        yield step("sent elsewhere", at("idle", queued))
    else:
        yield step("nowhere else", at("idle"))


def _through_the_gate(
    state: State, at: _At, step: _MakeStep, passes: bool, guards: frozenset[str]
) -> Iterator[Step]:
    if MONEY_GATE not in guards:
        yield step("no gate", at("gated"))
    elif passes and not state.started and (state.leased or SQL_FENCE not in guards):
        yield step("gate", at("gated", state._replace(started=True)))
    elif passes and SQL_FENCE not in guards:
        yield step("gate", at("gated"))
    else:
        yield step("gate closed", at("idle"))


def _sweeper(state: State, guards: frozenset[str]) -> Iterator[Step]:
    lost = state.status == RUNNING and not state.leased
    if state.swept is None:
        if lost:
            yield Step("sweep looks", state._replace(swept=(state.attempt, state.started)))
        return
    attempt, started = state.swept
    done = state._replace(swept=None)
    still = lost and state.attempt == attempt
    if not started and state.rescues < _MAX_RESCUES:
        # the UPDATE looks at the gate's mark again: it may have been set since the sweeper has read
        swept = still and not state.started
        yield Step("requeue", _requeued(done)._replace(rescues=state.rescues + 1) if swept else done)
    else:
        yield Step("settle", _ended(done, FAILED) if still else done)


def _helper(state: State, guards: frozenset[str]) -> Iterator[Step]:
    if state.sealing is None:
        if state.status in _TERMINAL and not state.log_end:
            if LOG_FENCE in guards and state.log_attempt > state.attempt:
                return
            owner = max(state.log_attempt, state.attempt)
            yield Step(
                "seal: acquire", state._replace(sealing=(state.status, state.attempt), log_attempt=owner)
            )
        return
    status, attempt = state.sealing
    done = state._replace(sealing=None)
    if LOG_FENCE in guards and (state.log_attempt != attempt or state.log_end):
        yield Step("seal: refused", done)
    else:
        yield Step("seal: append", done._replace(log_end=status), attempt)


def _with_worker(state: State, number: int, worker: Worker) -> State:
    first, second = state.workers
    return state._replace(workers=(worker, second) if number == 0 else (first, worker))


def _requeued(state: State) -> State:
    return state._replace(status=QUEUED, attempt=state.attempt + 1, leased=False)


def _finished(state: State) -> State:
    return state._replace(status=COMPLETED, leased=False)


def _ended(state: State, status: str) -> State:
    return state._replace(status=status, attempt=state.attempt + 1, leased=False)
