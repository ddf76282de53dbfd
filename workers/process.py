"""One worker process: its parts, its life, and what a bell does in it."""

from __future__ import annotations

import logging
import os
import random
import secrets
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path

from shared.catalog import Reloader
from shared.errors import StoreUnavailable
from shared.log import Board, Quotas, Reporter
from shared.metrics import AT_LIMIT, BREAKER, CONFIG_REFUSED, Series
from shared.rounds import Rounds
from shared.services import Services
from shared.store.rows import ResponseRow
from workers.breaker import STATES, Breakers
from workers.copies import CopyRemover
from workers.fallback import Targets
from workers.flusher import Flusher
from workers.lease import Beat, Hold, Watchdog
from workers.limits import Limits
from workers.providers import HttpClient, open_providers
from workers.recorder import Recorder
from workers.rescue import Rescuer
from workers.retry import Rung
from workers.runner import Runner
from workers.sealed_content import make_sealer
from workers.slots import Slots
from workers.spool import Spool
from workers.sweep import Sweeper

_log = logging.getLogger("respool.worker")

HAND_OVER_SECONDS = 1.0  # how often a process that drains looks for more of it
BACKLOG_SECONDS = 0.5  # a row that waited so long is not alone, and for the others perhaps nobody rings
IDLE_SECONDS = (1.0, 2.0)  # idle slots look for work in SQL this often: bells may be lost


class WorkerProcess:
    def __init__(self, services: Services) -> None:
        settings = services.settings
        store, log = services.store, services.log
        self._services = services
        self._transitions = services.transitions
        self._leases = store.leases
        self._is_capped = settings.tenant_concurrency > 0
        self._slots = Slots(settings.worker_concurrency, settings.background_share)
        self._http = HttpClient(pool_size=settings.worker_concurrency)
        self._flusher = Flusher(log, store.leases.renew, services.transitions.counters)
        self._beat = Beat(store.leases, log, owner=_owner(), heartbeat_seconds=settings.heartbeat_seconds)
        self._watchdog = Watchdog(self._beat)
        self._breakers = Breakers(services.catalog.providers, time.monotonic)
        self._reloader = Reloader(services.catalog, settings, services.environ, self._breakers.forget)
        self._spool = Spool(Path(settings.spool_dir))
        self._sweeper = self._new_sweeper()
        self._providers = open_providers(services.catalog, self._http)
        self._copies = CopyRemover(store, self._providers, every_seconds=settings.sweep_seconds)
        self._limits = Limits(services.catalog, Quotas(services.redis))
        self._targets = Targets(
            catalog=services.catalog,
            leases=store.leases,
            breakers=self._breakers,
            limits=self._limits,
            ring=services.queue.ring,
            transitions=services.transitions,
        )
        self._runner = self._new_runner()
        self._reporter = Reporter(
            Board(services.redis), services.transitions.counters, role="worker", gauges=self._gauges
        )
        self._draining = threading.Event()
        # again and again: what the upstream has only just named can be resumed from then on
        pauses = chain((settings.drain_seconds,), repeat(HAND_OVER_SECONDS))
        self._handing_over = Rounds("handing over", self._beat.hand_over, lambda: next(pauses))
        self._own = ThreadPoolExecutor(settings.worker_concurrency, thread_name_prefix="idle")
        self._idle = Rounds("idle", self._look_for_work, lambda: random.uniform(*IDLE_SECONDS))

    def _new_sweeper(self) -> Sweeper:
        services, settings = self._services, self._services.settings
        store, log = services.store, services.log
        rescuer = Rescuer(
            store=store,
            log=log,
            queue=services.queue,
            catalog=services.catalog,
            resume=self._take_over,
            transitions=services.transitions,
            settings=settings,
        )
        return Sweeper(
            store=store,
            log=log,
            queue=services.queue,
            slots=self._slots,
            rescuer=rescuer,
            spool=self._spool,
            transitions=services.transitions,
            settings=settings,
        )

    def _new_runner(self) -> Runner:
        services, settings = self._services, self._services.settings
        store, log = services.store, services.log
        return Runner(
            store=store,
            log=log,
            catalog=services.catalog,
            providers=self._providers,
            breakers=self._breakers,
            targets=self._targets,
            hold=Hold(self._beat, self._watchdog),
            flusher=self._flusher,
            recorder=Recorder(
                store,
                log,
                self._flusher,
                self._spool,
                services.transitions,
                wipe_seconds=settings.wipe_seconds,
            ),
            sealer=make_sealer(settings.sealing_keys, settings.secret_key),
            transitions=services.transitions,
            lease_seconds=settings.lease_seconds,
        )

    def start(self) -> None:
        for part in (
            self._flusher,
            self._beat,
            self._watchdog,
            self._sweeper,
            self._limits,
            self._copies,
            self._idle,
            self._reloader,
            self._reporter,
        ):
            part.start()
        _log.info("worker ready: %s, %s slots", self._beat.owner, self._slots.size)

    def drain(self) -> None:
        """Claim nothing more. What runs goes on for a while; then what others can resume is handed over."""
        if not self._draining.is_set():
            self._draining.set()
            self._idle.stopping.set()
            self._handing_over.start()

    def stop(self) -> None:
        self.drain()
        self._own.shutdown(wait=True, cancel_futures=True)
        self._handing_over.stop()
        self._reloader.stop()
        self._limits.stop()
        for part in (self._copies, self._sweeper, self._watchdog, self._beat, self._flusher, self._reporter):
            part.stop()
        self._http.close()
        self._services.close()

    def answer(self) -> None:
        """`work`, in a thread whose outcome nobody reads."""
        try:
            self.work()
        except StoreUnavailable as error:
            _log.warning("cannot claim: %s", error)
        except Exception:
            _log.exception("fault of ours")

    def work(self) -> None:
        """One bell, one claim; again after a row that waited long, or may have kept others waiting."""
        while not self._draining.is_set():
            with self._slots.take() as slot:
                if self._draining.is_set():
                    return
                was_full = not self._slots.background_is_free
                held_back = self._targets.held_back()
                claim = self._leases.claim_next(
                    self._beat.owner,
                    background=slot.background,
                    held_back=held_back.providers,
                    held_aliases=held_back.aliases,
                )
                if claim is None:
                    return
                self._slots.settle(slot, background=claim.row.background)
                waited = round(claim.waited_seconds, 3)
                self._transitions.say("claimed", claim.row, seconds=waited)
                self._meet(claim.row)
                self._runner.run(claim)
            row = claim.row
            may_have_blocked = self._is_capped or self._limits.apply_to(row.provider)
            if not (may_have_blocked or (row.background and was_full) or waited > BACKLOG_SECONDS):
                return

    def _take_over(self, lost: ResponseRow) -> None:
        """Go on with a lost row's generation, in a free slot; without one, another sweep does it."""
        if self._slots.free > 0 and not self._draining.is_set():
            self._own.submit(self._run_lost, lost)

    def _run_lost(self, lost: ResponseRow) -> None:
        try:
            with self._slots.take() as slot:
                claim = self._leases.claim_lost(lost, self._beat.owner)
                if claim is not None:
                    self._slots.settle(slot, background=claim.row.background)
                    self._transitions.rescued(claim.row, Rung.RESUME.value)
                    self._meet(claim.row)
                    self._runner.run(claim)
        except StoreUnavailable as error:
            _log.warning("cannot take over: %s", error)
        except Exception:
            # nobody else reads this thread's outcome
            _log.exception("fault of ours")

    def _meet(self, row: ResponseRow) -> None:
        """An account that is new to this process: the API may have read the changed file a moment before."""
        if row.provider not in self._services.catalog.providers:
            self._reloader.catch_up()

    def _gauges(self) -> dict[Series, float]:
        states = self._breakers.states().items()
        return {
            (CONFIG_REFUSED.name,): float(self._reloader.refused),
            **{(AT_LIMIT.name, provider): float(full) for provider, full in self._limits.states().items()},
            **{(BREAKER.name, provider): float(STATES.index(state)) for provider, state in states},
        }

    def _look_for_work(self) -> None:
        waiting = self._leases.claimable(background=self._slots.background_is_free, limit=self._slots.size)
        for _ in range(min(waiting, self._slots.free)):
            self._own.submit(self.answer)


def _owner() -> str:
    """Who holds a lease: unique for ever, readable for an operator."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
